// Closed loops in small, for every built-in environment and coding.
#pragma once

#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "tasks/load_task.h"

namespace spikelane::test {

// `task` without its braces
inline RunConfig closed_loop_config(const std::string& task, int n_hidden, int n_outputs) {
  const std::string text = R"({"seed": 5, "task": {)" + task + R"(, "n_episodes": 5,
    "n_test_episodes": 19, "max_steps": 60, "control_steps": 3}, "network": {"populations": [
      {"name": "hidden", "model": "leaky", "n": )" +
                           std::to_string(n_hidden) + R"(, "beta": 0.8},
      {"name": "slow", "model": "alif", "n": 7, "alpha": 0.9, "resistance": 4, "threshold": 0.3},
      {"name": "output", "model": "readout", "n": )" +
                           std::to_string(n_outputs) + R"(, "beta": 0.7}],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "normal", "std": 0.8}, "bias": {"kind": "normal", "std": 0.3}},
      {"from": "hidden", "to": "hidden", "init": {"kind": "normal", "std": 0.3}},
      {"from": "hidden", "to": "slow", "init": {"kind": "normal", "std": 0.5}},
      {"from": "slow", "to": "output", "init": {"kind": "normal", "std": 0.5}},
      {"from": "hidden", "to": "output", "init": {"kind": "normal", "std": 0.5}}]},
    "rule": {"kind": "es", "n_members": 6, "sigma": 0.3},
    "run": {"n_updates": 3, "report_every": 1}})";
  RunConfig config = parse_config(text, "closed loop");
  const TaskShape shape = describe_task(config);
  config.network.n_inputs = shape.n_inputs;
  check_against_task(config, shape.n_inputs, shape.n_steps, shape.n_classes, shape.n_train,
                     shape.n_test);
  return config;
}

inline const std::vector<std::string> kLoopTasks = {
    R"("kind": "cartpole", "observation": {"coding": "direct", "scale": [1, 1, 0.1, 1]})",
    R"("kind": "cartpole", "observation": {"coding": "gaussian", "n_fields": 5, "low": -1,
       "high": [1, 2, 0.3, 2], "width": 0.8})",
    R"("kind": "pendulum", "squash": "tanh", "observation": {"coding": "rates", "scale": [1, 1, 8]})",
    R"("kind": "pendulum", "squash": "clip", "action_scale": 2.5,
       "observation": {"coding": "gaussian", "n_fields": 4, "low": [-1, -1, -8], "high": [1, 1, 8]})"};

inline RunConfig loop_config(const std::string& task, int n_hidden) {
  return closed_loop_config(task, n_hidden, task.find("cartpole") == std::string::npos ? 1 : 2);
}

}  // namespace spikelane::test
