#include "kernels/reference/twin.h"

#include <cmath>

namespace spikelane::reference {

static float cleared(float value, int t) {
  const bool is_clearing_step = t % 16 == 15;
  return is_clearing_step && std::fabs(value) < 0x1p-80f ? 0.0f : value;
}

Twin::Twin(const PlanView& plan, const float* block, const float* shared)
    : plan_(plan), block_(block), weights_(shared ? shared : block) {
  reset();
}

void Twin::reset() {
  t_ = 0;
  drive_.clear();
  inputs_.clear();
  spikes_.assign(static_cast<std::size_t>(plan_.n_populations), {});
  added_.assign(static_cast<std::size_t>(plan_.n_populations), {});
  populations_.assign(static_cast<std::size_t>(plan_.n_populations), {});
  for (int p = 0; p < plan_.n_populations; ++p) {
    const auto n = static_cast<std::size_t>(plan_.populations[p].n);
    TwinPopulation& population = populations_[static_cast<std::size_t>(p)];
    population.v.assign(n, 0.0f);
    population.s.assign(n, 0.0f);
    population.n_spikes.assign(n, 0.0f);
    population.first_spike.assign(n, kNeverFired);
    population.v_max.assign(n, kLowest);
    population.v_sum.assign(n, 0.0f);
    population.bias_trace.assign(n, 0.0f);
    population.bias_trace_sum.assign(n, 0.0f);
    for (std::vector<float>* field :
         {&population.sent, &population.b, &population.refractory, &population.v_before_reset,
          &population.effective_threshold, &population.is_eligible})
      field->assign(n, 0.0f);
    auto& drives = drive_.emplace_back();
    for (int q = 0; q < plan_.populations[p].n_projections; ++q) drives.emplace_back(n, 0.0f);
  }
  z_.clear();
  for (int k = 0; k < plan_.n_traces; ++k)
    z_.emplace_back(static_cast<std::size_t>(plan_.traces[k].n), 0.0f);
  z_sum_ = z_;
}

// populations before the target have been stepped already, the others still hold the last step
std::span<const float> Twin::spikes_of(int source, std::span<const float> x) const {
  return source == kInputSource ? x : std::span<const float>(population(source).s);
}

std::vector<float> Twin::sent_in(int source, int u) const {
  const auto& sent = source == kInputSource ? inputs_ : spikes_[static_cast<std::size_t>(source)];
  if (u >= 0) return sent[static_cast<std::size_t>(u)];
  const int n = source == kInputSource ? plan_.n_inputs : plan_.populations[source].n;
  return std::vector<float>(static_cast<std::size_t>(n), 0.0f);
}

// the emission step ascending, then the presynaptic index; sums of factors in the same order
float Twin::delayed_sum(const ProjectionView& projection, int i) const {
  std::vector<float> x;
  std::vector<std::int64_t> rows;
  for (int k = 0; k < projection.n_delays; ++k) {
    const DelayView& delay = projection.delays[k];
    const std::vector<float> sent = sent_in(projection.source, t_ - delay.steps);
    for (int j = 0; j < projection.n_pre; ++j) {
      x.push_back(sent[static_cast<std::size_t>(j)]);
      rows.push_back(delay.first_row + j);
    }
  }
  float sum = 0.0f;
  for (std::size_t j = 0; j < x.size(); ++j)
    sum = std::fma(x[j], weights_[projection.weight + rows[j] * projection.weight_stride + i], sum);
  const LowRankView& at = projection.low_rank;
  const float scale = plan_.rank > 0 ? block_[at.scale] : 0.0f;
  if (scale == 0.0f) return sum;
  for (int k = 0; k < plan_.rank; ++k) {
    float c = 0.0f;
    for (std::size_t j = 0; j < x.size(); ++j)
      c = std::fma(x[j], block_[at.b + rows[j] * plan_.rank + k], c);
    sum = std::fma(block_[at.a + std::int64_t{k} * at.a_stride + i], scale * c, sum);
  }
  return sum;
}

// what one projection brings to neuron i: from the weights, and from the noise of a rank
float Twin::weighted_sum(const ProjectionView& projection, std::span<const float> x, int i) const {
  if (projection.n_delays > 0) return delayed_sum(projection, i);
  float sum = 0.0f;
  for (int j = 0; j < projection.n_pre; ++j) {
    const float w = weights_[projection.weight + std::int64_t{j} * projection.weight_stride + i];
    sum = std::fma(x[static_cast<std::size_t>(j)], w, sum);
  }
  if (plan_.rank == 0) return sum;
  const LowRankView& at = projection.low_rank;
  const float scale = block_[at.scale];
  if (scale == 0.0f) return sum;
  for (int k = 0; k < plan_.rank; ++k) {
    float c = 0.0f;
    for (int j = 0; j < projection.n_pre; ++j)
      c = std::fma(x[static_cast<std::size_t>(j)], block_[at.b + std::int64_t{j} * plan_.rank + k],
                   c);
    sum = std::fma(block_[at.a + std::int64_t{k} * at.a_stride + i], scale * c, sum);
  }
  return sum;
}

std::vector<float> Twin::currents(int p, std::span<const float> x) {
  const PopulationView& population = plan_.populations[p];
  std::vector<float> current(static_cast<std::size_t>(population.n));
  for (int i = 0; i < population.n; ++i) {
    float total = 0.0f;
    for (int q = 0; q < population.n_projections; ++q) {
      const ProjectionView& projection = population.projections[q];
      const std::span<const float> s = spikes_of(projection.source, x);
      float sum = weighted_sum(projection, s, i);
      if (projection.delta > 0.0f) {
        float& drive = drive_[static_cast<std::size_t>(p)][static_cast<std::size_t>(q)]
                             [static_cast<std::size_t>(i)];
        sum = (projection.delta * drive) + sum;
        drive = cleared(sum, t_);
      }
      total = q == 0 ? sum : total + sum;
    }
    if (population.bias >= 0) total = total + block_[population.bias + i];
    current[static_cast<std::size_t>(i)] = total;
  }
  return current;
}

void Twin::observe(int p, std::size_t i, float s, float v) {
  TwinPopulation& state = populations_[static_cast<std::size_t>(p)];
  state.s[i] = s;
  state.n_spikes[i] += s;
  if (s == 1.0f && state.first_spike[i] == kNeverFired)
    state.first_spike[i] = static_cast<float>(t_);
  state.v_max[i] = state.v_max[i] > v ? state.v_max[i] : v;
  if (t_ >= plan_.n_steps - plan_.window) state.v_sum[i] = state.v_sum[i] + v;
}

void Twin::step_leaky(int p, std::span<const float> x) {
  const PopulationView& population = plan_.populations[p];
  TwinPopulation& state = populations_[static_cast<std::size_t>(p)];
  const std::vector<float> current = currents(p, x);
  for (std::size_t i = 0; i < current.size(); ++i) {
    const float beta = population.beta[i], theta = population.threshold[i];
    float v = state.v[i];
    const float r = v > theta ? 1.0f : 0.0f;
    switch (population.reset) {
      case Reset::kSubtract:
        v = ((beta * v) + current[i]) - (r * theta);
        break;
      case Reset::kZero:
        v = (beta * ((1.0f - r) * v)) + current[i];
        break;
      case Reset::kNone:
        v = (beta * v) + current[i];
        break;
    }
    const float s = v > theta ? 1.0f : 0.0f;
    if (!population.reset_delay && s != r) {
      if (population.reset == Reset::kSubtract) v = v - ((s - r) * theta);
      if (population.reset == Reset::kZero) v = v - ((s - r) * v);
    }
    observe(p, i, s, v);
    state.sent[i] = s;
    state.v[i] = cleared(v, t_);
  }
}

void Twin::step_alif(int p, std::span<const float> x) {
  const PopulationView& population = plan_.populations[p];
  const AlifView& alif = population.alif;
  TwinPopulation& state = populations_[static_cast<std::size_t>(p)];
  state.current = currents(p, x);
  std::vector<float> current = state.current;
  const std::vector<float>& added = added_[static_cast<std::size_t>(p)];
  for (std::size_t i = 0; i < added.size(); ++i) current[i] = current[i] + added[i];
  for (std::size_t i = 0; i < current.size(); ++i) {
    const bool is_eligible = state.refractory[i] < 1.0f;
    float v = state.v[i];
    if (is_eligible) v = (population.beta[i] * v) + (alif.input_gain[i] * current[i]);
    const float threshold = population.threshold[i] + (alif.adaptation[i] * state.b[i]);
    state.v_before_reset[i] = v;
    state.effective_threshold[i] = threshold;
    state.is_eligible[i] = is_eligible ? 1.0f : 0.0f;
    const bool fires = is_eligible && v >= threshold;
    if (fires) v = alif.subtracts ? v - threshold : alif.v_reset[i];
    float b = alif.rho[i] * state.b[i];
    if (fires) b = b + alif.b_gain[i];
    const float left = state.refractory[i] - 1.0f;
    state.refractory[i] = left > 0.0f ? left : 0.0f;
    if (fires) state.refractory[i] = state.refractory[i] + alif.t_refractory[i];
    float sent = population.delta * state.sent[i];
    if (fires) sent = sent + 1.0f;
    observe(p, i, fires ? 1.0f : 0.0f, v);
    state.v[i] = cleared(v, t_);
    state.b[i] = cleared(b, t_);
    state.sent[i] = cleared(sent, t_);
  }
}

std::vector<float> Twin::read_out(const PopulationView& population, bool of_sums) const {
  const auto p = static_cast<std::size_t>(&population - plan_.populations);
  const TwinPopulation& state = populations_[p];
  std::vector<float> value(static_cast<std::size_t>(population.n));
  for (int i = 0; i < population.n; ++i) {
    float total = 0.0f;
    for (int q = 0; q < population.n_projections; ++q) {
      const ProjectionView& projection = population.projections[q];
      const auto trace = static_cast<std::size_t>(projection.trace_of[i]);
      const float sum = weighted_sum(projection, of_sums ? z_sum_[trace] : z_[trace], i);
      total = q == 0 ? sum : total + sum;
    }
    const auto at = static_cast<std::size_t>(i);
    if (population.bias >= 0)
      total = total + block_[population.bias + i] *
                          (of_sums ? state.bias_trace_sum[at] : state.bias_trace[at]);
    // + 0: products that underflow leave no sign, whether or not a silent neuron's are skipped
    value[at] = population.gain * (total + 0.0f);
  }
  return value;
}

void Twin::step_readout(int p, std::span<const float> x) {
  const PopulationView& population = plan_.populations[p];
  TwinPopulation& state = populations_[static_cast<std::size_t>(p)];
  const bool is_in_window = t_ >= plan_.n_steps - plan_.window;
  for (int q = 0; q < population.n_projections; ++q) {
    const ProjectionView& projection = population.projections[q];
    const std::span<const float> s =
        projection.delta > 0.0f
            ? std::span<const float>(populations_[static_cast<std::size_t>(projection.source)].sent)
            : spikes_of(projection.source, x);
    for (int k = projection.first_trace; k < projection.first_trace + projection.n_traces; ++k) {
      std::vector<float>& z = z_[static_cast<std::size_t>(k)];
      for (std::size_t j = 0; j < z.size(); ++j) {
        z[j] = cleared((plan_.traces[k].kappa * z[j]) + s[j], t_);
        if (is_in_window) z_sum_[static_cast<std::size_t>(k)][j] += z[j];
      }
    }
  }
  for (std::size_t i = 0; i < state.v.size(); ++i) {
    state.bias_trace[i] = cleared((population.beta[i] * state.bias_trace[i]) + 1.0f, t_);
    if (is_in_window) state.bias_trace_sum[i] += state.bias_trace[i];
  }
  state.v = read_out(population, false);
  for (std::size_t i = 0; i < state.v.size(); ++i)
    state.v_max[i] = state.v_max[i] > state.v[i] ? state.v_max[i] : state.v[i];
}

void Twin::step(std::span<const float> x) {
  inputs_.emplace_back(x.begin(), x.end());
  for (int p = 0; p < plan_.n_populations; ++p) {
    switch (plan_.populations[p].model) {
      case Model::kLeaky:
        step_leaky(p, x);
        break;
      case Model::kAlif:
        step_alif(p, x);
        break;
      case Model::kReadout:
        step_readout(p, x);
        break;
    }
    spikes_[static_cast<std::size_t>(p)].push_back(populations_[static_cast<std::size_t>(p)].s);
  }
  ++t_;
}

std::vector<float> Twin::logits() const {
  const PopulationView& output = plan_.populations[plan_.output];
  const TwinPopulation& state = population(plan_.output);
  const auto n_steps = static_cast<float>(plan_.n_steps);
  std::vector<float> logits(state.v.size());
  const bool is_readout = output.model == Model::kReadout;
  const std::vector<float> mean_of =
      is_readout && plan_.logit == Logit::kMean ? read_out(output, true) : state.v_sum;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    float logit = 0.0f;
    switch (plan_.logit) {
      case Logit::kCounts:
        logit = state.n_spikes[i];
        break;
      case Logit::kFirstSpike:
        logit = state.first_spike[i] < n_steps ? n_steps - state.first_spike[i] : 0.0f;
        break;
      case Logit::kFinal:
        logit = state.v[i];
        break;
      case Logit::kMax:
        logit = state.v_max[i];
        break;
      case Logit::kMean:
        logit = mean_of[i] * plan_.inverse_window;
        break;
    }
    logits[i] = logit * plan_.scale;
  }
  return logits;
}

int Twin::not_finite_population() const {
  for (int p = 0; p < plan_.n_populations; ++p)
    for (float v : population(p).v)
      if (!std::isfinite(v)) return p;
  return -1;
}

}  // namespace spikelane::reference
