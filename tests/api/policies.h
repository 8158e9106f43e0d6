// Policies for tests of the C API: small networks with random weights.
#pragma once

#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/learning/members.h"
#include "engine/report/policy_file.h"
#include "include/spikelane/spikelane.h"
#include "kernels/cpu/kernel_table.h"
#include "tasks/load_task.h"

namespace spikelane::test {

/// 70 recurrent leaky neurons (neuron lanes), or 40 (sample lanes), and a readout of 3.
inline std::string leaky_config(int n_hidden) {
  return R"({"seed": 5, "dt_ms": 2.0,
  "task": {"kind": "randman", "n_classes": 3, "n_units": 6, "n_samples_per_class": 30, "n_steps": 20, "n_test": 30},
  "network": {"populations": [
      {"name": "hidden", "model": "leaky", "n": )" +
         std::to_string(n_hidden) + R"(, "beta": 0.9},
      {"name": "output", "model": "readout", "n": 3, "beta": 0.8, "gain": 0.5}],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "uniform", "low": -0.6, "high": 1.2}, "bias": true},
      {"from": "hidden", "to": "hidden"},
      {"from": "hidden", "to": "output"}]},
  "rule": {"kind": "es", "n_members": 8, "batch": 20}})";
}

/// The config with the weights that a training of it would start from.
inline Policy start_policy(const std::string& config_text) {
  Policy policy;
  policy.config = parse_config(config_text, "config");
  if (policy.config.task.is_control())
    policy.config.network.n_inputs = describe_task(policy.config).n_inputs;
  const auto plan = compile_plan(policy.config.network, LossConfig{}, 1, PlanOptions{});
  policy.parameters = draw_start(*find_kernels(""), *plan, policy.config.seed);
  return policy;
}

inline std::string policy_bytes(const std::string& config_text) {
  const Policy policy = start_policy(config_text);
  return policy_to_safetensors(policy.config, policy.parameters);
}

/// Loaded from memory; unloaded at the end of the scope, with the session where one was opened.
class ApiPolicy {
 public:
  explicit ApiPolicy(const std::string& bytes) {
    status =
        spikelane_load_memory(bytes.data(), bytes.size(), nullptr, &network, error, sizeof error);
  }
  ~ApiPolicy() { spikelane_unload(network, nullptr, 0); }
  ApiPolicy(const ApiPolicy&) = delete;
  ApiPolicy& operator=(const ApiPolicy&) = delete;

  spikelane_session open(int n_rows, int n_threads = 1) {
    spikelane_session_options options = spikelane_default_session_options();
    options.n_rows = n_rows;
    options.n_threads = n_threads;
    spikelane_session session{};
    status = spikelane_open(network, &options, &session, error, sizeof error);
    return session;
  }

  spikelane_network network{};
  spikelane_status status = SPIKELANE_OK;
  char error[512] = "";
};

/// Observations of step t, (R, I): smooth, different for each row, part of the time spikes.
inline std::vector<float> observations_at(int t, int n_rows, int n_inputs) {
  std::vector<float> x;
  for (int row = 0; row < n_rows; ++row)
    for (int i = 0; i < n_inputs; ++i) {
      const int phase = (t * (i + 3) + row * 7) % 32;
      x.push_back(t % 64 < 32 ? static_cast<float>(phase) / 24.0f : phase < 8 ? 1.0f : 0.0f);
    }
  return x;
}

}  // namespace spikelane::test
