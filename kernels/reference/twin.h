// The twin: one row of the network, written to be obviously right. Same float32 operations in the
// same order as the kernels, one number at a time, no lists, no tables, no layouts: it is the
// definition, and the kernels are compared with it bit for bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/step/views.h"

namespace spikelane::reference {

/// What one population remembers, (n) each; unused ones stay empty.
struct TwinPopulation {
  std::vector<float> v, s, n_spikes, first_spike, v_max, v_sum, bias_trace, bias_trace_sum;
  std::vector<float> sent;           // S, what its targets get: s where it has no synaptic trace
  std::vector<float> b, refractory;  // alif
  std::vector<float> v_before_reset, effective_threshold;  // alif: v' and B of the last step
  std::vector<float> is_eligible;                          // alif: of the last step
  std::vector<float> current;  // alif: of the last step, added noise left out
};

class Twin {
 public:
  /// `plan` gives constants and the places of weights in `block`, one member's parameters; where
  /// the plan has a rank weights lie in `shared` and the block has the factors of their noise. All
  /// must outlive the twin.
  Twin(const PlanView& plan, const float* block, const float* shared = nullptr);

  void reset();
  /// Adds `current` (n) to that of population p in the next steps, behind its bias; empty: nothing.
  void add_current(int p, std::vector<float> current) {
    added_[static_cast<std::size_t>(p)] = std::move(current);
  }
  /// One step with inputs x (I); t counts from 0 after a reset.
  void step(std::span<const float> x);
  int t() const { return t_; }
  /// A readout's v is its value after the step.
  const TwinPopulation& population(int p) const {
    return populations_[static_cast<std::size_t>(p)];
  }
  /// The output's logits, times the loss's scale, (O).
  std::vector<float> logits() const;
  /// The first population whose membrane is not finite, or -1.
  int not_finite_population() const;

 private:
  std::vector<float> currents(int p, std::span<const float> x);
  void step_leaky(int p, std::span<const float> x);
  void step_alif(int p, std::span<const float> x);
  void observe(int p, std::size_t i, float s, float v);
  void step_readout(int p, std::span<const float> x);
  // what `source` sent in step u, nothing before the first
  std::vector<float> sent_in(int source, int u) const;
  float delayed_sum(const ProjectionView& projection, int i) const;
  float weighted_sum(const ProjectionView& projection, std::span<const float> x, int i) const;
  std::vector<float> read_out(const PopulationView& population, bool of_sums) const;
  std::span<const float> spikes_of(int source, std::span<const float> x) const;

  const PlanView& plan_;
  const float* block_;
  const float* weights_;
  int t_ = 0;
  std::vector<std::vector<float>> inputs_;               // of every step
  std::vector<std::vector<std::vector<float>>> spikes_;  // of each population, of every step
  std::vector<TwinPopulation> populations_;
  std::vector<std::vector<float>> added_;               // to the current of each population
  std::vector<std::vector<float>> z_, z_sum_;           // of each trace
  std::vector<std::vector<std::vector<float>>> drive_;  // J of each projection of each population
};

}  // namespace spikelane::reference
