// KeRNL and e-prop as numbers: decays of the filters, sensitivity tensors and feedback of every
// population that learns, in the form the kernels read (kernels/step/kernl_view.h has the
// equations; design section 7 the words).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/plan/plan.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/step/kernl_view.h"

namespace spikelane {

class KernlRule {
 public:
  /// `plan` is in neuron lanes, its last population a readout with one kappa; it must outlive the
  /// rule. Random sensitivities and feedback come from `seed`.
  KernlRule(const Plan& plan, const KernelTable& kernels, const KernlConfig& config,
            std::uint64_t seed);
  KernlRule(const KernlRule&) = delete;
  KernlRule& operator=(const KernlRule&) = delete;

  const KernlView& view() const { return view_; }
  std::span<const LearnedView> learned() const { return learned_; }
  /// Neurons of all learned populations, in order.
  int n_neurons() const { return n_neurons_; }

  /// What hangs on the weights: symmetric feedback, analytic sensitivities. `block` is a member's.
  void follow_weights(const float* block);

  /// Filter values and sensitivities from outside: decay exp(-gamma), gamma (n), and M, (n, n)
  /// [source, target], of the fast filter (0) or of the slow one (1, only with a regression of two
  /// filters); only where the config has a tensor.
  void set_filter(int learned, std::span<const double> gamma, std::span<const double> sensitivity,
                  int filter = 0);

  /// The firing-rate regulariser, strength * sum_i (rate_i - target)^2, pulls with these rates:
  /// spikes per step of each learned neuron (n_neurons).
  void set_rates(std::span<const double> rates);

  /// What the regulariser adds to the error of each learned neuron now (n_neurons).
  std::vector<float> rate_errors() const;

  /// The sensitivity tensor of a learned population's filter f, (n, n) [source, target]; empty
  /// where it is the identity.
  std::vector<float> sensitivity(int learned, int filter) const;

 private:
  struct Arrays {
    AlignedMemory memory;
    float *decay = nullptr, *slow_decay = nullptr, *slow_coupling = nullptr;
    float *slow_gain = nullptr, *feedback = nullptr, *rate_error = nullptr;
    float* no_error = nullptr;                                  // zeros
    float *sensitivity = nullptr, *slow_sensitivity = nullptr;  // where they are tensors
  };
  void add_population(const KernelTable& kernels, int p, std::uint64_t seed);
  void place_filters(const PopulationView& population, Arrays& arrays, LearnedView& view) const;
  void make_signal();

  const Plan& plan_;
  const KernlConfig config_;
  KernlView view_{};
  std::vector<Arrays> arrays_;
  std::vector<LearnedView> learned_;
  std::vector<float> signal_;  // (T)
  int n_neurons_ = 0;
};

/// The options of a plan that KeRNL learns on: neuron lanes, and spike counts where asked for.
PlanOptions for_learning(PlanOptions options, bool keeps_counts);

/// The tensors that a config trains.
std::vector<ParameterRange> trained_ranges(const KernlConfig& config, const Plan& plan);

/// Scales a gradient of this norm down to `limit`; 0 is no limit.
void clip_gradient(std::span<float> gradient, double norm, double limit);

}  // namespace spikelane
