// Oracle of back-propagation through time in double: a classification loss read from a recurrent
// `alif` net by a leaky readout, and its full surrogate gradient, which e-prop and KeRNL
// approximate. Spikes have the surrogate derivative h (the run's pseudo-derivative).
//
// Loss: mean over samples of the softmax cross-entropy of
//   logits = scale * mean over the last `window` steps of sum_j W_out[j, o] z_j(t),
//   z = kappa z + s   (or + S),
// plus 0.5 * rate_strength * sum_i (mean rate of neuron i - rate_target)^2, the mean rate being
// that over steps and samples.
//
// With through_reset and through_recurrence off, what is left is e-prop (Bellec et al. 2020):
// dW[j, i] = (1 - alpha_i) R_i * (e-prop's dW[i, j]).
#pragma once

#include <vector>

#include "kernels/reference/alif_oracle.h"

namespace spikelane::reference {

struct ReadoutLoss {
  int n_outputs = 0;          // O
  std::vector<double> W_out;  // (N, O) [neuron, output]
  std::vector<int> labels;    // (B), each in 0..O-1
  double kappa = 0.0;         // decay of z a step
  int window = 1;             // steps, 1..T
  double scale = 1.0;
  bool reads_trace = false;  // z is driven by S instead of s
  double rate_strength = 0.0, rate_target = 0.0;
};

/// The loss of a run and what it sends back.
struct LossResult {
  double loss = 0.0, cross_entropy = 0.0;
  std::vector<double> logits;  // (B, O)
  std::vector<double> dW_out;  // (N, O)
  Series q;                    // (T, B, N) dloss/dz, each z(t) taken for itself
  Series rate_error;           // (T, B, N) derivative of the rate's part by the spikes
};

/// Throws std::invalid_argument for sizes, labels or a window that do not fit.
LossResult readout_loss(const AlifRun& run, const ReadoutLoss& loss);

struct BpttOptions {
  bool divides_by_threshold = false;  // ds/dv' = h / B instead of h
  /// ds/dB = -(v'/B) ds/dv', the derivative of a function of (v' - B)/B, instead of -ds/dv'; the
  /// two are the same at threshold. With divides_by_threshold and soft spikes the gradient is
  /// exact.
  bool scales_threshold_slope = false;
  /// Off: the potential is taken as never reset and never held by the refractory period.
  bool through_reset = true;
  bool through_recurrence = true;  // off: presynaptic S(t-1) is taken as given
};

/// dW (I + N, N) [pre, post] of the loss, backwards through a run of x (run_alif with the same
/// net). `sent_back` is readout_loss's answer for that run.
std::vector<double> bptt(const AlifNet& net, const Series& x, const AlifRun& run,
                         const ReadoutLoss& loss, const LossResult& sent_back,
                         const BpttOptions& options = {});

/// The cosine of the angle between two vectors of one size; 0 where one of them is zero.
double cosine(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace spikelane::reference
