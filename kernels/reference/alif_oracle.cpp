#include "kernels/reference/alif_oracle.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace spikelane::reference {

void AlifNet::check() const {
  for (const auto* parameter : {&alpha, &rho, &beta, &b0, &resistance})
    if (parameter->size() != 1 && parameter->size() != static_cast<std::size_t>(n))
      throw std::invalid_argument("alif oracle: a parameter has neither one entry nor n");
  if (weights.size() != static_cast<std::size_t>(n_pre()) * static_cast<std::size_t>(n))
    throw std::invalid_argument("alif oracle: weights are not (I + N, N)");
}

double pseudo_derivative(const AlifNet& net, double u) {
  if (net.pseudo_derivative == PseudoDerivative::kExponential)
    return net.h_gamma * std::exp(-std::fabs(u));
  return net.h_gamma * std::max(0.0, 1.0 - std::fabs(u));
}

double soft_spike(const AlifNet& net, double u) {
  if (net.pseudo_derivative == PseudoDerivative::kExponential)
    return net.h_gamma * (u < 0.0 ? std::exp(u) : 2.0 - std::exp(-u));
  if (u <= -1.0) return 0.0;
  if (u >= 1.0) return net.h_gamma;
  return net.h_gamma * (u < 0.0 ? 0.5 * (1.0 + u) * (1.0 + u) : 1.0 - 0.5 * (1.0 - u) * (1.0 - u));
}

AlifState::AlifState(int n)
    : v(static_cast<std::size_t>(n)), b(v.size()), S(v.size()), refractory(v.size()) {}

AlifRun::AlifRun(int n_steps, int n_samples, int n)
    : v_before_reset(n_steps, n_samples, n),
      v(v_before_reset),
      threshold(v),
      spike(v),
      h(v),
      b(v),
      S(v),
      refractory(v),
      eligible(v) {}

void alif_step(const AlifNet& net, const std::vector<double>& pre, const ForwardOptions& options,
               int t, int sample, AlifState& state, AlifRun& run) {
  const std::size_t n = static_cast<std::size_t>(net.n);
  std::vector<double> current(n);
  for (std::size_t j = 0; j < pre.size(); ++j)
    for (std::size_t i = 0; i < n; ++i) current[i] += pre[j] * net.weights[j * n + i];

  for (int i = 0; i < net.n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    double &v = state.v[at], &b = state.b[at], &S = state.S[at], &wait = state.refractory[at];
    const bool is_eligible =
        options.eligible ? options.eligible->at(t, sample, i) != 0.0 : wait < 1.0;
    const double before =
        is_eligible ? AlifNet::of(net.alpha, i) * v + net.current_gain(i) * current[at] : v;
    const double threshold = AlifNet::of(net.b0, i) + AlifNet::of(net.beta, i) * b;
    const double u = (before - threshold) / threshold;
    double s = 0.0;
    if (is_eligible) s = options.soft_spikes ? soft_spike(net, u) : before >= threshold;
    // with s = 0 or 1 these are v' or v_reset, and v' or v' - B
    v = net.reset == AlifReset::kToValue ? (1.0 - s) * before + s * net.v_reset
                                         : before - s * threshold;
    b = AlifNet::of(net.rho, i) * b + net.adaptation_gain(i) * s;
    wait = std::max(wait - 1.0, 0.0) + s * net.t_refractory;
    S = net.delta * S + s;

    run.v_before_reset.at(t, sample, i) = before;
    run.v.at(t, sample, i) = v;
    run.threshold.at(t, sample, i) = threshold;
    run.spike.at(t, sample, i) = s;
    run.h.at(t, sample, i) = is_eligible ? pseudo_derivative(net, u) : 0.0;
    run.b.at(t, sample, i) = b;
    run.S.at(t, sample, i) = S;
    run.refractory.at(t, sample, i) = wait;
    run.eligible.at(t, sample, i) = is_eligible;
  }
}

AlifRun run_alif(const AlifNet& net, const Series& x, const ForwardOptions& options) {
  net.check();
  if (x.n != net.n_inputs) throw std::invalid_argument("alif oracle: x is not (T, B, I)");
  AlifRun run(x.n_steps, x.n_samples, net.n);
  for (int sample = 0; sample < x.n_samples; ++sample) {
    AlifState state(net.n);
    for (int t = 0; t < x.n_steps; ++t)
      alif_step(net, presynaptic(run, x, t, sample), options, t, sample, state, run);
  }
  return run;
}

std::vector<double> presynaptic(const AlifRun& run, const Series& x, int t, int sample) {
  std::vector<double> pre(static_cast<std::size_t>(x.n) + static_cast<std::size_t>(run.S.n));
  std::copy_n(x.row(t, sample), x.n, pre.begin());
  if (t > 0) std::copy_n(run.S.row(t - 1, sample), run.S.n, pre.begin() + x.n);
  return pre;
}

}  // namespace spikelane::reference
