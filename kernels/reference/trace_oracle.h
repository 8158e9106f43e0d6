// Oracle of the weight gradients of e-prop (Bellec et al. 2020) and KeRNL (Roth, Kanitscheider and
// Fiete 2019) in double, in two forms that share no line of their derivation: traces advanced every
// step, and errors filtered backwards in time. Every array of a trace has an entry for each post-
// and presynaptic pair; nothing is saved.
//
// Words: q (T, B, N) is the error fed back to a neuron's spike; h the run's pseudo-derivative (the
// 1/B left out); z = [x(t); S(t-1)]. All gradients leave out the constant (1 - alpha) R_m of the
// membrane: multiply row i by net.current_gain(i) for the gradient with respect to the weights.
//
// e-prop, with f the gain of a spike in b (LIF: beta = 0):
//   eps_v = alpha eps_v + z_j;   e = h_i (eps_v - beta_i eps_a);   eps_a = rho eps_a + f e
//   ebar = kappa ebar + e;       dW_ij += q_i ebar
// KeRNL, M_f [source, target], k_f = exp(-gamma_f), filter 0 fast, the others slow:
//   fast = k_0 fast + a_i z_j;   slow_f(t) = (k_f - coupling_f h_i) slow_f(t-1) + gain_f h_i fast
//   dW_ij += L_0i fast(t) + sum_f L_fi slow_f(t-1),   L_fi = sum_k M_f[i, k] h~_k q_k
// where a_i and h~_k depend on the place of the pseudo-derivative, and, with a readout filter,
// (h~_k times trace) is filtered with kappa before it meets q_k.
#pragma once

#include <vector>

#include "kernels/reference/alif_oracle.h"

namespace spikelane::reference {

enum class TraceKind { kEpropLif, kEpropAlif, kKernl };

/// Where KeRNL has the pseudo-derivative.
enum class HPlace {
  kTrace,      // a_i = h_i(t),  h~ = 1: the paper's rule for rates
  kError,      // a_i = 1,       h~ = h: what the derivation for spiking neurons asks for
  kSeed,       // a_i = S_i(t),  h~ = h, and z = [x(t); S(t)]: the original cell's trace
  kSeedPlain,  // the same,      h~ = 1
};

/// One temporal filter of KeRNL with its sensitivity.
struct TraceFilter {
  std::vector<double> sensitivity;  // (N, N) [source, target]
  std::vector<double> decay;        // (N) or one entry: k = exp(-gamma)
  // of slow filters only; (N) or one entry each
  std::vector<double> gain{1.0};      // what drives it: gain h_i fast
  std::vector<double> coupling{0.0};  // takes coupling h_i from the decay, as e-prop's beta f does
};

struct TraceRule {
  TraceKind kind = TraceKind::kKernl;
  double kappa = 0.0;  // decay of the readout filter; 0: none
  // KeRNL only
  HPlace place = HPlace::kError;
  std::vector<TraceFilter> filters;
};

/// The traces after step t. e-prop: {eps_a, ebar}; KeRNL: {fast, slow 1, ...}; each (B, N, I + N).
struct TraceSnapshot {
  int t = 0;
  std::vector<std::vector<double>> traces;
};

struct TraceGradient {
  std::vector<double> dW;  // (N, I + N) [post, pre], summed over samples and steps
  std::vector<TraceSnapshot> snapshots;
};

/// By traces. `x` and `run` belong together (run_alif); q is (T, B, N); `steps` says after which
/// steps the traces are wanted, ascending. Throws std::invalid_argument for sizes that do not fit
/// and for KeRNL without a filter.
TraceGradient gradient_by_traces(const AlifNet& net, const Series& x, const AlifRun& run,
                                 const Series& q, const TraceRule& rule,
                                 const std::vector<int>& steps = {});

/// The same dW, backwards in time.
std::vector<double> gradient_by_adjoint(const AlifNet& net, const Series& x, const AlifRun& run,
                                        const Series& q, const TraceRule& rule);

/// The KeRNL rule that an e-prop rule is: M_0 the identity, k_0 = alpha, and for ALIF a slow filter
/// with M_1 = -beta on the diagonal, k_1 = rho, gain f and coupling f beta.
TraceRule as_kernl(const AlifNet& net, const TraceRule& eprop);

/// The identity, (n, n), times a factor.
std::vector<double> scaled_identity(int n, double factor);

}  // namespace spikelane::reference
