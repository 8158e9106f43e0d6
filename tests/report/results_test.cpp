// results.json: every bit of every number, and the published schemas.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/report/bench_result.h"
#include "engine/report/build_info.h"
#include "engine/report/results_json.h"
#include "tests/config/good_config.h"
#include "tests/skip.h"

using namespace spikelane;
using nlohmann::json;

namespace {

RunConfig good_config() { return parse_config(test::kGoodConfig, "test.json"); }

RunResult sample_result() {
  RunResult result;
  result.seed = 18446744073709551615u;
  Report report;
  report.update = 5;
  report.wall_s = 0.1 + 0.2;
  report.train_loss = 1.0 / 3.0;
  report.train_accuracy = 0.25;
  report.firing_rate = {{"hidden", 5e-324}};
  report.gradient_norm = 1.7976931348623157e308;
  result.reports.push_back(report);
  report.update = 10;
  report.test_loss = 2.0000000000000004;
  report.test_accuracy = 0.9437;
  result.reports.push_back(report);
  result.final_report = report;
  result.timing = {12.5, 0.5, 10.0, 1.0, 1.0, 1e9 / 7.0, 0.125, 4096.0};
  result.machine = {cpu_name(), "x86-64-v3", "cpu", "", 2};
  result.state_hash = "0123456789abcdef";
  return result;
}

BenchResult sample_bench() {
  BenchResult bench;
  bench.command = "spikelane bench \"latency\"";
  bench.machine = {cpu_name(), "x86-64-v4", "cpu", "", 2};
  bench.build = build_info();
  bench.peak_gflops = 123.4;
  bench.bandwidth_gb_s = 12.3;
  SceneResult scene;
  scene.scene = "es_seed";
  scene.seconds_min = 0.1;
  scene.seconds_median = 0.11;
  scene.sample_steps_per_s = 3.6e7 / 7.0;
  scene.firing_rate = 0.05;
  scene.bound = "FMA peak";
  scene.bound_share = 0.5;
  scene.n_operations = 1e12;
  scene.state_hash = "0123456789abcdef";
  bench.scenes.push_back(scene);
  scene = {};
  scene.scene = "latency_64";
  scene.microseconds_p50 = 1.5;
  scene.microseconds_p99 = 2.5;
  scene.microseconds_p999 = 9.5;
  scene.state_hash = "fedcba9876543210";
  bench.scenes.push_back(scene);
  return bench;
}

bool has_jsonschema() {
  if (std::system("python3 -c 'import jsonschema' > /dev/null 2>&1") == 0) return true;
  test::note_skip("python3-jsonschema is not installed");
  return false;
}

/// What python3-jsonschema finds wrong, one line each; empty for a valid document.
std::string schema_errors(const std::string& schema, const std::string& document) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                       ("spikelane_results_test_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "document.json") << document;
  std::ofstream(folder / "validate.py") << R"(
import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
for error in jsonschema.Draft7Validator(schema).iter_errors(json.load(open(sys.argv[2]))):
    print(list(error.absolute_path), error.message[:300])
)";
  const auto in_quotes = [](const std::filesystem::path& path) {
    return " '" + path.string() + "'";
  };
  const std::filesystem::path schema_file =
      std::filesystem::path(SPIKELANE_SOURCE_DIR) / "tools" / schema;
  const std::string command = "python3" + in_quotes(folder / "validate.py") +
                              in_quotes(schema_file) + in_quotes(folder / "document.json") + " > " +
                              in_quotes(folder / "errors.txt") + " 2>&1";
  const int status = std::system(command.c_str());
  std::ifstream file(folder / "errors.txt");
  std::string errors((std::istreambuf_iterator<char>(file)), {});
  std::filesystem::remove_all(folder);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) errors += "python3 failed";
  return errors;
}

}  // namespace

TEST_CASE("results hold every bit of every number") {
  const RunResult result = sample_result();
  const json document = json::parse(results_to_json(good_config(), result));
  CHECK(document["schema_version"] == kResultsSchemaVersion);
  CHECK(document["seed"].get<std::uint64_t>() == result.seed);
  CHECK(document["config_digest"] == config_digest(good_config()));
  CHECK(document["reports"].size() == 2);
  const json& first = document["reports"][0];
  CHECK(first["wall_s"].get<double>() == result.reports[0].wall_s);
  CHECK(first["train_loss"].get<double>() == 1.0 / 3.0);
  CHECK(first["firing_rate"]["hidden"].get<double>() == 5e-324);
  CHECK(first["gradient_norm"].get<double>() == 1.7976931348623157e308);
  CHECK_FALSE(first.contains("test_loss"));
  CHECK(document["final"]["test_loss"].get<double>() == 2.0000000000000004);
  CHECK(document["timing"]["sample_steps_per_s"].get<double>() == 1e9 / 7.0);
  CHECK(document["state_hash"] == "0123456789abcdef");
  CHECK_FALSE(document.contains("interrupted"));
  // the config in the results can be run again as it stands
  CHECK(config_to_json(parse_config(document["config"].dump(), "results")) ==
        config_to_json(good_config()));
}

TEST_CASE("sizes of a network") {
  const NetworkSizes sizes = network_sizes(good_config().network);
  CHECK(sizes.n_inputs == 6);
  CHECK(sizes.n_neurons == 7);
  CHECK(sizes.n_parameters == 6 * 3 + 3 + 3 * 3 + 3 * 4);
  REQUIRE(sizes.tensors.size() == 4);
  CHECK(sizes.tensors[0].name == "input.hidden.weight");
  CHECK(sizes.tensors[0].shape == std::vector<std::int64_t>{6, 3});
  CHECK(sizes.tensors[1].name == "hidden.bias");
  CHECK(sizes.tensors[1].shape == std::vector<std::int64_t>{3});
  CHECK(sizes.tensors[3].shape == std::vector<std::int64_t>{3, 4});
}

TEST_CASE("a run under way has no end, a strange one still gives JSON") {
  RunResult result = sample_result();
  result.state_hash.clear();
  result.interrupted = "Ctrl-C";
  result.machine.cpu = "caf\xe9";
  result.reports[0].train_loss = std::numeric_limits<double>::infinity();
  const json document = json::parse(results_to_json(good_config(), result));
  CHECK_FALSE(document.contains("final"));
  CHECK_FALSE(document.contains("state_hash"));
  CHECK(document["interrupted"] == "Ctrl-C");
  CHECK(document["reports"][0]["train_loss"].is_null());
}

TEST_CASE("the benchmark's JSON") {
  const json document = json::parse(bench_to_json(sample_bench()));
  REQUIRE(document["scenes"].size() == 2);
  CHECK(document["scenes"][0]["sample_steps_per_s"].get<double>() == 3.6e7 / 7.0);
  CHECK_FALSE(document["scenes"][0].contains("microseconds_p50"));
  CHECK(document["scenes"][1]["microseconds_p999"] == 9.5);
  CHECK_FALSE(document["scenes"][1].contains("firing_rate"));
  CHECK(document["peak_gflops"] == 123.4);
}

TEST_CASE("results keep to their schema, for every config that comes with the program") {
  if (!has_jsonschema()) return;
  std::vector<RunConfig> configs = {good_config()};
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(SPIKELANE_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() == ".json") {
      configs.push_back(parse_config_file(entry.path().string()));
    }
  }
  configs.push_back(
      parse_config(test::kGoodConfig, "t",
                   {"task={\"kind\":\"array\",\"file\":\"a\",\"n_test\":20}", "rule.batch=all",
                    "network.projections.1.init={\"kind\":\"normal\"}",
                    "network.projections.2.bias={\"kind\":\"constant\"}",
                    "rule.optimiser={\"kind\":\"rms_prop\"}"}));
  configs.back().network.n_inputs = 6;
  for (const char* coding : {"crossing", "rate"}) {
    configs.push_back(parse_config(
        test::kGoodConfig, "t",
        {R"(task={"kind":"mnist"})", std::string("task.coding=") + coding, "rule.batch=32"}));
  }
  for (const char* keys :
       {R"("alpha":0.9)", R"("tau_m_ms":[5,20,80],"adaptation":1.8,"tau_a_ms":700,"tau_s_ms":5,)"
                          R"("reset":"subtract","adaptation_scaling":"whole_spikes")"})
    configs.push_back(
        parse_config(test::kGoodConfig, "t",
                     {R"(network.populations.0={"name":"hidden","model":"alif","n":3,)" +
                          std::string(keys) + "}",
                      "network.projections.1.signal=spikes"}));
  for (RunConfig& config : configs) {
    CAPTURE(config.config_path);
    // of data that is not read here
    if (config.network.n_inputs == 0) config.network.n_inputs = 6;
    CHECK(schema_errors("results.schema.json", results_to_json(config, sample_result())) == "");
  }
  RunResult under_way = sample_result();
  under_way.state_hash.clear();
  CHECK(schema_errors("results.schema.json", results_to_json(good_config(), under_way)) == "");
  CHECK(schema_errors("bench.schema.json", bench_to_json(sample_bench())) == "");
}

TEST_CASE("the schema is strict") {
  if (!has_jsonschema()) return;
  const json good = json::parse(results_to_json(good_config(), sample_result()));
  const auto check_refused = [](const json& document, const std::string& reason) {
    const std::string errors = schema_errors("results.schema.json", document.dump());
    CAPTURE(errors);
    CHECK(errors.find(reason) != std::string::npos);
  };
  const auto good_with = [&](const char* pointer, const json& value) {
    json changed = good;
    changed[json::json_pointer(pointer)] = value;
    return changed;
  };
  check_refused(good_with("/surprise", 1), "'surprise' was unexpected");
  check_refused(good_with("/reports/0/surprise", 1), "'surprise' was unexpected");
  check_refused(good_with("/config/rule/surprise", 1), "['config', 'rule']");
  check_refused(good_with("/config/run/surprise", 1), "'surprise' was unexpected");
  check_refused(good_with("/reports/0/train_accuracy", 1.5), "greater than the maximum");
  check_refused(good_with("/state_hash", "xyz"), "does not match");
  json without = good;
  without.erase("machine");
  check_refused(without, "'machine' is a required property");
}
