#include "kernels/reference/regression_oracle.h"

#include <cmath>
#include <stdexcept>

namespace spikelane::reference {

static std::size_t size(int n) { return static_cast<std::size_t>(n); }

static void check(const AlifNet& net, const Series& x, const Series& psi,
                  const RegressionRule& rule) {
  if (psi.n != net.n || psi.n_steps != x.n_steps || psi.n_samples != x.n_samples)
    throw std::invalid_argument("regression oracle: psi is not (T, B, N)");
  if (x.n_steps == 0 || x.n_samples == 0)
    throw std::invalid_argument("regression oracle: no step or no sample");
  for (const RegressionFilter& filter : rule.filters)
    if (filter.gamma.size() != size(net.n) ||
        filter.sensitivity.size() != size(net.n) * size(net.n))
      throw std::invalid_argument("regression oracle: a filter is not (N, N) and (N)");
}

static AlifRun run_copy(const AlifNet& net, const Series& x, const Series& psi,
                        const AlifRun& true_run, PerturbedCopy kind) {
  AlifRun copy(x.n_steps, x.n_samples, net.n);
  for (int b = 0; b < x.n_samples; ++b) {
    AlifState state(net.n);
    for (int t = 0; t < x.n_steps; ++t) {
      std::vector<double> pre =
          presynaptic(kind == PerturbedCopy::kFiltered ? true_run : copy, x, t, b);
      for (int i = 0; i < net.n; ++i) pre[size(x.n + i)] += psi.at(t, b, i);
      alif_step(net, pre, {}, t, b, state, copy);
    }
  }
  return copy;
}

// Theta and Gamma of one filter
static void filter_noise(const Series& psi, const std::vector<double>& gamma, Series& Theta,
                         Series& Gamma) {
  for (int t = 0; t < psi.n_steps; ++t)
    for (int b = 0; b < psi.n_samples; ++b)
      for (int i = 0; i < psi.n; ++i) {
        const double k = std::exp(-gamma[size(i)]);
        const double old_theta = t > 0 ? Theta.at(t - 1, b, i) : 0.0;
        const double old_gamma = t > 0 ? Gamma.at(t - 1, b, i) : 0.0;
        Gamma.at(t, b, i) = k * (old_gamma - old_theta);
        Theta.at(t, b, i) = k * old_theta + psi.at(t, b, i);
      }
}

static double target_value(const AlifRun& run, RegressionTarget target, int t, int b, int i) {
  const double v = run.v.at(t, b, i);
  return target == RegressionTarget::kPotential ? v : v - run.threshold.at(t, b, i);
}

RegressionResult regress(const AlifNet& net, const Series& x, const Series& psi,
                         const RegressionRule& rule) {
  check(net, x, psi, rule);
  const AlifRun true_run = run_alif(net, x);
  RegressionResult result{true_run, run_copy(net, x, psi, true_run, rule.copy), {}, {}, 0, {}, {}};
  for (const RegressionFilter& filter : rule.filters) {
    result.Theta.emplace_back(x.n_steps, x.n_samples, net.n);
    result.Gamma.emplace_back(x.n_steps, x.n_samples, net.n);
    filter_noise(psi, filter.gamma, result.Theta.back(), result.Gamma.back());
    result.dM.emplace_back(filter.sensitivity.size());
    result.dgamma.emplace_back(filter.gamma.size());
  }

  const std::size_t n = size(net.n);
  const int first = rule.loss == RegressionLoss::kLastStep ? x.n_steps - 1 : 0;
  const double n_terms = static_cast<double>(x.n_steps - first) * x.n_samples * net.n;
  for (int t = first; t < x.n_steps; ++t)
    for (int b = 0; b < x.n_samples; ++b) {
      std::vector<double> d(n);
      for (int i = 0; i < net.n; ++i)
        d[size(i)] = target_value(result.copy, rule.target, t, b, i) -
                     target_value(result.net, rule.target, t, b, i);
      for (std::size_t f = 0; f < rule.filters.size(); ++f)
        for (std::size_t j = 0; j < n; ++j)
          for (std::size_t i = 0; i < n; ++i)
            d[i] -= result.Theta[f].row(t, b)[j] * rule.filters[f].sensitivity[j * n + i];
      for (std::size_t i = 0; i < n; ++i) result.loss += d[i] * d[i] / n_terms;
      for (std::size_t f = 0; f < rule.filters.size(); ++f)
        for (std::size_t j = 0; j < n; ++j) {
          double sent_back = 0.0;  // (d M^T)_j
          for (std::size_t i = 0; i < n; ++i) {
            sent_back += d[i] * rule.filters[f].sensitivity[j * n + i];
            result.dM[f][j * n + i] -= 2.0 / n_terms * result.Theta[f].row(t, b)[j] * d[i];
          }
          result.dgamma[f][j] -= 2.0 / n_terms * sent_back * result.Gamma[f].row(t, b)[j];
        }
    }
  return result;
}

}  // namespace spikelane::reference
