// A small config that is right, for tests that make it wrong.
#pragma once

namespace spikelane::test {

inline constexpr const char* kGoodConfig = R"({
  "seed": 12, "dt_ms": 1.0,
  "task": {"kind": "randman", "n_classes": 4, "n_units": 6, "n_samples_per_class": 50, "n_steps": 30, "n_test": 40},
  "network": {
    "populations": [
      {"name": "hidden", "model": "leaky", "n": 3, "beta": [0.9, 0.95, 0.99], "threshold": 1.0},
      {"name": "output", "model": "readout", "n": 4, "beta": 0.97, "gain": 0.03}
    ],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "uniform", "low": -1.5, "high": 1.5}, "bias": true},
      {"from": "hidden", "to": "hidden"},
      {"from": "hidden", "to": "output", "init": {"kind": "zeros"}}
    ]
  },
  "loss": {"kind": "count_hinge", "logits": "mean", "window": 10, "margin": 0.5},
  "rule": {"kind": "es", "n_members": 8, "sigma": 0.05, "sigma_of": {"hidden.bias": 0.001}, "batch": 16,
    "phases": [{"from_update": 0, "searched": ["input.hidden.weight", "hidden.bias"]}, {"from_update": 5, "searched": "all"}],
    "optimiser": {"kind": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": true}},
  "run": {"n_updates": 20, "report_every": 5, "test_every": 10, "n_test_report": 20}
})";

}  // namespace spikelane::test
