// Configs whose training takes a moment.
#pragma once

namespace spikelane::test {

/// Feed-forward, with a readout.
inline constexpr const char* kTinyConfig = R"({
  "seed": 3,
  "task": {"kind": "randman", "n_classes": 3, "n_units": 4, "n_samples_per_class": 40, "n_steps": 30, "n_test": 50},
  "network": {
    "populations": [
      {"name": "hidden", "model": "leaky", "n": 9, "beta": 0.95},
      {"name": "output", "model": "readout", "n": 3, "beta": 0.9, "gain": 0.1}
    ],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "uniform", "low": 0.0, "high": 1.5}, "bias": true},
      {"from": "hidden", "to": "output"}
    ]
  },
  "loss": {"scale": 10.0},
  "rule": {"kind": "es", "n_members": 8, "batch": 20},
  "run": {"n_updates": 5, "report_every": 2}
})";

/// Recurrent, with a spiking output.
inline constexpr const char* kRecurrentConfig = R"({
  "seed": 4,
  "task": {"kind": "randman", "n_classes": 3, "n_units": 4, "n_samples_per_class": 30, "n_steps": 20, "n_test": 30},
  "network": {
    "populations": [
      {"name": "hidden", "model": "leaky", "n": 70, "beta": 0.9, "reset": "zero"},
      {"name": "output", "model": "leaky", "n": 3, "beta": 0.8, "threshold": 0.3}
    ],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "uniform", "low": 0.2, "high": 1.5}},
      {"from": "hidden", "to": "hidden"},
      {"from": "hidden", "to": "output"}
    ]
  },
  "loss": {"logits": "counts"},
  "rule": {"kind": "es", "n_members": 6, "antithetic": false, "optimiser": {"kind": "rms_prop"}},
  "run": {"n_updates": 4, "report_every": 2}
})";

/// Of rule kernl: recurrent alif, a readout averaged over a window.
inline constexpr const char* kKernlConfig = R"({
  "seed": 5,
  "task": {"kind": "randman", "n_classes": 3, "n_units": 6, "n_samples_per_class": 20, "n_steps": 24, "n_test": 20},
  "network": {
    "populations": [
      {"name": "hidden", "model": "alif", "n": 20, "tau_m_ms": 10, "resistance": 10.0, "threshold": 1.0, "adaptation": 0.5, "tau_a_ms": 100},
      {"name": "output", "model": "readout", "n": 3, "tau_ms": 20}
    ],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "normal", "mean": 1.0, "std": 1.0}},
      {"from": "hidden", "to": "hidden", "init": {"kind": "normal", "std": 0.3}},
      {"from": "hidden", "to": "output", "init": {"kind": "normal", "std": 0.3}, "bias": true}
    ]
  },
  "loss": {"logits": "mean", "window": 10, "scale": 3.0},
  "rule": {"kind": "kernl", "batch": 9, "rate_strength": 2.0}
})";

}  // namespace spikelane::test
