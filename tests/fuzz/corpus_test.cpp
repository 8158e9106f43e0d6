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

/// Changed inputs of the target's corpus, so many, or where `seconds` is more than 0 so long.
void run_changed(const Target& target, std::mt19937& generator, double seconds) {
  const std::vector<std::string> inputs = corpus_of(target.name);
  REQUIRE(!inputs.empty());
  const auto start = std::chrono::steady_clock::now();
  const std::chrono::duration<double> allowed(seconds);
  int n = 0;
  while (seconds > 0.0 ? std::chrono::steady_clock::now() - start < allowed
                       : n < target.n_changes) {
    target.run(changed(inputs[generator() % inputs.size()], generator));
    ++n;
  }
  MESSAGE(std::string(target.name), ": ", n, " changed inputs");
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
  std::mt19937 generator(11);
  for (const Target& target : kTargets)
    run_changed(target, generator, wanted ? std::atof(wanted) : 0.0);
}

TEST_SUITE("long") {
  TEST_CASE("fuzz: five seconds for each target, by libFuzzer where tools/fuzz.sh has built it") {
    const std::string root = SPIKELANE_SOURCE_DIR;
    const bool has_fuzzers =
        std::all_of(std::begin(kTargets), std::end(kTargets), [&](const Target& target) {
          return std::filesystem::exists(root + "/build/fuzz/fuzz_" + target.name);
        });
    if (has_fuzzers) {
      CHECK(std::system(("bash " + root + "/tools/fuzz.sh --built 5 > /dev/null 2>&1").c_str()) ==
            0);
      return;
    }
    std::mt19937 generator(12);
    for (const Target& target : kTargets) run_changed(target, generator, 5.0);
  }
}

}  // namespace spikelane::test
