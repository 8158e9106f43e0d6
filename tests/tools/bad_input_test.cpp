// Wrong input at the level of the program: exit code 2, one line a problem with place, value and
// what is allowed, nothing written.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/report/safetensors.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Runs in `folder`; the program must refuse with these words, on lines of their own, and leave the
/// folder as it was.
void check_refused(const ScratchFolder& folder, const std::vector<std::string>& arguments,
                   const std::vector<std::string>& words) {
  const auto before = listing(folder.path());
  ProgramSetting setting;
  setting.folder = folder.path();
  const ProgramOutcome outcome = run_program(arguments, setting);
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.out.empty());
  for (const std::string& word : words) {
    CAPTURE(word);
    CHECK(contains(outcome.error, word));
  }
  CHECK(listing(folder.path()) == before);
}

void check_config_refused(const std::string& text, const std::vector<std::string>& words) {
  CAPTURE(text.substr(0, 300));
  const ScratchFolder folder;
  write_file(folder / "config.json", text);
  check_refused(folder, {"train", "config.json", "--out", "out"}, words);
}

/// The tiny config with a JSON patch.
std::string patched(const std::string& patch) {
  return nlohmann::json::parse(kTinyConfig).patch(nlohmann::json::parse(patch)).dump();
}

std::string replaced(const std::string& pointer, const std::string& value) {
  return patched(R"([{"op": "add", "path": ")" + pointer + R"(", "value": )" + value + "}]");
}

}  // namespace

TEST_CASE("program: configs that are no configs are refused") {
  check_config_refused("", {"config.json"});
  check_config_refused("[1, 2]", {"config.json", "a JSON object"});
  check_config_refused("{\"seed\": 1,}", {"config.json:1:"});
  check_config_refused(std::string(100000, '['), {"config.json", "64"});
  check_config_refused(R"({"seed": 1, "seed": 2})", {"error: seed: found"});
  const ScratchFolder folder;
  check_refused(folder, {"train", "no_such.json"}, {"no_such.json"});
  check_refused(folder, {"check", "."}, {"a folder"});
}

TEST_CASE("program: values that are not allowed are refused with place, value and what is") {
  check_config_refused(replaced("/rule/sigmma", "1"),
                       {"error: rule.sigmma: found", "(nearest: \"sigma\")"});
  check_config_refused(replaced("/rule/shaping", "\"rank\""),
                       {"error: rule.shaping: found \"rank\"", "\"centred_ranks\""});
  check_config_refused(replaced("/rule/sigma", "\"a\""), {"error: rule.sigma: found \"a\""});
  check_config_refused(replaced("/rule/sigma", "-0.5"), {"error: rule.sigma: found -0.5"});
  check_config_refused(replaced("/run/n_updates", "1e30"), {"error: run.n_updates: found 1e"});
  check_config_refused(replaced("/rule/n_members", "7"), {"error: rule.n_members: found 7"});
  check_config_refused(replaced("/rule/batch", "71"), {"error: rule.batch: found 71", "70"});
  check_config_refused(replaced("/network/populations/1/name", "\"hidden\""),
                       {"error: network.populations.1.name: found \"hidden\""});
  check_config_refused(
      replaced("/network/projections/1/from", "\"hiden\""),
      {"error: network.projections.1.from: found \"hiden\"", "(nearest: \"hidden\")"});
  check_config_refused(replaced("/network/populations/0/beta", "[0.9, 0.8]"),
                       {"error: network.populations.0.beta: found", "9"});
}

TEST_CASE("program: all that is wrong is said at once") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  write_file(folder / "file", "");
  check_refused(
      folder,
      {"train", "config.json", "--set", "rule.sigma=-1", "--set", "run.n_updates=0", "--threads",
       "0", "--isa", "avx", "--layout", "rows", "--backend", "gpu", "--out", "file/out"},
      {"error: rule.sigma: found -1", "\nerror: run.n_updates: found 0",
       "\nerror: --threads: found \"0\"; allowed: an integer from 1 to 1024",
       "\nerror: --isa: found \"avx\"", "\nerror: --layout: found \"rows\"",
       "\nerror: --backend: found \"gpu\"", "\nerror: --out: found \"file/out\""});
}

TEST_CASE("program: a trial whose history cannot fit the machine's memory is refused") {
  const ScratchFolder folder;
  std::string config = kTinyConfig;
  const auto replace = [&](const std::string& from, const std::string& to) {
    REQUIRE(config.find(from) != std::string::npos);
    config.replace(config.find(from), from.size(), to);
  };
  // a history of 10^6 steps x 10^6 neurons: 15 TiB; blocks of 4096 steps for 70 rows: 2 TiB
  replace(R"({"name": "hidden", "model": "leaky", "n": 9, "beta": 0.95})",
          R"({"name": "hidden", "model": "alif", "n": 1000000, "alpha": 0.95})");
  replace(R"({"kind": "es", "n_members": 8, "batch": 20})", R"({"kind": "kernl", "batch": 70})");
  write_file(folder / "config.json", config);
  check_refused(
      folder,
      {"train", "config.json", "--out", "out", "--threads", "2", "--set", "task.n_steps=1000000"},
      {"error: rule.batch: found 2 threads, trials of 1000000 steps", "at least 149",
       "this machine's memory"});
  check_refused(
      folder,
      {"train", "config.json", "--out", "out", "--threads", "2", "--set", "rule.mode=online",
       "--set", "rule.k_steps=4096"},
      {"error: rule.batch: found 2 threads, trials of 30 steps", "GiB", "this machine's memory"});
  // check says what is needed
  ProgramSetting setting;
  setting.folder = folder.path();
  const ProgramOutcome online =
      run_program({"check", "config.json", "--set", "rule.mode=online"}, setting);
  CHECK(online.exit_code == 0);
  CHECK(contains(online.out, "memory of learning: "));
  const ProgramOutcome trial = run_program({"check", "config.json"}, setting);
  CHECK(trial.exit_code == 0);
  CHECK(contains(trial.out, "of a trial with its history: "));
}

TEST_CASE("program: a network that cannot fit the machine's memory is refused") {
  const ScratchFolder folder;
  // 46340^2 recurrent weights in each of 150 populations: 1.2 TiB
  std::string patch = "[";
  for (int i = 0; i < 150; ++i) {
    const std::string name = "\"p" + std::to_string(i) + "\"";
    patch += R"({"op": "add", "path": "/network/populations/0", "value": {"name": )" + name +
             R"(, "model": "leaky", "n": 46340, "beta": 0.9}}, )";
    patch += R"({"op": "add", "path": "/network/projections/0", "value": {"from": )" + name +
             R"(, "to": )" + name + "}}, ";
  }
  patch.replace(patch.size() - 2, 2, "]");
  write_file(folder / "config.json", patched(patch));
  check_refused(folder, {"train", "config.json", "--out", "out"},
                {"error: network: found 3.221e+11 parameters", "this machine's memory"});
  // check says what it is all the same
  ProgramSetting setting;
  setting.folder = folder.path();
  const ProgramOutcome outcome = run_program({"check", "config.json"}, setting);
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.out, "322,109,340,072 parameters"));
}

TEST_CASE("program: options that are wrong are refused") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  check_refused(folder, {}, {"subcommand"});
  check_refused(folder, {"trian", "config.json"}, {"\"trian\"", "(nearest: \"train\")"});
  check_refused(folder, {"export"}, {"DIR is required"});
  check_refused(folder, {"exprot"}, {"\"exprot\"", "(nearest: \"export\")"});
  check_refused(folder, {"train"}, {"CONFIG.json"});
  check_refused(folder, {"train", "config.json", "--thread", "2"}, {"--thread"});
  check_refused(folder, {"train", "config.json", "--threads", "1025"}, {"--threads", "1024"});
  check_refused(folder, {"train", "config.json", "--threads", "2x"}, {"--threads", "\"2x\""});
  // as on a machine without CUDA, whatever this one has
  setenv("SPIKELANE_CUDA_LIBRARY", "/no/such/library.so", 1);
  check_refused(folder, {"train", "config.json", "--backend", "cuda"},
                {"--backend: found \"cuda\"", "\"cpu\" on this machine: "});
  unsetenv("SPIKELANE_CUDA_LIBRARY");
  check_refused(folder, {"train", "config.json", "--isa", ""}, {"--isa", "can run"});
  check_refused(folder, {"train", "config.json", "--out", "/proc/spikelane/out"}, {"--out"});
  check_refused(folder, {"train", "config.json", "--out", ""}, {"--out"});
  check_refused(folder, {"train", "config.json", "--set", "run.n_updates=x"}, {"run.n_updates"});
  check_refused(folder, {"eval", "config.json"}, {"--weights"});
}

TEST_CASE("program: a folder made for --out goes away again when the rest is wrong") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  check_refused(folder, {"train", "config.json", "--out", "a/b/c", "--set", "rule.sigma=-1"},
                {"error: rule.sigma: found -1"});
  // a folder that was there before stays
  std::filesystem::create_directory(folder / "old");
  check_refused(folder, {"train", "config.json", "--out", "old", "--set", "rule.sigma=-1"},
                {"error: rule.sigma: found -1"});
}

namespace {

/// Weights as the tiny config's network has them.
std::vector<Tensor> tiny_weights() {
  const auto tensor = [](const char* name, std::vector<std::int64_t> shape, std::size_t n) {
    return make_tensor(name, std::move(shape), std::vector<float>(n, 0.25f));
  };
  return {tensor("input.hidden.weight", {4, 9}, 36), tensor("hidden.output.weight", {9, 3}, 27),
          tensor("hidden.bias", {9}, 9)};
}

void check_weights_refused(const std::string& content, const std::vector<std::string>& words) {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  write_file(folder / "w.safetensors", content);
  check_refused(folder, {"eval", "config.json", "--weights", "w.safetensors", "--out", "out"},
                words);
}

void check_weights_refused(const std::vector<Tensor>& tensors,
                           const std::vector<std::string>& words) {
  check_weights_refused(to_safetensors(tensors, {}), words);
}

}  // namespace

TEST_CASE("program: weight files that do not fit are refused") {
  std::vector<Tensor> tensors = tiny_weights();
  // missing, unknown, wrong shape: all at once
  tensors[0] = make_tensor("input.hidden.weight", {9, 4}, std::vector<float>(36, 0.0f));
  tensors[2].name = "hiden.bias";
  check_weights_refused(
      tensors, {"tensor \"input.hidden.weight\": found shape (9, 4); allowed: shape (4, 9)",
                "tensor \"hidden.bias\": found missing",
                "tensor \"hiden.bias\": found not a tensor", "(nearest: \"hidden.bias\")"});

  tensors = tiny_weights();
  tensors[2] = make_tensor("hidden.bias", {9}, std::vector<double>(9, 0.0));
  check_weights_refused(tensors, {"tensor \"hidden.bias\": found dtype F64; allowed: dtype F32"});

  tensors = tiny_weights();
  std::vector<float> values(27, 0.5f);
  values[13] = std::numeric_limits<float>::quiet_NaN();
  values[20] = std::numeric_limits<float>::infinity();
  tensors[1] = make_tensor("hidden.output.weight", {9, 3}, values);
  check_weights_refused(tensors, {"hidden.output.weight[4, 1]: found NaN (and 1 more"});
}

TEST_CASE("program: broken weight files are refused") {
  const std::string good = to_safetensors(tiny_weights(), {});
  check_weights_refused(good.substr(0, good.size() - 1), {"w.safetensors"});
  check_weights_refused(good.substr(0, 100), {"truncated"});
  check_weights_refused(std::string(), {"w.safetensors"});
  std::string long_header = good;
  long_header[6] = '\x7f';
  check_weights_refused(long_header, {"a header of"});
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  check_refused(folder, {"eval", "config.json", "--weights", "none"}, {"none: found no such file"});
}

TEST_CASE("program: records that cannot be made are refused") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  write_file(folder / "w.safetensors", to_safetensors(tiny_weights(), {}));
  const auto eval_with = [](std::vector<std::string> more) {
    std::vector<std::string> arguments{"eval", "config.json", "--weights", "w.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  check_refused(folder,
                eval_with({"--record", "hidden.x,output.s,hidden.v,hidden.v", "--out", "o"}),
                {"error: --record: found \"hidden.x\"; allowed: one of \"hidden.s\", \"hidden.v\", "
                 "\"output.v\"",
                 "error: --record: found \"output.s\"", "found \"hidden.v\", a second time"});
  check_refused(folder, eval_with({"--record", "hidden.s"}), {"error: --out: found nothing"});
  check_refused(folder, eval_with({"--samples", "51"}), {"error: --samples: found \"51\"", "50"});
  // 2000 samples x 10^6 steps x 9 neurons x (4 + 1) bytes, refused before data are made
  check_refused(
      folder,
      eval_with({"--record", "hidden.v,hidden.s", "--out", "o", "--set", "task.n_steps=1000000",
                 "--set", "task.n_samples_per_class=1000", "--set", "task.n_test=2000"}),
      {"error: --record: found a record of 83.8 GiB", "--samples, now 2000"});
}

TEST_CASE("program: data sets that are wrong are refused") {
  const ScratchFolder folder;
  write_file(folder / "config.json", replaced("/task", R"({"kind": "array", "file": "data"})"));
  const auto check = [&](const std::vector<Tensor>& tensors,
                         const std::vector<std::string>& words) {
    write_file(folder / "data", to_safetensors(tensors, {}));
    check_refused(folder, {"train", "config.json", "--out", "out"}, words);
  };
  check_refused(folder, {"train", "config.json", "--out", "out"},
                {"error: task.file", "not found"});
  const auto no_bytes = std::vector<std::uint8_t>();
  check({make_tensor("inputs", {0, 5, 4}, no_bytes)}, {"an empty data set"});
  const auto labels = make_tensor("labels", {2}, std::vector<std::int32_t>{0, 1});
  const auto inputs = make_tensor("inputs", {2, 5, 4}, std::vector<std::uint8_t>(40, 1));
  check({inputs}, {"error: task: found no labels"});
  check({inputs, labels},
        {"error: rule.batch: found 20", "error: network.populations.1.n: found 3"});
  // a value that is not finite is found when the data are read, still before anything is written
  std::vector<float> values(200, 0.5f);
  values[7] = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::int32_t> many(10, 2);
  write_file(folder / "config.json",
             patched(R"([{"op": "add", "path": "/task", "value": {"kind": "array", "file": "data"}},
                         {"op": "add", "path": "/rule/batch", "value": 5}])"));
  write_file(folder / "data", to_safetensors({make_tensor("inputs", {10, 5, 4}, values),
                                              make_tensor("labels", {10}, many)},
                                             {}));
  check_refused(folder, {"train", "config.json", "--out", "out"}, {"inputs[0, 1, 3]: found NaN"});
}

}  // namespace spikelane::test
