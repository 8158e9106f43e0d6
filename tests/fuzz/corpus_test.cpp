// Every input of the fuzzers' corpora, those that once found something among them, and small
// changes to them: quick, without libFuzzer. The fuzzers themselves run where tools/fuzz.sh has
// built them.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>

#include "tests/fuzz/targets.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"

namespace spikelane::test {
namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view bytes);
  int n_changes;  // changed inputs that a test run tries
};

constexpr Target kTargets[] = {
    {"config", fuzz::config, 1500}, {"safetensors", fuzz::safetensors, 1500},
    {"idx", fuzz::idx, 1500},       {"array", fuzz::array, 1500},
    {"api", fuzz::api, 300},        {"checkpoint", fuzz::checkpoint, 1500}};

std::vector<std::string> corpus_of(const char* target) {
  std::vector<std::string> files;
  const std::filesystem::path corpus = SPIKELANE_SOURCE_DIR "/tests/fuzz/corpus";
  for (const auto& entry : std::filesystem::directory_iterator(corpus / target))
    files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  std::vector<std::string> inputs;
  for (const std::string& file : files) inputs.push_back(read_file(file));
  return inputs;
}

// flips, cuts, copies, overwrites: one to four of them
std::string changed(std::string bytes, std::mt19937& generator) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : generator() % n; };
  for (std::size_t n = 1 + below(4); n > 0 && !bytes.empty(); --n) {
    const std::size_t at = below(bytes.size());
    switch (below(5)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(below(256));
        break;
      case 2:
        bytes.erase(at, 1 + below(16));
        break;
      case 3:
        bytes.insert(at, bytes.substr(below(bytes.size()), 1 + below(16)));
        break;
      default:
        bytes.resize(at);
        break;
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("fuzz: every input of the corpora comes back") {
  int n_inputs = 0;
  for (const Target& target : kTargets)
    for (const std::string& input : corpus_of(target.name)) {
      target.run(input);
      ++n_inputs;
    }
  CHECK(n_inputs >= 20);
}

TEST_CASE("fuzz: changed inputs come back") {
  // $SPIKELANE_FUZZ_SECONDS: so long for each target in place of so many
  const char* wanted = std::getenv("SPIKELANE_FUZZ_SECONDS");
  const std::chrono::duration<double> seconds(wanted ? std::atof(wanted) : 0.0);
  std::mt19937 generator(11);
  for (const Target& target : kTargets) {
    const std::vector<std::string> inputs = corpus_of(target.name);
    REQUIRE(!inputs.empty());
    const auto start = std::chrono::steady_clock::now();
    int n = 0;
    while (wanted ? std::chrono::steady_clock::now() - start < seconds : n < target.n_changes) {
      target.run(changed(inputs[generator() % inputs.size()], generator));
      ++n;
    }
    MESSAGE(std::string(target.name), ": ", n, " changed inputs");
  }
}

TEST_SUITE("long") {
  TEST_CASE("fuzz: libFuzzer, five seconds for each target") {
    for (const Target& target : kTargets) {
      const std::string program =
          SPIKELANE_SOURCE_DIR "/build/fuzz/fuzz_" + std::string(target.name);
      if (!std::filesystem::exists(program)) {
        note_skip("no " + program + ": tools/fuzz.sh builds it, with clang");
        return;
      }
    }
    CHECK(std::system("bash " SPIKELANE_SOURCE_DIR "/tools/fuzz.sh --built 5 > /dev/null 2>&1") ==
          0);
  }
}

}  // namespace spikelane::test
