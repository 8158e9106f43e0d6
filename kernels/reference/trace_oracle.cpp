#include "kernels/reference/trace_oracle.h"

#include <algorithm>
#include <stdexcept>

namespace spikelane::reference {

static std::size_t size(int n) { return static_cast<std::size_t>(n); }

static bool has_h_at_error(HPlace place) {
  return place == HPlace::kError || place == HPlace::kSeed;
}

// a_i(t): what drives the fast trace on the side of the neuron
static double post_factor(HPlace place, const AlifRun& run, int t, int b, int i) {
  if (place == HPlace::kTrace) return run.h.at(t, b, i);
  return place == HPlace::kError ? 1.0 : run.S.at(t, b, i);
}

// z(t): what drives it on the other side
static std::vector<double> pre_factor(HPlace place, const AlifRun& run, const Series& x, int t,
                                      int b) {
  std::vector<double> z = presynaptic(run, x, t, b);
  if (place == HPlace::kSeed || place == HPlace::kSeedPlain)
    std::copy_n(run.S.row(t, b), run.S.n, z.begin() + x.n);
  return z;
}

static void check(const AlifNet& net, const Series& x, const AlifRun& run, const Series& q,
                  const TraceRule& rule) {
  net.check();
  const auto fits = [&](const Series& series, int n) {
    return series.n_steps == x.n_steps && series.n_samples == x.n_samples && series.n == n;
  };
  if (!fits(x, net.n_inputs) || !fits(run.h, net.n) || !fits(q, net.n))
    throw std::invalid_argument("trace oracle: x, run and q do not fit each other");
  if (rule.kind != TraceKind::kKernl) return;
  if (rule.filters.empty()) throw std::invalid_argument("trace oracle: KeRNL without a filter");
  for (const TraceFilter& filter : rule.filters) {
    if (filter.sensitivity.size() != size(net.n) * size(net.n))
      throw std::invalid_argument("trace oracle: a sensitivity is not (N, N)");
    for (const auto* parameter : {&filter.decay, &filter.gain, &filter.coupling})
      if (parameter->size() != 1 && parameter->size() != size(net.n))
        throw std::invalid_argument("trace oracle: a filter's vector has neither one entry nor N");
  }
}

std::vector<double> scaled_identity(int n, double factor) {
  std::vector<double> matrix(size(n) * size(n));
  for (int i = 0; i < n; ++i) matrix[size(i) * size(n) + size(i)] = factor;
  return matrix;
}

static void keep(const std::vector<int>& steps, int t, std::vector<std::vector<double>> traces,
                 std::vector<TraceSnapshot>& snapshots) {
  // samples run one after the other: each appends its part
  for (std::size_t at = 0; at < steps.size(); ++at) {
    if (steps[at] != t) continue;
    TraceSnapshot& snapshot = snapshots[at];
    snapshot.t = t;
    snapshot.traces.resize(traces.size());
    for (std::size_t kind = 0; kind < traces.size(); ++kind)
      snapshot.traces[kind].insert(snapshot.traces[kind].end(), traces[kind].begin(),
                                   traces[kind].end());
  }
}

static bool is_wanted(const std::vector<int>& steps, int t) {
  return std::find(steps.begin(), steps.end(), t) != steps.end();
}

static TraceGradient eprop_by_traces(const AlifNet& net, const Series& x, const AlifRun& run,
                                     const Series& q, const TraceRule& rule,
                                     const std::vector<int>& steps) {
  const std::size_t n_pre = size(net.n_pre()), n_pairs = size(net.n) * n_pre;
  TraceGradient gradient;
  gradient.dW.resize(n_pairs);
  gradient.snapshots.resize(steps.size());
  for (int b = 0; b < x.n_samples; ++b) {
    std::vector<double> eps_v(n_pairs), eps_a(n_pairs), ebar(n_pairs);
    for (int t = 0; t < x.n_steps; ++t) {
      const std::vector<double> z = presynaptic(run, x, t, b);
      for (int i = 0; i < net.n; ++i) {
        const double beta = rule.kind == TraceKind::kEpropAlif ? AlifNet::of(net.beta, i) : 0.0;
        const double alpha = AlifNet::of(net.alpha, i), rho = AlifNet::of(net.rho, i);
        for (std::size_t j = 0; j < n_pre; ++j) {
          const std::size_t ij = size(i) * n_pre + j;
          eps_v[ij] = alpha * eps_v[ij] + z[j];
          const double e = run.h.at(t, b, i) * (eps_v[ij] - beta * eps_a[ij]);
          eps_a[ij] = rho * eps_a[ij] + net.adaptation_gain(i) * e;
          ebar[ij] = rule.kappa * ebar[ij] + e;
          gradient.dW[ij] += q.at(t, b, i) * ebar[ij];
        }
      }
      if (is_wanted(steps, t)) keep(steps, t, {eps_a, ebar}, gradient.snapshots);
    }
  }
  return gradient;
}

static TraceGradient kernl_by_traces(const AlifNet& net, const Series& x, const AlifRun& run,
                                     const Series& q, const TraceRule& rule,
                                     const std::vector<int>& steps) {
  const std::size_t n = size(net.n), n_pre = size(net.n_pre()), n_pairs = n * n_pre;
  const std::size_t n_filters = rule.filters.size();
  const bool h_at_error = has_h_at_error(rule.place);
  // with h on the side of the error each target k filters the traces its own way
  const std::size_t n_targets = h_at_error && rule.kappa != 0.0 ? n : 1;
  TraceGradient gradient;
  gradient.dW.resize(n_pairs);
  gradient.snapshots.resize(steps.size());
  for (int b = 0; b < x.n_samples; ++b) {
    std::vector<std::vector<double>> trace(n_filters, std::vector<double>(n_pairs));
    std::vector<std::vector<double>> filtered(n_filters * n_targets, std::vector<double>(n_pairs));
    for (int t = 0; t < x.n_steps; ++t) {
      const std::vector<double> z = pre_factor(rule.place, run, x, t, b);
      // what the error meets at this step: fast(t), and slow(t-1)
      std::vector<std::vector<double>> met = trace;
      for (std::size_t i = 0; i < n; ++i) {
        const int post = static_cast<int>(i);
        const double a = post_factor(rule.place, run, t, b, post), h = run.h.at(t, b, post);
        for (std::size_t j = 0; j < n_pre; ++j) {
          const std::size_t ij = i * n_pre + j;
          double& fast = trace[0][ij];
          fast = AlifNet::of(rule.filters[0].decay, post) * fast + a * z[j];
          met[0][ij] = fast;
          for (std::size_t f = 1; f < n_filters; ++f) {
            const TraceFilter& filter = rule.filters[f];
            const double decay =
                AlifNet::of(filter.decay, post) - AlifNet::of(filter.coupling, post) * h;
            trace[f][ij] = decay * trace[f][ij] + AlifNet::of(filter.gain, post) * h * fast;
          }
        }
      }
      for (std::size_t f = 0; f < n_filters; ++f)
        for (std::size_t k = 0; k < n_targets; ++k) {
          const double h = n_targets > 1 ? run.h.at(t, b, static_cast<int>(k)) : 1.0;
          std::vector<double>& ebar = filtered[f * n_targets + k];
          for (std::size_t ij = 0; ij < n_pairs; ++ij)
            ebar[ij] = rule.kappa * ebar[ij] + h * met[f][ij];
        }
      for (std::size_t f = 0; f < n_filters; ++f)
        for (std::size_t i = 0; i < n; ++i)
          for (std::size_t k = 0; k < n; ++k) {
            const int target = static_cast<int>(k);
            double error = q.at(t, b, target) * rule.filters[f].sensitivity[i * n + k];
            if (h_at_error && n_targets == 1) error *= run.h.at(t, b, target);
            if (error == 0.0) continue;
            const std::vector<double>& ebar = filtered[f * n_targets + (n_targets > 1 ? k : 0)];
            for (std::size_t ij = i * n_pre; ij < (i + 1) * n_pre; ++ij)
              gradient.dW[ij] += error * ebar[ij];
          }
      if (is_wanted(steps, t)) keep(steps, t, trace, gradient.snapshots);
    }
  }
  return gradient;
}

TraceGradient gradient_by_traces(const AlifNet& net, const Series& x, const AlifRun& run,
                                 const Series& q, const TraceRule& rule,
                                 const std::vector<int>& steps) {
  check(net, x, run, q, rule);
  return rule.kind == TraceKind::kKernl ? kernl_by_traces(net, x, run, q, rule, steps)
                                        : eprop_by_traces(net, x, run, q, rule, steps);
}

TraceRule as_kernl(const AlifNet& net, const TraceRule& eprop) {
  TraceRule rule;
  rule.kappa = eprop.kappa;
  rule.place = HPlace::kError;
  rule.filters.push_back({scaled_identity(net.n, 1.0), net.alpha});
  if (eprop.kind == TraceKind::kEpropLif) return rule;
  TraceFilter slow{scaled_identity(net.n, 0.0), net.rho, {}, {}};
  for (int i = 0; i < net.n; ++i) {
    const double beta = AlifNet::of(net.beta, i);
    slow.sensitivity[size(i) * size(net.n) + size(i)] = -beta;
    slow.gain.push_back(net.adaptation_gain(i));
    slow.coupling.push_back(net.adaptation_gain(i) * beta);
  }
  rule.filters.push_back(slow);
  return rule;
}

std::vector<double> gradient_by_adjoint(const AlifNet& net, const Series& x, const AlifRun& run,
                                        const Series& q, const TraceRule& given) {
  check(net, x, run, q, given);
  const TraceRule rule = given.kind == TraceKind::kKernl ? given : as_kernl(net, given);
  const std::size_t n = size(net.n), n_pre = size(net.n_pre()), n_filters = rule.filters.size();
  std::vector<double> dW(n * n_pre);
  for (int b = 0; b < x.n_samples; ++b) {
    std::vector<double> error(n), of_fast(n);  // q filtered by the readout; adjoint of fast(t)
    // adjoint of slow_f(t): what later steps make of it
    std::vector<std::vector<double>> of_slow(n_filters, std::vector<double>(n));
    for (int t = x.n_steps - 1; t >= 0; --t) {
      const std::vector<double> z = pre_factor(rule.place, run, x, t, b);
      std::vector<double> at_target(n);
      for (std::size_t k = 0; k < n; ++k) {
        const int target = static_cast<int>(k);
        error[k] = q.at(t, b, target) + rule.kappa * error[k];
        at_target[k] = error[k] * (has_h_at_error(rule.place) ? run.h.at(t, b, target) : 1.0);
      }
      for (std::size_t i = 0; i < n; ++i) {
        const int post = static_cast<int>(i);
        const double h = run.h.at(t, b, post);
        of_fast[i] *= AlifNet::of(rule.filters[0].decay, post);
        for (std::size_t f = 0; f < n_filters; ++f) {
          const TraceFilter& filter = rule.filters[f];
          double learning_signal = 0.0;
          for (std::size_t k = 0; k < n; ++k)
            learning_signal += filter.sensitivity[i * n + k] * at_target[k];
          if (f == 0) {
            of_fast[i] += learning_signal;
            continue;
          }
          // slow(t) was fed by fast(t); slow(t-1) is what the error of step t meets
          of_fast[i] += AlifNet::of(filter.gain, post) * h * of_slow[f][i];
          const double decay =
              AlifNet::of(filter.decay, post) - AlifNet::of(filter.coupling, post) * h;
          of_slow[f][i] = learning_signal + decay * of_slow[f][i];
        }
        const double amount = post_factor(rule.place, run, t, b, post) * of_fast[i];
        for (std::size_t j = 0; j < n_pre; ++j) dW[i * n_pre + j] += amount * z[j];
      }
    }
  }
  return dW;
}

}  // namespace spikelane::reference
