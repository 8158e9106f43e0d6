// A small net that learns online: 30 adaptive neurons, five inputs, two readouts.
#pragma once

#include <string>

namespace spikelane::test {

inline std::string learning_config(const std::string& rule = "") {
  return R"({"seed": 9, "task": {"kind": "randman", "n_classes": 2, "n_units": 5, "n_samples_per_class": 30, "n_steps": 20, "n_test": 30},
  "network": {"populations": [
      {"name": "hidden", "model": "alif", "n": 30, "tau_m_ms": 10, "resistance": 8, "threshold": 0.6, "adaptation": 0.4, "tau_a_ms": 60, "reset": "subtract"},
      {"name": "output", "model": "readout", "n": 2, "tau_ms": 10, "gain": 0.1}],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "uniform", "low": -0.4, "high": 1.0}},
      {"from": "hidden", "to": "hidden", "init": {"kind": "normal", "std": 0.1}},
      {"from": "hidden", "to": "output", "init": {"kind": "normal", "std": 0.1}, "bias": {"kind": "zeros"}}]},
  "rule": {"kind": "kernl", "mode": "online", "k_steps": 8, "batch": 4)" +
         rule + R"(, "optimiser": {"kind": "adam", "lr": 0.01}}})";
}

}  // namespace spikelane::test
