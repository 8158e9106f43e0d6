#include "engine/learning/kernl_rule.h"

#include <algorithm>
#include <cassert>

#include "kernels/core/double_math.h"
#include "kernels/core/random.h"

namespace spikelane {

namespace {

// purposes of the stream `feedback` within one population, as the counter's step
constexpr std::uint32_t kFeedbackDraw = 0, kSensitivityDraw = 1, kSlowSensitivityDraw = 2;

RandomKey draw_key(std::uint64_t seed, int population, std::uint32_t purpose) {
  return {seed, purpose, 0, Stream::kFeedback, static_cast<std::uint32_t>(population)};
}

}  // namespace

KernlRule::KernlRule(const Plan& plan, const KernelTable& kernels, const KernlConfig& config,
                     std::uint64_t seed)
    : plan_(plan), config_(config) {
  assert(plan.layout() == Layout::kNeuronLanes && plan.output().model == Model::kReadout);
  for (int p = 0; p < plan.view().n_populations; ++p)
    if (plan.population(p).model == Model::kAlif && plan.population(p).needs_list)
      add_population(kernels, p, seed);
  make_signal();
  view_.learned = learned_.data();
  view_.n_learned = static_cast<int>(learned_.size());
  view_.signal = signal_.data();
  view_.kappa = config.readout_filter ? plan.output().beta[0] : 0.0f;
  const bool is_mean = plan.view().logit == Logit::kMean;
  view_.window = is_mean ? plan.view().window : 1;
  view_.reads_sums = is_mean;
  const double per_step = is_mean ? static_cast<double>(plan.view().inverse_window) : 1.0;
  view_.error_scale = static_cast<float>(static_cast<double>(plan.view().scale) *
                                         static_cast<double>(plan.output().gain) * per_step);
  view_.trains_readout = 1;
}

void KernlRule::place_filters(const PopulationView& population, Arrays& arrays,
                              LearnedView& view) const {
  const AlifView& alif = population.alif;
  const bool is_eprop = config_.filters == FilterKind::kEprop;
  for (int i = 0; i < population.n; ++i) {
    arrays.decay[i] = population.beta[i];
    arrays.slow_decay[i] = alif.rho[i];
    const float pull = alif.b_gain[i] * alif.adaptation[i];
    arrays.slow_coupling[i] = is_eprop ? pull : 0.0f;
    arrays.slow_gain[i] = -pull;
  }
  view.has_slow = config_.filters != FilterKind::kMembrane && population.at.b >= 0;
}

void KernlRule::add_population(const KernelTable& kernels, int p, std::uint64_t seed) {
  const PopulationView& population = plan_.population(p);
  const std::int64_t n = population.n, n_padded = population.n_padded;
  const std::int64_t n_outputs = plan_.output().n;
  const bool has_tensor = config_.has_tensor();
  const bool has_slow_tensor = config_.regression.is_on && config_.regression.n_filters > 1;
  Arrays arrays;
  for (int pass = 0; pass < 2; ++pass) {
    std::int64_t offset = 0;
    auto* base = pass == 0 ? nullptr : reinterpret_cast<float*>(arrays.memory.data());
    auto take = [&](float*& pointer, std::int64_t n_floats) {
      pointer = base ? base + offset : nullptr;
      offset += (n_floats + kLanes - 1) / kLanes * kLanes;
    };
    for (float** pointer : {&arrays.decay, &arrays.slow_decay, &arrays.slow_coupling,
                            &arrays.slow_gain, &arrays.rate_error, &arrays.no_error})
      take(*pointer, n_padded);
    take(arrays.feedback, n_outputs * n_padded);
    take(arrays.sensitivity, has_tensor ? n * n_padded : 0);
    take(arrays.slow_sensitivity, has_slow_tensor ? n * n_padded : 0);
    if (pass == 0) arrays.memory = AlignedMemory(static_cast<std::size_t>(offset) * sizeof(float));
  }
  LearnedView view{};
  view.population = p;
  view.n = population.n;
  view.n_padded = population.n_padded;
  view.place = static_cast<DerivativePlace>(config_.derivative_at);
  place_filters(population, arrays, view);
  for (int q = 0; q < population.n_projections; ++q)
    view.delta = std::max(view.delta, population.projections[q].delta);
  if (config_.feedback == FeedbackKind::kRandom) {
    std::vector<float> row(static_cast<std::size_t>(n_outputs));
    for (std::int64_t i = 0; i < n; ++i) {
      kernels.draw_normals(row.data(), i * n_outputs, n_outputs, draw_key(seed, p, kFeedbackDraw));
      for (std::int64_t o = 0; o < n_outputs; ++o)
        arrays.feedback[o * n_padded + i] =
            static_cast<float>(config_.feedback_std) * row[static_cast<std::size_t>(o)];
    }
  }
  if (config_.sensitivity.kind == SensitivityKind::kRandom && !config_.regression.is_on) {
    std::vector<float> row(static_cast<std::size_t>(n));
    for (std::int64_t source = 0; source < n; ++source) {
      kernels.draw_normals(row.data(), source * n, n, draw_key(seed, p, kSensitivityDraw));
      for (std::int64_t target = 0; target < n; ++target)
        arrays.sensitivity[target * n_padded + source] =
            static_cast<float>(config_.sensitivity.std) * row[static_cast<std::size_t>(target)];
    }
  }
  view.decay = arrays.decay;
  view.slow_decay = arrays.slow_decay;
  view.slow_coupling = arrays.slow_coupling;
  view.slow_gain = arrays.slow_gain;
  view.rate_error = arrays.rate_error;
  // a slow filter that does not know the threshold's return makes so much of a spike's adaptation
  // that the regulariser's pull would turn round: it acts through the fast filter alone
  view.slow_rate_error =
      config_.filters == FilterKind::kEprop ? arrays.rate_error : arrays.no_error;
  view.feedback = arrays.feedback;
  view.sensitivity = has_tensor ? arrays.sensitivity : nullptr;
  view.slow_sensitivity = has_slow_tensor ? arrays.slow_sensitivity : nullptr;
  arrays_.push_back(std::move(arrays));
  learned_.push_back(view);
  n_neurons_ += population.n;
}

// c(u) = w(u) + kappa*c(u+1), w = 1 on the steps whose value the loss reads
void KernlRule::make_signal() {
  const PlanView& view = plan_.view();
  const bool is_mean = view.logit == Logit::kMean;
  const int window = is_mean ? view.window : 1;
  const double kappa = config_.readout_filter ? static_cast<double>(plan_.output().beta[0]) : 0.0;
  signal_.resize(static_cast<std::size_t>(view.n_steps));
  double c = 0.0;
  for (int u = view.n_steps - 1; u >= 0; --u) {
    c = (u >= view.n_steps - window ? 1.0 : 0.0) + kappa * c;
    if (c < 0x1p-80) c = 0.0;
    signal_[static_cast<std::size_t>(u)] = static_cast<float>(c);
  }
}

void KernlRule::follow_weights(const float* block) {
  const PopulationView& output = plan_.output();
  for (std::size_t l = 0; l < learned_.size(); ++l) {
    const LearnedView& learned = learned_[l];
    Arrays& arrays = arrays_[l];
    for (int q = 0; q < output.n_projections && config_.feedback == FeedbackKind::kSymmetric; ++q) {
      const ProjectionView& projection = output.projections[q];
      if (projection.source != learned.population) continue;
      for (int i = 0; i < learned.n; ++i)
        for (int o = 0; o < output.n; ++o)
          arrays.feedback[o * learned.n_padded + i] =
              block[projection.weight + std::int64_t{i} * projection.weight_stride + o];
    }
    const SensitivityKind kind = config_.sensitivity.kind;
    if (config_.regression.is_on) continue;
    if (kind != SensitivityKind::kAnalytic && kind != SensitivityKind::kOneHop) continue;
    // M[source, target] = (1-alpha)*R_m of the target times the recurrent weight
    const PopulationView& population = plan_.population(learned.population);
    for (int q = 0; q < population.n_projections; ++q) {
      const ProjectionView& projection = population.projections[q];
      if (projection.source != learned.population) continue;
      for (int source = 0; source < learned.n; ++source)
        for (int target = 0; target < learned.n; ++target) {
          const float w =
              block[projection.weight + std::int64_t{source} * projection.weight_stride + target];
          const float self = kind == SensitivityKind::kOneHop && source == target ? 1.0f : 0.0f;
          arrays.sensitivity[std::int64_t{target} * learned.n_padded + source] =
              population.alif.input_gain[target] * w + self;
        }
    }
  }
}

void KernlRule::set_filter(int learned, std::span<const double> gamma,
                           std::span<const double> sensitivity, int filter) {
  const LearnedView& view = learned_[static_cast<std::size_t>(learned)];
  Arrays& arrays = arrays_[static_cast<std::size_t>(learned)];
  float* decay = filter == 0 ? arrays.decay : arrays.slow_decay;
  float* tensor = filter == 0 ? arrays.sensitivity : arrays.slow_sensitivity;
  assert((filter == 0 ? view.sensitivity : view.slow_sensitivity) != nullptr);
  assert(static_cast<int>(gamma.size()) == view.n);
  for (int i = 0; i < view.n; ++i)
    decay[i] = static_cast<float>(own_exp(-gamma[static_cast<std::size_t>(i)]));
  for (int source = 0; source < view.n; ++source)
    for (int target = 0; target < view.n; ++target)
      tensor[std::int64_t{target} * view.n_padded + source] =
          static_cast<float>(sensitivity[static_cast<std::size_t>(source * view.n + target)]);
}

void KernlRule::set_rates(std::span<const double> rates) {
  assert(static_cast<int>(rates.size()) == n_neurons_);
  const double pull = 2.0 * config_.rate_strength / plan_.view().n_steps;
  std::size_t at = 0;
  for (std::size_t l = 0; l < learned_.size(); ++l)
    for (int i = 0; i < learned_[l].n; ++i)
      arrays_[l].rate_error[i] = static_cast<float>(pull * (rates[at++] - config_.rate_target));
}

std::vector<float> KernlRule::rate_errors() const {
  std::vector<float> errors;
  for (const LearnedView& learned : learned_)
    errors.insert(errors.end(), learned.rate_error, learned.rate_error + learned.n);
  return errors;
}

PlanOptions for_learning(PlanOptions options, bool keeps_counts) {
  options.layout = LayoutChoice::kNeuronLanes;
  options.keeps_counts = keeps_counts;
  return options;
}

std::vector<ParameterRange> trained_ranges(const KernlConfig& config, const Plan& plan) {
  std::vector<ParameterRange> ranges;
  const auto& tensors = plan.parameter_tensors();
  const auto& names = config.trained;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (names.empty() || std::find(names.begin(), names.end(), tensors[i].name) != names.end())
      ranges.push_back({static_cast<int>(i), tensors[i].begin, tensors[i].end});
  return ranges;
}

void clip_gradient(std::span<float> gradient, double norm, double limit) {
  if (limit <= 0.0 || norm <= limit) return;
  const auto factor = static_cast<float>(limit / norm);
  for (float& g : gradient) g = g * factor;
}

std::vector<float> KernlRule::sensitivity(int learned, int filter) const {
  const LearnedView& view = learned_[static_cast<std::size_t>(learned)];
  std::vector<float> tensor;
  const float* values = filter == 0 ? view.sensitivity : view.slow_sensitivity;
  if (values == nullptr) return tensor;
  for (int source = 0; source < view.n; ++source)
    for (int target = 0; target < view.n; ++target)
      tensor.push_back(values[std::int64_t{target} * view.n_padded + source]);
  return tensor;
}

}  // namespace spikelane
