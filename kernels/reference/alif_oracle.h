// Oracle of the `alif` population in double: a recurrent net of leaky integrate-and-fire neurons
// with a refractory period, an adaptive threshold and a synaptic trace, one step after the other,
// nothing skipped. Gradients by traces, regression and back-propagation start from its run. Its
// results are compared within a tolerance, never exactly, and depend on no plan.
//
// A step (exponential Euler, times in steps, potentials in the model's own unit):
//   e  = [refractory < 1]
//   v' = e ? alpha v + (1 - alpha) R_m I : v,   I = W^T [x(t); S(t-1)]
//   B  = b0 + beta b;   s = e and [v' >= B];   v = s ? v_reset : v'       (or v = v' - s B)
//   b  = rho b + (1 - rho) s                                              (or b = rho b + s)
//   refractory = max(refractory - 1, 0) + s t_refractory;   S = delta S + s
#pragma once

#include <vector>

#include "kernels/reference/series.h"

namespace spikelane::reference {

/// What a spike does to the potential: puts it at v_reset, or takes the threshold B from it.
enum class AlifReset { kToValue, kSubtractThreshold };

/// What a spike adds to b: 1 - rho, or 1 (the scaling of the LSNN papers, Bellec et al. 2018).
enum class AdaptationGain { kOneMinusRho, kOne };

/// The pseudo-derivative of u = (v' - B) / B: gamma max(0, 1 - |u|), or gamma exp(-|u|).
enum class PseudoDerivative { kTriangle, kExponential };

/// The net's parameters. A vector has one entry for all neurons or one for each; another size is an
/// error (std::invalid_argument, thrown by whatever runs the net).
struct AlifNet {
  int n_inputs = 0;  // I
  int n = 0;         // N
  std::vector<double> alpha{0.0}, rho{0.0}, beta{0.0}, b0{1.0}, resistance{1.0};
  double delta = 0.0;         // decay of S a step; 0: S is the spike
  double t_refractory = 0.0;  // steps
  double v_reset = 0.0;
  AlifReset reset = AlifReset::kToValue;
  AdaptationGain adaptation = AdaptationGain::kOneMinusRho;
  PseudoDerivative pseudo_derivative = PseudoDerivative::kTriangle;
  double h_gamma = 0.3;
  std::vector<double> weights;  // (I + N, N), [pre, post], inputs first

  int n_pre() const { return n_inputs + n; }
  /// Entry i of one of the vectors above.
  static double of(const std::vector<double>& parameter, int i) {
    return parameter[parameter.size() == 1 ? 0 : static_cast<std::size_t>(i)];
  }
  /// What a spike of neuron i adds to its b.
  double adaptation_gain(int i) const {
    return adaptation == AdaptationGain::kOne ? 1.0 : 1.0 - of(rho, i);
  }
  /// (1 - alpha) R_m: what a unit of current does to v' in a step.
  double current_gain(int i) const { return (1.0 - of(alpha, i)) * of(resistance, i); }
  /// Throws std::invalid_argument where a size does not fit.
  void check() const;
};

/// The pseudo-derivative at u = (v' - B) / B.
double pseudo_derivative(const AlifNet& net, double u);
/// Its integral from minus infinity: the soft spike, between 0 and its height.
double soft_spike(const AlifNet& net, double u);

/// Departures from the step above, for finite differences: a net with soft spikes and a given
/// refractory state is a differentiable function of its weights.
struct ForwardOptions {
  bool soft_spikes = false;          // s = soft_spike((v' - B) / B) where eligible
  const Series* eligible = nullptr;  // (T, B, N): used instead of refractory < 1
};

/// What one sample remembers, (N) each.
struct AlifState {
  std::vector<double> v, b, S, refractory;
  explicit AlifState(int n);
};

/// Every step's values, (T, B, N) each. v, b, S and refractory are those after the step; threshold
/// is the B used in it; h is the pseudo-derivative, 0 where the neuron is not eligible.
struct AlifRun {
  Series v_before_reset, v, threshold, spike, h, b, S, refractory, eligible;
  AlifRun(int n_steps, int n_samples, int n);
};

/// Advances one sample by a step in which `pre` (I + N) drives the net, and writes row (t, sample)
/// of the run.
void alif_step(const AlifNet& net, const std::vector<double>& pre, const ForwardOptions& options,
               int t, int sample, AlifState& state, AlifRun& run);

/// Runs x (T, B, I) from the state of rest.
AlifRun run_alif(const AlifNet& net, const Series& x, const ForwardOptions& options = {});

/// What drove step t: [x(t); S(t-1)], (I + N).
std::vector<double> presynaptic(const AlifRun& run, const Series& x, int t, int sample);

}  // namespace spikelane::reference
