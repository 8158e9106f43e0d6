// Training, running and weights by name through the C API, on arrays in memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "include/spikelane/train.h"

namespace {

const char* const kConfig = R"({
  "task": {"kind": "array", "file": "memory", "n_test": 4},
  "network": {
    "populations": [{"name": "hidden", "model": "leaky", "n": 6, "beta": 0.9},
                    {"name": "output", "model": "readout", "n": 2, "beta": 0.9}],
    "projections": [{"from": "input", "to": "hidden", "init": {"kind": "uniform", "low": 0, "high": 1}},
                    {"from": "hidden", "to": "output"}]},
  "rule": {"kind": "es", "n_members": 4},
  "run": {"n_updates": 3, "report_every": 1}})";

/// 12 samples of 5 steps and 3 inputs, half of them silent in the first input.
struct Samples {
  std::vector<std::uint8_t> inputs = std::vector<std::uint8_t>(12 * 5 * 3, 1);
  std::vector<std::int64_t> labels = std::vector<std::int64_t>(12);
  spikelane_tensor tensors[2] = {};

  Samples() {
    for (std::size_t b = 0; b < 12; ++b) {
      labels[b] = static_cast<std::int64_t>(b % 2);
      for (std::size_t t = 0; t < 5; ++t) inputs[(b * 5 + t) * 3] = b % 2 == 0;
    }
    tensors[0] = {
        sizeof(spikelane_tensor), "inputs", inputs.data(), SPIKELANE_U8, 3, {12, 5, 3}, {15, 3, 1}};
    tensors[1] = {sizeof(spikelane_tensor), "labels", labels.data(), SPIKELANE_I64, 1, {12}, {8}};
  }
};

void add_line(void* user, const char* json) {
  static_cast<std::vector<std::string>*>(user)->push_back(json);
}

spikelane_status train(const Samples& samples, std::vector<std::string>& reports,
                       std::vector<std::string>& results, spikelane_network* network,
                       std::string& error, const std::int32_t* stop = nullptr) {
  spikelane_train_options options = spikelane_default_train_options();
  options.n_threads = 2;
  options.on_report = options.on_result = add_line;
  options.on_report_user = &reports;
  options.on_result_user = &results;
  options.stop = stop;
  char text[2000];
  const auto status =
      spikelane_train(kConfig, samples.tensors, 2, &options, network, text, sizeof text);
  error = text;
  return status;
}

}  // namespace

TEST_CASE("api: training on arrays reports, gives results and a network with its weights") {
  const Samples samples;
  std::vector<std::string> reports, results;
  std::string error;
  spikelane_network network{};
  REQUIRE(train(samples, reports, results, &network, error) == SPIKELANE_OK);
  CHECK(error.empty());
  REQUIRE(reports.size() == 3);
  CHECK(nlohmann::json::parse(reports[2])["update"] == 3);
  REQUIRE(results.size() == 1);
  CHECK(nlohmann::json::parse(results[0])["state_hash"].get<std::string>().size() == 16);

  spikelane_parameter_info info{};
  info.struct_size = sizeof info;
  REQUIRE(spikelane_describe_parameter(network, 0, &info, nullptr, 0) == SPIKELANE_OK);
  CHECK(std::string(info.name) == "input.hidden.weight");
  CHECK(info.shape[0] == 3);
  CHECK(info.shape[1] == 6);
  std::vector<float> weights(18);
  CHECK(spikelane_read_parameter(network, 0, weights.data(), 17, nullptr, 0) ==
        SPIKELANE_ERROR_ARGUMENT);
  CHECK(spikelane_read_parameter(network, 0, weights.data(), 18, nullptr, 0) == SPIKELANE_OK);
  CHECK(spikelane_describe_parameter(network, 2, &info, nullptr, 0) == SPIKELANE_ERROR_ARGUMENT);

  std::vector<std::uint8_t> spikes(12 * 5 * 6);
  const spikelane_record record{sizeof record, "hidden.s", spikes.data(), spikes.size()};
  CHECK(spikelane_run(network, samples.tensors, 2, nullptr, &record, 1, nullptr, 0) ==
        SPIKELANE_OK);
  CHECK(std::count(spikes.begin(), spikes.end(), 1) > 0);
  CHECK(spikelane_unload(network, nullptr, 0) == SPIKELANE_OK);
}

TEST_CASE("api: a stop flag that is set ends the training before its first update") {
  const Samples samples;
  std::vector<std::string> reports, results;
  std::string error;
  spikelane_network network{};
  const std::int32_t stop = 1;
  REQUIRE(train(samples, reports, results, &network, error, &stop) == SPIKELANE_OK);
  CHECK(reports.empty());
  CHECK(nlohmann::json::parse(results[0])["interrupted"] == "signal");
  CHECK(spikelane_unload(network, nullptr, 0) == SPIKELANE_OK);
}

TEST_CASE("api: everything wrong with arrays is told at once, as text and as JSON") {
  Samples samples;
  samples.labels[3] = -1;
  samples.tensors[0].n_dims = 2;
  std::vector<std::string> reports, results, problems;
  std::string error;
  spikelane_network network{};
  CHECK(train(samples, reports, results, &network, error) == SPIKELANE_ERROR_INPUT);
  CHECK(spikelane_read_problems(add_line, &problems) == SPIKELANE_OK);
  const auto json = nlohmann::json::parse(problems.at(0));
  REQUIRE(json.size() == 2);
  CHECK(json[0]["path"] == "inputs");
  CHECK(json[0]["found"] == "shape (12, 5) of uint8");
  CHECK(json[1]["path"] == "labels[3]");
  CHECK(json[1]["found"] == "-1");
  CHECK(error.find("labels[3]: found -1") != std::string::npos);
  // a built-in task needs a library that has tasks, and this config names a file
  char text[1000];
  CHECK(spikelane_train(kConfig, nullptr, 0, nullptr, &network, text, sizeof text) ==
        SPIKELANE_ERROR_INPUT);
}
