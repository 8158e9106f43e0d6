// OnlineLearner: rows in a host's loop that learn while they act, by KeRNL or e-prop: the host
// steps them, says how wrong the readouts were (or how good the result was), and weights change at
// the end of every block of K steps in which it said something.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/learning/optimiser.h"
#include "engine/run/kernl_online.h"

namespace spikelane {

class OnlineLearner {
 public:
  /// `plan` is one that for_learning asks for; all must outlive it. `start` are the first weights,
  /// flat and logical.
  OnlineLearner(const RunConfig& config, const Plan& plan, const KernelTable& kernels,
                ThreadPool& pool, int n_rows, std::span<const float> start);

  /// State and traces; the weights stay as they are.
  void reset();
  /// One row's state and traces.
  void reset_row(int row);
  /// One step with inputs (R, I). Allocates nothing with one thread.
  void step(std::span<const float> x);
  /// What the loss changes with each readout at the last step, (R, O), times the row's reward where
  /// rewards (R) are given: then it is the direction that made the action less likely, and the
  /// reward says whether that was good. At most once a step.
  void learn(std::span<const float> error, std::span<const float> rewards);
  bool has_learned() const { return online_.has_learned(); }

  int t() const { return online_.t(); }
  std::int64_t n_updates() const { return update_; }
  const std::vector<float>& parameters() const { return parameters_; }
  const State& state() const { return online_.state(); }
  State& edit_state() { return online_.edit_state(); }

  void visit_state(StateVisitor& visitor);
  void restored(int t);

 private:
  void place_weights();
  void step_weights();

  const RunConfig& config_;
  const Plan& plan_;
  int n_rows_;
  KernlRule rule_;
  Optimiser optimiser_;
  std::vector<ParameterRange> trained_;
  KernlOnline online_;
  std::vector<float> parameters_, gradient_;  // (P)
  AlignedMemory block_;                       // the parameters as kernels read them
  std::vector<float> scaled_error_;           // (R, O)
  std::vector<double> rates_;                 // (learned neurons)
  bool has_error_ = false;                    // in this block
  std::int64_t update_ = 0;
};

}  // namespace spikelane
