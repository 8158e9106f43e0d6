#include "kernels/reference/bptt_oracle.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace spikelane::reference {

static std::size_t size(int n) { return static_cast<std::size_t>(n); }

static void check(const AlifRun& run, const ReadoutLoss& loss) {
  const auto is_class = [&](int label) { return label >= 0 && label < loss.n_outputs; };
  if (loss.W_out.size() != size(run.spike.n) * size(loss.n_outputs) ||
      loss.labels.size() != size(run.spike.n_samples) ||
      !std::all_of(loss.labels.begin(), loss.labels.end(), is_class))
    throw std::invalid_argument("bptt oracle: W_out is not (N, O), or labels are not B classes");
  if (loss.window < 1 || loss.window > run.spike.n_steps)
    throw std::invalid_argument("bptt oracle: the window is not within the trial");
}

/// The softmax of a sample's logits, minus 1 at the label; adds the sample's loss.
static std::vector<double> softmax_error(const double* logits, int n, int label, double& loss) {
  const double largest = *std::max_element(logits, logits + n);
  double sum = 0.0;
  for (int o = 0; o < n; ++o) sum += std::exp(logits[o] - largest);
  loss += std::log(sum) + largest - logits[label];
  std::vector<double> error(size(n));
  for (int o = 0; o < n; ++o) error[size(o)] = std::exp(logits[o] - largest) / sum;
  error[size(label)] -= 1.0;
  return error;
}

static void add_rate_loss(const Series& spike, const ReadoutLoss& loss, LossResult& result) {
  const double n_terms = static_cast<double>(spike.n_steps) * spike.n_samples;
  for (int i = 0; i < spike.n; ++i) {
    double rate = 0.0;
    for (int t = 0; t < spike.n_steps; ++t)
      for (int b = 0; b < spike.n_samples; ++b) rate += spike.at(t, b, i) / n_terms;
    const double excess = rate - loss.rate_target;
    result.loss += 0.5 * loss.rate_strength * excess * excess;
    for (int t = 0; t < spike.n_steps; ++t)
      for (int b = 0; b < spike.n_samples; ++b)
        result.rate_error.at(t, b, i) = loss.rate_strength * excess / n_terms;
  }
}

LossResult readout_loss(const AlifRun& run, const ReadoutLoss& loss) {
  check(run, loss);
  const Series& driving = loss.reads_trace ? run.S : run.spike;
  const int n = driving.n, n_samples = driving.n_samples, n_steps = driving.n_steps;
  const std::size_t n_outputs = size(loss.n_outputs);
  const double gain = loss.scale / loss.window;
  LossResult result;
  result.q = Series(n_steps, n_samples, n);
  result.rate_error = result.q;
  result.logits.resize(size(n_samples) * n_outputs);
  result.dW_out.resize(size(n) * n_outputs);
  for (int b = 0; b < n_samples; ++b) {
    std::vector<double> z(size(n)), z_sum(size(n));
    for (int t = 0; t < n_steps; ++t)
      for (int i = 0; i < n; ++i) {
        z[size(i)] = loss.kappa * z[size(i)] + driving.at(t, b, i);
        if (t >= n_steps - loss.window) z_sum[size(i)] += z[size(i)];
      }
    double* logits = &result.logits[size(b) * n_outputs];
    for (std::size_t i = 0; i < size(n); ++i)
      for (std::size_t o = 0; o < n_outputs; ++o)
        logits[o] += gain * z_sum[i] * loss.W_out[i * n_outputs + o];
    const std::vector<double> error =
        softmax_error(logits, loss.n_outputs, loss.labels[size(b)], result.cross_entropy);
    for (std::size_t i = 0; i < size(n); ++i) {
      double sent_back = 0.0;
      for (std::size_t o = 0; o < n_outputs; ++o) {
        sent_back += loss.W_out[i * n_outputs + o] * error[o];
        result.dW_out[i * n_outputs + o] += gain * z_sum[i] * error[o] / n_samples;
      }
      for (int t = n_steps - loss.window; t < n_steps; ++t)
        result.q.row(t, b)[i] = gain * sent_back / n_samples;
    }
  }
  result.cross_entropy /= n_samples;
  result.loss = result.cross_entropy;
  add_rate_loss(run.spike, loss, result);
  return result;
}

namespace {

/// Derivatives of the loss by what a sample remembers after a step, (N) each.
struct Adjoint {
  std::vector<double> v, b, S, z;
  explicit Adjoint(std::size_t n) : v(n), b(n), S(n), z(n) {}
};

/// From the state after a step to that before it, for neuron i, all but what goes through its
/// current. Returns the derivative by its current's part of v'.
double step_back(const AlifNet& net, const AlifRun& run, const ReadoutLoss& loss,
                 const LossResult& sent_back, const BpttOptions& options, int t, int sample, int i,
                 Adjoint& adjoint) {
  double &v = adjoint.v[size(i)], &b = adjoint.b[size(i)], &S = adjoint.S[size(i)];
  double& z = adjoint.z[size(i)];
  const double before = run.v_before_reset.at(t, sample, i);
  const double B = run.threshold.at(t, sample, i), s = run.spike.at(t, sample, i);

  z = sent_back.q.at(t, sample, i) + loss.kappa * z;
  if (loss.reads_trace) S += z;
  double by_spike = S + net.adaptation_gain(i) * b + sent_back.rate_error.at(t, sample, i);
  if (!loss.reads_trace) by_spike += z;

  double by_before = v, by_threshold = 0.0;
  if (options.through_reset && net.reset == AlifReset::kToValue) {
    by_before = (1.0 - s) * v;
    by_spike += (net.v_reset - before) * v;
  } else if (options.through_reset) {
    by_spike -= B * v;
    by_threshold -= s * v;
  }
  const double slope = run.h.at(t, sample, i) / (options.divides_by_threshold ? B : 1.0);
  by_before += slope * by_spike;
  by_threshold -= slope * by_spike * (options.scales_threshold_slope ? before / B : 1.0);

  S *= net.delta;
  b = AlifNet::of(net.rho, i) * b + AlifNet::of(net.beta, i) * by_threshold;
  const bool moves = !options.through_reset || run.eligible.at(t, sample, i) != 0.0;
  v = moves ? AlifNet::of(net.alpha, i) * by_before : by_before;
  return moves ? by_before : 0.0;
}

}  // namespace

std::vector<double> bptt(const AlifNet& net, const Series& x, const AlifRun& run,
                         const ReadoutLoss& loss, const LossResult& sent_back,
                         const BpttOptions& options) {
  net.check();
  check(run, loss);
  const std::size_t n = size(net.n), n_inputs = size(net.n_inputs);
  std::vector<double> dW(net.weights.size());
  for (int sample = 0; sample < x.n_samples; ++sample) {
    Adjoint adjoint(n);
    for (int t = x.n_steps - 1; t >= 0; --t) {
      const std::vector<double> pre = presynaptic(run, x, t, sample);
      std::vector<double> by_current(n);
      for (int i = 0; i < net.n; ++i)
        by_current[size(i)] = net.current_gain(i) *
                              step_back(net, run, loss, sent_back, options, t, sample, i, adjoint);
      for (std::size_t j = 0; j < pre.size(); ++j)
        for (std::size_t i = 0; i < n; ++i) {
          dW[j * n + i] += pre[j] * by_current[i];
          if (j >= n_inputs && options.through_recurrence)
            adjoint.S[j - n_inputs] += net.weights[j * n + i] * by_current[i];
        }
    }
  }
  return dW;
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) throw std::invalid_argument("cosine: two sizes");
  double ab = 0.0, aa = 0.0, bb = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa > 0.0 && bb > 0.0 ? ab / std::sqrt(aa * bb) : 0.0;
}

}  // namespace spikelane::reference
