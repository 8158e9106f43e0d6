// spikelane train end to end: the same results whatever computes them, and files that are whole
// whatever happens.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/report/safetensors.h"
#include "kernels/cpu/kernel_table.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

ProgramOutcome run_in(const ScratchFolder& folder, std::vector<std::string> arguments) {
  ProgramSetting setting;
  setting.folder = folder.path();
  return run_program(arguments, setting);
}

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    lines.push_back(json::parse(text.substr(at, end - at)));
    at = end + 1;
  }
  return lines;
}

/// What must not depend on how it was computed.
json timeless(json results) {
  for (json& report : results["reports"]) report.erase("wall_s");
  results["final"].erase("wall_s");
  results.erase("timing");
  results.erase("machine");
  return results;
}

/// Trains with other threads, ISAs and layouts: results and weights must be the same.
void check_same_everywhere(const char* config) {
  const ScratchFolder folder;
  write_file(folder / "config.json", config);
  std::vector<std::vector<std::string>> ways;
  for (const char* n : {"1", "2", "3"}) ways.push_back({"--threads", n});
  for (const KernelTable* kernels : runnable_kernels()) ways.push_back({"--isa", kernels->isa});
  for (const char* layout : {"neuron_lanes", "sample_lanes"})
    ways.push_back({"--layout", layout, "--threads", "2"});

  json first;
  std::string first_weights;
  for (const auto& way : ways) {
    CAPTURE(way[1]);
    std::vector<std::string> arguments{"train", "config.json", "--out", "out"};
    arguments.insert(arguments.end(), way.begin(), way.end());
    const ProgramOutcome outcome = run_in(folder, arguments);
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    const json results = json::parse(read_file(folder / "out/results.json"));
    const std::string weights = read_file(folder / "out/weights.safetensors");
    if (first.is_null()) {
      first = results;
      first_weights = weights;
      for (const auto& [population, rate] : results["final"]["firing_rate"].items()) {
        CAPTURE(population);
        CHECK(rate.get<double>() > 0.0);  // silent nets would prove nothing
      }
    }
    CHECK(timeless(results) == timeless(first));
    CHECK((weights == first_weights));
    if (way[0] == "--isa") CHECK(results["machine"]["isa"] == way[1]);
    if (way[0] == "--threads")
      CHECK(std::to_string(results["machine"]["n_threads"].get<int>()) == way[1]);
  }
  // results, reports, weights and two checkpoints
  CHECK(listing(folder / "out").size() == 5);
}

}  // namespace

TEST_CASE("train: the same bits on any threads, ISA and layout") {
  SUBCASE("feed-forward") { check_same_everywhere(kTinyConfig); }
  SUBCASE("recurrent") { check_same_everywhere(kRecurrentConfig); }
}

TEST_CASE("train: one JSON line a report, and files that say the same") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  const ProgramOutcome outcome = run_in(folder, {"train", "config.json", "--out", "out"});
  REQUIRE(outcome.exit_code == 0);
  const json results = json::parse(read_file(folder / "out/results.json"));
  const std::vector<json> lines = json_lines(outcome.out);
  // 5 updates, a report every 2 and at the last one, and the end
  REQUIRE(lines.size() == 4);
  REQUIRE(results["reports"].size() == 3);
  CHECK(results["reports"][0]["update"] == 2);
  CHECK(results["reports"][1]["update"] == 4);
  CHECK(results["reports"][2]["update"] == 5);
  CHECK(results["reports"][2] == results["final"]);
  CHECK(results["final"]["update"] == 5);
  for (std::size_t i = 0; i < 3; ++i) CHECK(lines[i] == results["reports"][i]);
  CHECK(lines[3]["final"] == results["final"]);
  CHECK(lines[3]["state_hash"] == results["state_hash"]);
  // the same lines, one after the other
  const std::vector<json> appended = json_lines(read_file(folder / "out/reports.jsonl"));
  REQUIRE(appended.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(appended[i] == lines[i]);
  CHECK(outcome.error.find(results["state_hash"].get<std::string>()) != std::string::npos);
  CHECK(results["timing"]["data_s"].get<double>() > 0.0);

  const auto weights = read_safetensors(folder / "out/weights.safetensors");
  REQUIRE(weights.size() == 3);
  CHECK(weights[0].name == "hidden.bias");
  CHECK(weights[0].shape == std::vector<std::int64_t>{9});
  CHECK(weights[2].name == "input.hidden.weight");
  CHECK(weights[2].shape == std::vector<std::int64_t>{4, 9});
}

TEST_CASE("train: results.json follows its schema") {
  if (std::system("python3 -c 'import jsonschema' > /dev/null 2>&1") != 0) {
    note_skip("python3-jsonschema is not installed");
    return;
  }
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  REQUIRE(run_in(folder, {"train", "config.json", "--out", "out"}).exit_code == 0);
  REQUIRE(run_in(folder,
                 {"eval", "config.json", "--weights", "out/weights.safetensors", "--out", "test"})
              .exit_code == 0);
  for (const char* file : {"out/results.json", "test/eval.json"}) {
    const std::string command =
        "python3 -c 'import json, jsonschema, sys; jsonschema.Draft7Validator(json.load(open("
        "sys.argv[1]))).validate(json.load(open(sys.argv[2])))' '" SPIKELANE_SOURCE_DIR
        "/tools/results.schema.json' '" +
        (folder / file).string() + "'";
    CHECK(std::system(command.c_str()) == 0);
  }
}

TEST_CASE("train: without --out nothing is written") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  const ProgramOutcome outcome = run_in(folder, {"train", "config.json"});
  CHECK(outcome.exit_code == 0);
  CHECK(json_lines(outcome.out).size() == 4);
  CHECK(listing(folder.path()).size() == 1);
}

TEST_CASE("train: --set takes one value, wherever it stands") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  const ProgramOutcome outcome =
      run_in(folder, {"train", "--set", "run.n_updates=1", "config.json", "--set",
                      "network.populations.0.beta=[0.9,0.8,0.7,0.6,0.5,0.4,0.3,0.2,0.1]"});
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 0);
  CHECK(json_lines(outcome.out).back()["final"]["update"] == 1);
}

TEST_CASE("train: a full disk fails the run, and the old files stay whole") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  REQUIRE(run_in(folder, {"train", "config.json", "--out", "out"}).exit_code == 0);
  const std::string results = read_file(folder / "out/results.json");
  const std::string weights = read_file(folder / "out/weights.safetensors");
  const auto before = listing(folder.path());

  ProgramSetting setting;
  setting.folder = folder.path();
  setting.max_file_bytes = 100;
  const std::vector<std::string> arguments{"train", "config.json", "--out",
                                           "out",   "--set",       "seed=99"};
  ProgramOutcome outcome = run_program(arguments, setting);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.error.find("cannot write out/") != std::string::npos);
  CHECK((read_file(folder / "out/weights.safetensors") == weights));
  CHECK((read_file(folder / "out/results.json") == results));
  CHECK(listing(folder.path()) == before);

  // a folder that nothing could be written to goes away
  outcome = run_program({"train", "config.json", "--out", "new/out"}, setting);
  CHECK(outcome.exit_code == 1);
  CHECK(listing(folder.path()) == before);
}

TEST_CASE("train: an interrupted run writes its results and exits with 130") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  ProgramSetting setting;
  setting.folder = folder.path();
  for (const int signal : {SIGINT, SIGTERM}) {
    setting.signal = signal;
    const ProgramOutcome outcome =
        run_program({"train", "config.json", "--out", "out", "--set", "run.n_updates=1000000000",
                     "--set", "run.report_every=1000000"},
                    setting);
    CHECK(outcome.exit_code == 130);
    const json results = json::parse(read_file(folder / "out/results.json"));
    CHECK(results["interrupted"] == "signal");
    CHECK(results["state_hash"].get<std::string>().size() == 16);
    CHECK(read_safetensors(folder / "out/weights.safetensors").size() == 3);
    std::filesystem::remove_all(folder / "out");
  }
}

TEST_CASE("train: a run that nobody listens to goes on to its end") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  ProgramSetting setting;
  setting.folder = folder.path();
  setting.closes_stdout = true;
  CHECK(run_program({"train", "config.json", "--out", "out"}, setting).exit_code == 0);
  CHECK(json::parse(read_file(folder / "out/results.json"))["final"]["update"] == 5);
}

TEST_CASE("train: a state that is not finite ends the run with a message, earlier results stay") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  const std::vector<std::string> grow{"train", "config.json",
                                      "--out", "out",
                                      "--set", "run.report_every=1",
                                      "--set", "run.n_updates=50",
                                      "--set", "rule.shaping=none",
                                      "--set", "rule.antithetic=false",
                                      "--set", "rule.optimiser={\"kind\":\"sgd\",\"lr\":1e29}"};
  const ProgramOutcome outcome = run_in(folder, grow);
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.error.find("not finite") != std::string::npos);
  const json results = json::parse(read_file(folder / "out/results.json"));
  REQUIRE(results["reports"].size() >= 1);
  // the run was under way: no final scores, no hash
  CHECK(!results.contains("final"));
  CHECK(!results.contains("state_hash"));
}

TEST_CASE("train: a silent population is pointed out") {
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  const ProgramOutcome silent =
      run_in(folder, {"train", "config.json", "--set", "network.populations.0.threshold=1000"});
  CHECK(silent.exit_code == 0);
  const std::string silence =
      "warning: population \"hidden\" is silent: 0 spikes per neuron and step\n";
  CHECK(silent.error.find("update 2: " + silence) != std::string::npos);
  // told when it happens and at the end, not at every report
  CHECK(silent.error.find("update 4: ") == std::string::npos);
  CHECK(silent.error.rfind(silence) > silent.error.find("state hash"));
  const ProgramOutcome saturated = run_in(
      folder, {"train", "config.json", "--set", "network.populations.0.reset=none", "--set",
               "network.populations.0.beta=1", "--set", "network.populations.0.threshold=0.01",
               "--set", "network.projections.0.bias={\"kind\":\"constant\",\"value\":1.0}"});
  CHECK(saturated.exit_code == 0);
  const std::string saturation = "warning: population \"hidden\" is saturated: ";
  const std::size_t at = saturated.error.find(saturation);
  REQUIRE(at != std::string::npos);
  // the rate follows
  CHECK(std::atof(saturated.error.c_str() + at + saturation.size()) > 0.5);
}

}  // namespace spikelane::test
