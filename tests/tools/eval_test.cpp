// spikelane eval end to end: the scores of the training, records that agree with each other, and
// the commands that only print.
#include <doctest/doctest.h>

#include <cstdint>
#include <nlohmann/json.hpp>

#include "engine/report/safetensors.h"
#include "kernels/cpu/kernel_table.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

using nlohmann::json;
using Shape = std::vector<std::int64_t>;

/// A folder with config.json and the training of it in out/.
struct Trained {
  ScratchFolder folder;
  explicit Trained(const std::string& config) {
    write_file(folder / "config.json", config);
    const ProgramOutcome outcome = run({"train", "config.json", "--out", "out"});
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
  }
  ProgramOutcome run(const std::vector<std::string>& arguments) const {
    ProgramSetting setting;
    setting.folder = folder.path();
    return run_program(arguments, setting);
  }
  json eval(const std::vector<std::string>& more, const std::string& out = "test") const {
    std::vector<std::string> arguments{
        "eval", "config.json", "--weights", "out/weights.safetensors", "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramOutcome outcome = run(arguments);
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    return json::parse(read_file(folder / (out + "/eval.json")));
  }
  json results(const std::string& out) const {
    return json::parse(read_file(folder / (out + "/results.json")));
  }
};

const Tensor& tensor(const std::vector<Tensor>& tensors, const char* name) {
  const Tensor* found = find_tensor(tensors, name);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace

TEST_CASE("eval: the scores of the training's end, and one hash however it is computed") {
  const char* config = nullptr;
  SUBCASE("feed-forward") { config = kTinyConfig; }
  SUBCASE("recurrent") { config = kRecurrentConfig; }
  const Trained trained(config);
  const json first = trained.eval({});
  const json final = trained.results("out")["final"];
  for (const char* key : {"test_loss", "test_accuracy", "firing_rate"})
    CHECK(first["final"][key] == final[key]);
  std::vector<std::vector<std::string>> ways{{"--threads", "1"},
                                             {"--threads", "3"},
                                             {"--layout", "neuron_lanes"},
                                             {"--layout", "sample_lanes"},
                                             {"--record", "hidden.v"}};
  for (const KernelTable* kernels : runnable_kernels()) ways.push_back({"--isa", kernels->isa});
  for (const auto& way : ways) {
    CAPTURE(way[1]);
    CHECK(trained.eval(way)["state_hash"] == first["state_hash"]);
  }
  CHECK(trained.eval({"--samples", "7"})["state_hash"] != first["state_hash"]);
}

TEST_CASE("eval: a record has one array a name, and agrees with the scores") {
  const Trained trained(kRecurrentConfig);
  const json results =
      trained.eval({"--record", "hidden.s,hidden.v,output.s", "--record", "output.v"});
  const auto record = read_safetensors(trained.folder / "test/record.safetensors");
  REQUIRE(record.size() == 4);
  CHECK(tensor(record, "hidden.s").shape == Shape{30, 20, 70});
  CHECK(tensor(record, "hidden.v").shape == Shape{30, 20, 70});
  CHECK(tensor(record, "output.s").shape == Shape{30, 20, 3});
  CHECK(tensor(record, "output.v").dtype == "F32");
  for (const char* name : {"hidden", "output"}) {
    const auto spikes = values_of<std::uint8_t>(tensor(record, (std::string(name) + ".s").c_str()));
    double n_spikes = 0.0;
    for (std::uint8_t s : spikes) n_spikes += s;
    CHECK(*std::max_element(spikes.begin(), spikes.end()) == 1);
    CHECK(n_spikes > 0.0);
    CHECK(n_spikes / static_cast<double>(spikes.size()) == results["final"]["firing_rate"][name]);
  }
  // the spikes of the record are the crossings of its membrane potential
  const auto s = values_of<std::uint8_t>(tensor(record, "output.s"));
  const auto v = values_of<float>(tensor(record, "output.v"));
  bool agree = true;
  for (std::size_t i = 0; i < s.size(); ++i) agree &= (s[i] == 1) == (v[i] > 0.3f);
  CHECK(agree);

  // the same arrays from the other layout, and the first samples alone are the first rows
  trained.eval({"--record", "output.v,hidden.s", "--layout", "sample_lanes", "--samples", "3"},
               "few");
  const auto few = read_safetensors(trained.folder / "few/record.safetensors");
  const auto few_v = values_of<float>(tensor(few, "output.v"));
  CHECK(tensor(few, "output.v").shape == Shape{3, 20, 3});
  CHECK((few_v == std::vector<float>(v.begin(), v.begin() + 3 * 20 * 3)));
}

TEST_CASE("eval: the record of a readout is its value after each step") {
  const Trained trained(kTinyConfig);
  const json results = trained.eval({"--record", "output.v,hidden.s"});
  const auto record = read_safetensors(trained.folder / "test/record.safetensors");
  const auto weights = read_safetensors(trained.folder / "out/weights.safetensors");
  const auto spikes = values_of<std::uint8_t>(tensor(record, "hidden.s"));
  const auto v = values_of<float>(tensor(record, "output.v"));
  const auto w = values_of<float>(tensor(weights, "hidden.output.weight"));
  // in double and by the definition: v(t) = beta v(t-1) + gain sum of the weights of who fired
  double worst = 0.0, largest = 0.0;
  for (std::size_t b = 0; b < 50; ++b)
    for (std::size_t o = 0; o < 3; ++o) {
      double expected = 0.0;
      for (std::size_t t = 0; t < 30; ++t) {
        expected *= 0.9;
        for (std::size_t i = 0; i < 9; ++i)
          expected += 0.1 * spikes[(b * 30 + t) * 9 + i] * static_cast<double>(w[i * 3 + o]);
        const double found = static_cast<double>(v[(b * 30 + t) * 3 + o]);
        worst = std::max(worst, std::abs(found - expected));
        largest = std::max(largest, std::abs(expected));
      }
    }
  CHECK(largest > 0.01);
  CHECK(worst < 1e-5 * largest);
}

TEST_CASE("eval: in the folder of its training it leaves the training's results alone") {
  const Trained trained(kTinyConfig);
  const std::string before = read_file(trained.folder / "out/results.json");
  const json tested = trained.eval({"--record", "hidden.s"}, "out");
  CHECK((read_file(trained.folder / "out/results.json") == before));
  CHECK(tested["state_hash"] != json::parse(before)["state_hash"]);
  // results, reports, weights, checkpoint; the test's results and record
  CHECK(listing(trained.folder / "out").size() == 6);
}

TEST_CASE("eval: weights of another network or of another dt_ms are named, key by key") {
  const Trained trained(kTinyConfig);
  const auto said = [&](const std::vector<std::string>& settings) {
    std::vector<std::string> arguments{"eval", "config.json", "--weights",
                                       "out/weights.safetensors"};
    arguments.insert(arguments.end(), settings.begin(), settings.end());
    const ProgramOutcome outcome = trained.run(arguments);
    CHECK(outcome.exit_code == 0);
    return outcome.error;
  };
  CHECK(said({}).find("warning") == std::string::npos);
  // what only learning uses is no difference
  CHECK(said({"--set", "rule.sigma=0.3", "--set", "seed=7"}).find("warning") == std::string::npos);
  const std::string both = said(
      {"--set", "network.populations.0.threshold=0.9", "--set", "network.populations.1.gain=0.5"});
  CHECK(both.find("network.populations.0.threshold: 0.9; the weights of") != std::string::npos);
  CHECK(both.find("network.populations.1.gain: 0.5") != std::string::npos);
  CHECK(both.find("were trained with 1.0") != std::string::npos);
  // files of before have no origin
  std::vector<Tensor> tensors = read_safetensors(trained.folder / "out/weights.safetensors");
  write_file(trained.folder / "out/weights.safetensors", to_safetensors(tensors, {}));
  CHECK(said({}).find("does not say which network it was trained for") != std::string::npos);
}

TEST_CASE("train and eval: data from an array file") {
  const ScratchFolder folder;
  // class c is told by input c, which fires twice as often as the other
  std::vector<std::uint8_t> inputs;
  std::vector<std::int32_t> labels;
  for (int b = 0; b < 24; ++b) {
    labels.push_back(b % 2);
    for (int t = 0; t < 12; ++t)
      for (int i = 0; i < 2; ++i) inputs.push_back((t + b) % (i == b % 2 ? 2 : 4) == 0);
  }
  write_file(
      folder / "data.safetensors",
      to_safetensors(
          {make_tensor("inputs", {24, 12, 2}, inputs), make_tensor("labels", {24}, labels)}, {}));
  write_file(folder / "config.json", R"({
    "task": {"kind": "array", "file": "data.safetensors", "n_test": 6},
    "network": {
      "populations": [{"name": "hidden", "model": "leaky", "n": 8, "beta": 0.9},
                      {"name": "output", "model": "readout", "n": 2, "beta": 0.9}],
      "projections": [{"from": "input", "to": "hidden",
                       "init": {"kind": "uniform", "low": 0.2, "high": 1.0}},
                      {"from": "hidden", "to": "output"}]},
    "rule": {"kind": "es", "n_members": 16, "batch": "all"},
    "run": {"n_updates": 3, "report_every": 1}})");
  ProgramSetting setting;
  setting.folder = folder.path();
  ProgramOutcome outcome = run_program({"train", "config.json", "--out", "out"}, setting);
  CAPTURE(outcome.error);
  REQUIRE(outcome.exit_code == 0);
  outcome = run_program({"eval", "config.json", "--weights", "out/weights.safetensors", "--record",
                         "hidden.s", "--out", "test"},
                        setting);
  CAPTURE(outcome.error);
  REQUIRE(outcome.exit_code == 0);
  const json trained = json::parse(read_file(folder / "out/results.json"));
  const json tested = json::parse(read_file(folder / "test/eval.json"));
  CHECK(trained["network"]["n_inputs"] == 2);
  CHECK(trained["final"]["test_accuracy"] == tested["final"]["test_accuracy"]);
  CHECK(tested["final"]["firing_rate"]["hidden"].get<double>() > 0.0);
  const auto record = read_safetensors(folder / "test/record.safetensors");
  CHECK(tensor(record, "hidden.s").shape == Shape{6, 12, 8});
}

TEST_CASE("check: prints the network and its costs, or the whole config") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  ProgramSetting setting;
  setting.folder = folder.path();
  ProgramOutcome outcome = run_program({"check", "config.json"}, setting);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.error.empty());
  // 4 x 9 + 9 + 9 x 3 parameters; 8 members x 20 samples x 30 steps
  for (const char* part : {"72 parameters", "hidden.output.weight (9, 3)", "4800 sample-steps",
                           "layout sample_lanes", "nearest neighbour on spike times: "}) {
    CAPTURE(part);
    CHECK(outcome.out.find(part) != std::string::npos);
  }
  outcome = run_program({"check", "config.json", "--set", "task.shuffle=false"}, setting);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.error.find("warning: task.shuffle is false") != std::string::npos);

  outcome = run_program({"check", "config.json", "--defaults"}, setting);
  CHECK(outcome.exit_code == 0);
  CHECK(json::parse(outcome.out)["rule"]["sigma"] == 0.05);
  // what was printed is a config again
  write_file(folder / "whole.json", outcome.out);
  CHECK(run_program({"check", "whole.json", "--defaults"}, setting).out == outcome.out);
  CHECK(listing(folder.path()).size() == 2);
}

TEST_CASE("info and --version: what this program is and can run") {
  const ProgramOutcome info = run_program({"info"});
  CHECK(info.exit_code == 0);
  CHECK(info.out.find("isa:      " + runnable_isa_names() + "\n") != std::string::npos);
  CHECK(info.out.find("backends: cpu") != std::string::npos);
  const ProgramOutcome version = run_program({"--version"});
  CHECK(version.exit_code == 0);
  CHECK(info.out.find("version:  " + version.out.substr(version.out.find(' ') + 1)) == 0);
  for (const char* command : {"train", "eval", "bench", "plot", "check", "info"}) {
    CAPTURE(command);
    CHECK(run_program({command, "--version"}).out == version.out);
    const ProgramOutcome help = run_program({command, "--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.out.find("Usage: spikelane " + std::string(command)) != std::string::npos);
  }
}

}  // namespace spikelane::test
