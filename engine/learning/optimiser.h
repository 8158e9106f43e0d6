// Optimisers on float32 parameters and gradients, in the operation orders of the programs they come
// from, so that a run can be compared with them bit by bit.
//
// All operations are float32 and rounded one by one; fma(a, b, c) rounds a*b + c once. Constants
// are computed in double from the config, then rounded to float. g, m, v, ... are those of one
// entry and t counts the updates of its tensor, from 1. Weight decay, where set, comes first: g =
// fma(p, wd, g); AdamW takes p = p * (1 - lr*wd) in its place.
//
//   Adam, AdamW (PyTorch)   m = fma(g - m, 1-b1, m), or fma(g - m, (1-b1) - 1, g) when 1-b1 >= 1/2
//                           v = fma((1-b2)*g, g, v*b2)
//                           p = p + ((-(lr/(1-b1^t)))*m) / (sqrt(v)/sqrt(1-b2^t) + epsilon)
//   SGD (PyTorch)           b = g at t = 1, then momentum*b + g
//                           d = b;  nesterov: d = fma(b, momentum, g);  p = fma(d, -lr, p)
//   RMSProp, epsilon_inside (TensorFlow 1)
//                           ms = ms + (g*g - ms)*(1 - decay)
//                           mom = mom*momentum + (lr*g)/sqrt(ms + epsilon);  p = p - mom
//   RMSProp (PyTorch)       ms = fma((1-decay)*g, g, ms*decay);  root = sqrt(ms) + epsilon
//                           p = p + ((-lr)*g)/root
//                           momentum: mom = mom*momentum + g/root;  p = fma(mom, -lr, p)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/learning/schedule.h"
#include "kernels/step/optimiser_step.h"

namespace spikelane {

/// One state vector over all parameters, (P), under its name in checkpoints: "optimiser.m".
struct OptimiserVector {
  std::string name;
  std::vector<float> values;
};

/// All that an optimiser remembers; saved, restored and hashed as it stands here.
struct OptimiserState {
  std::vector<std::int64_t> n_updates;   // (tensors) updates that each tensor has had
  std::vector<OptimiserVector> vectors;  // in a fixed order; which ones depends on the optimiser
};

class Optimiser {
 public:
  /// State vectors cover entries 0 .. the largest `end` of `tensors`.
  Optimiser(const OptimiserConfig& config, std::span<const ParameterTensor> tensors);

  /// One step downhill with learning rate `lr` (learning_rate_at(config, update)). Entries outside
  /// `searched` keep parameter and state; a tensor that joins later starts with t = 1, as a tensor
  /// that had no gradient so far does in PyTorch. `parameters` and `gradient` are (P), in the order
  /// of the tensors; `searched` are ranges of whole tensors.
  void update(std::span<float> parameters, std::span<const float> gradient, double lr,
              std::span<const ParameterRange> searched);

  /// The step of a generation in which no member was better than another: weight decay alone acts.
  /// Decoupled decay (AdamW) multiplies the parameters; where decay is part of the gradient the
  /// optimiser makes its step with that gradient, which `gradient` is 0 for; else parameters,
  /// moments and counts stay as they are.
  void decay_only(std::span<float> parameters, std::span<const float> gradient, double lr,
                  std::span<const ParameterRange> searched);
  /// Whether decay_only counts as an update of the tensors.
  bool counts_decay() const {
    return config_.weight_decay != 0.0 && config_.kind != OptimiserKind::kAdamW;
  }

  /// The same in two halves, for a device that holds parameters and state vectors: what the next
  /// update does with the entries of each range, and that it has been made.
  std::vector<OptimiserStep> next_steps(double lr, std::span<const ParameterRange> searched) const;
  void count_update(std::span<const ParameterRange> searched);

  const OptimiserState& state() const { return state_; }
  /// The i-th state vector, to be written by who keeps it elsewhere.
  std::span<float> vector(std::size_t i) { return state_.vectors[i].values; }

  /// Puts a saved state back. Throws RunError when names or sizes are not those of this optimiser;
  /// then nothing is changed.
  void restore(OptimiserState state);

 private:
  template <class StepEntries>
  void step_each(std::span<float> parameters, std::span<const float> gradient, double lr,
                 std::span<const ParameterRange> searched, StepEntries step_entries_of);
  void set_adam(OptimiserStep& step, double lr, std::uint64_t t) const;
  void set_rms_prop(OptimiserStep& step, double lr) const;

  OptimiserConfig config_;
  OptimiserState state_;
};

}  // namespace spikelane
