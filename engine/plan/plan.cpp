#include "engine/plan/plan.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace spikelane {

static int padded(int n) { return (n + kGrain - 1) / kGrain * kGrain; }

static bool is_uniform(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&](double x) {
    return static_cast<float>(x) == static_cast<float>(values[0]);
  });
}

static Model model_of(NeuronModel model) {
  if (model == NeuronModel::kAlif) return Model::kAlif;
  return model == NeuronModel::kLeaky ? Model::kLeaky : Model::kReadout;
}

static bool has_nonzero(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double x) { return x != 0.0; });
}

static double value_of(const std::vector<double>& values, int i) {
  return values.size() == 1 ? values[0] : values[static_cast<std::size_t>(i)];
}

static int find_population(const NetworkDescription& network, const std::string& name) {
  for (std::size_t p = 0; p < network.populations.size(); ++p)
    if (network.populations[p].name == name) return static_cast<int>(p);
  return kInputSource;
}

void Plan::choose_layout(const PlanOptions& options) {
  // lanes are neurons where one population fills them and the net is recurrent, or it hears many
  // units, of which few fire at once (docs/performance.md); else samples of one member
  bool has_delays = false;
  bool has_large = false, has_recurrence = false, hears_many = false, has_traces = false;
  int n_most = network_.n_inputs;
  const auto is_large = [](const PopulationDescription& population) {
    return population.model != NeuronModel::kReadout && population.n >= 2 * kGrain;
  };
  for (const auto& population : network_.populations) {
    has_large |= is_large(population);
    has_traces |= population.synaptic_decay[0] > 0.0;
    n_most = std::max(n_most, population.n);
  }
  for (const auto& projection : network_.projections) {
    const int from = find_population(network_, projection.from);
    const int to = find_population(network_, projection.to);
    has_recurrence |= from >= to;
    has_delays |= !projection.delay_steps.empty();
    const int n_from = from == kInputSource ? network_.n_inputs : network_.populations[from].n;
    hears_many |= n_from > 2 * kGrain && is_large(network_.populations[to]);
  }
  const bool fills_lanes = has_large && (has_recurrence || hears_many);
  // who hears spikes late runs in neuron lanes
  if (n_most > kMaxListedUnits || has_delays)
    view_.layout = Layout::kNeuronLanes;
  else if (options.layout == LayoutChoice::kAuto)
    view_.layout = fills_lanes ? Layout::kNeuronLanes : Layout::kSampleLanes;
  else
    view_.layout =
        options.layout == LayoutChoice::kNeuronLanes ? Layout::kNeuronLanes : Layout::kSampleLanes;
  view_.layer_major =
      view_.layout == Layout::kSampleLanes && !has_recurrence && !has_traces && !options.step_major;
}

// rows of a factor in the random numbers
constexpr std::int64_t kFactorGrain = 64;

static std::int64_t rounded_up(std::int64_t n, std::int64_t grain) {
  return (n + grain - 1) / grain * grain;
}

std::int64_t TensorPlan::a_begin(int k, int rank) const {
  return factor_begin + rounded_up(std::int64_t{n_rows} * rank, kFactorGrain) +
         k * rounded_up(n_columns, kFactorGrain);
}

FactorView TensorPlan::factor_view(int rank) const {
  return {rank, n_columns, factor_begin, a_begin(0, rank), a_begin(1, rank) - a_begin(0, rank)};
}

// a member's own block: B, (n_rows, r), and A, (r, n_columns), each row on a vector's boundary
void Plan::place_factors(TensorPlan& tensor) {
  const int rank = view_.rank;
  auto take = [&](std::int64_t n) {
    const std::int64_t at = n_block_floats_;
    n_block_floats_ += rounded_up(n, kLanes);
    return at;
  };
  tensor.low_rank.scale = take(1);
  tensor.low_rank.b = take(std::int64_t{tensor.n_rows} * rank);
  tensor.low_rank.a_stride = padded(tensor.n_columns);
  tensor.low_rank.a = take(std::int64_t{rank} * tensor.low_rank.a_stride);
  tensor.factor_begin = n_factor_numbers_;
  n_factor_numbers_ = tensor.a_begin(rank, rank);
}

void Plan::place_tensors() {
  const bool is_padded = view_.layout == Layout::kNeuronLanes;
  auto add = [&](std::string name, int n_rows, int n_columns, int n_fan_in, bool is_bias,
                 const InitDescription& init) {
    TensorPlan tensor;
    tensor.logical = {std::move(name), n_parameters_,
                      n_parameters_ + std::int64_t{n_rows} * n_columns};
    tensor.n_rows = n_rows;
    tensor.n_columns = n_columns;
    tensor.n_fan_in = n_fan_in;
    tensor.is_bias = is_bias;
    tensor.init = init;
    tensor.block_stride = is_padded ? padded(n_columns) : n_columns;
    n_parameters_ = tensor.logical.end;
    std::int64_t& n_floats = view_.rank > 0 && !is_bias ? n_shared_floats_ : n_block_floats_;
    tensor.block_begin = n_floats;
    n_floats += std::int64_t{n_rows} * tensor.block_stride;
    if (view_.rank > 0 && !is_bias) place_factors(tensor);
    tensors_.push_back(std::move(tensor));
  };
  for (const auto& projection : network_.projections) {
    const int from = find_population(network_, projection.from);
    const int to = find_population(network_, projection.to);
    const int n_pre = from == kInputSource ? network_.n_inputs
                                           : network_.populations[static_cast<std::size_t>(from)].n;
    const int n_rows = n_pre * projection.n_delays();
    add(projection.from + "." + projection.to + ".weight", n_rows,
        network_.populations[static_cast<std::size_t>(to)].n, n_rows, false, projection.init);
    if (projection.has_delay_list) tensors_.back().n_delays = projection.n_delays();
  }
  for (const auto& population : network_.populations)
    for (std::size_t q = 0; q < network_.projections.size(); ++q) {
      const ProjectionDescription& projection = network_.projections[q];
      if (projection.to == population.name && projection.has_bias)
        add(population.name + ".bias", 1, population.n, tensors_[q].n_rows, true,
            projection.bias_init);
    }
  // vector loads of a last, short row may look past it
  n_block_floats_ += kLanes;
  if (n_shared_floats_ > 0) n_shared_floats_ += kLanes;
  for (const auto& tensor : tensors_) parameter_tensors_.push_back(tensor.logical);
}

template <class Value>
const float* Plan::constant(const PopulationView& population, float padding, const Value& value) {
  const auto n_padded = static_cast<std::size_t>(population.n_padded);
  auto* values = reinterpret_cast<float*>(constants_.emplace_back(n_padded * sizeof(float)).data());
  for (int i = 0; i < population.n_padded; ++i)
    values[i] = i < population.n ? static_cast<float>(value(i)) : padding;
  return values;
}

void Plan::place_alif(const PopulationDescription& description, PopulationView& population) {
  auto constant_of = [&](const auto& value) { return constant(population, 0.0f, value); };
  AlifView& alif = population.alif;
  // from the decay as it was given, in double, rounded once
  alif.input_gain = constant_of([&](int i) {
    return (1.0 - value_of(description.beta, i)) * value_of(description.resistance, i);
  });
  alif.adaptation = constant_of([&](int i) { return value_of(description.adaptation, i); });
  alif.rho = constant_of([&](int i) { return value_of(description.adaptation_decay, i); });
  const bool is_unit_mean = description.adaptation_scaling == AdaptationScaling::kUnitMean;
  alif.b_gain = constant_of(
      [&](int i) { return is_unit_mean ? 1.0 - value_of(description.adaptation_decay, i) : 1.0; });
  alif.v_reset = constant_of([&](int i) { return value_of(description.v_reset, i); });
  alif.t_refractory = constant_of([&](int i) { return value_of(description.refractory_steps, i); });
  alif.subtracts = description.alif_reset == AlifResetKind::kSubtract;
  population.delta = static_cast<float>(description.synaptic_decay[0]);
}

void Plan::place_populations(const PlanOptions& options) {
  for (std::size_t p = 0; p < network_.populations.size(); ++p) {
    const PopulationDescription& description = network_.populations[p];
    PopulationView population{};
    population.model = model_of(description.model);
    population.reset = static_cast<Reset>(description.reset);
    population.reset_delay = description.reset_delay;
    population.n = description.n;
    population.n_padded = padded(description.n);
    population.gain = static_cast<float>(description.gain);
    population.is_output = p + 1 == network_.populations.size();
    population.is_uniform = is_uniform(description.beta) && is_uniform(description.threshold);
    population.only_trace = -1;
    population.bias = -1;
    for (const auto& tensor : tensors_)
      if (tensor.logical.name == description.name + ".bias") population.bias = tensor.block_begin;
    population.beta =
        constant(population, 0.0f, [&](int i) { return value_of(description.beta, i); });
    // padding neurons never fire
    population.threshold =
        constant(population, -kLowest, [&](int i) { return value_of(description.threshold, i); });
    if (population.model == Model::kAlif) place_alif(description, population);
    // which fields the State keeps of it; 0 stands for "kept", the offset comes with place_tile
    const bool is_spiking = spikelane::is_spiking(population.model);
    const bool is_alif = population.model == Model::kAlif;
    auto kept = [&](KeptBy by) {
      const bool scored = population.is_output;
      switch (by) {
        case KeptBy::kAll:
          return true;
        case KeptBy::kSpiking:
          return is_spiking;
        case KeptBy::kAdaptive:
          return is_alif && has_nonzero(description.adaptation);
        case KeptBy::kRefractory:
          return is_alif && has_nonzero(description.refractory_steps);
        case KeptBy::kSynaptic:
          return population.delta > 0.0f;
        case KeptBy::kCounted:
          return is_spiking &&
                 (options.keeps_counts || (scored && loss_.logits == LogitKind::kCounts));
        case KeptBy::kFirstSpike:
          return is_spiking && scored && loss_.logits == LogitKind::kFirstSpike;
        case KeptBy::kMax:
          return scored && loss_.logits == LogitKind::kMax;
        case KeptBy::kMean:
          return is_spiking && scored && loss_.logits == LogitKind::kMean;
        case KeptBy::kBiasedReadout:
          return !is_spiking && population.bias >= 0;
        case KeptBy::kBiasedMean:
          return !is_spiking && population.bias >= 0 && scored && loss_.logits == LogitKind::kMean;
      }
      return false;
    };
#define SPIKELANE_KEEP(name, kind, kept_by, at_reset, unit, meaning) \
  population.at.name = kept(KeptBy::kept_by) ? 0 : -1;
    SPIKELANE_POPULATION_FIELDS(SPIKELANE_KEEP)
#undef SPIKELANE_KEEP
    populations_.push_back(population);
  }
}

// delays, the largest first, and the ring that the source keeps for them
void Plan::place_delays(const ProjectionDescription& description, ProjectionView& projection) {
  const std::vector<int>& steps = description.delay_steps;
  if (steps.empty() || (steps.size() == 1 && steps[0] == projection.is_recurrent)) return;
  std::vector<DelayView>& delays = delays_.emplace_back();
  for (std::size_t k = 0; k < steps.size(); ++k)
    delays.push_back({steps[k], static_cast<int>(k) * projection.n_pre});
  std::sort(delays.begin(), delays.end(),
            [](const DelayView& a, const DelayView& b) { return a.steps > b.steps; });
  projection.delays = delays.data();
  projection.n_delays = static_cast<int>(delays.size());
  PopulationView& target = populations_[static_cast<std::size_t>(projection.target)];
  projection.first_heard = target.n_heard;
  target.n_heard += projection.n_delays;
  const bool is_input = projection.source == kInputSource;
  KeptSpikes& kept =
      is_input ? view_.kept_input : populations_[static_cast<std::size_t>(projection.source)].kept;
  if (is_input && kept.n_slots == 0) target.keeps_input = 1;
  kept.max_delay = std::max(kept.max_delay, delays[0].steps);
  kept.n_slots = static_cast<int>(std::bit_ceil(static_cast<unsigned>(kept.max_delay) + 1));
}

void Plan::connect() {
  projections_.resize(populations_.size());
  trace_of_.reserve(network_.projections.size());
  delays_.reserve(network_.projections.size());
  for (std::size_t q = 0; q < network_.projections.size(); ++q) {
    const ProjectionDescription& description = network_.projections[q];
    const TensorPlan& tensor = tensors_[q];
    const int to = find_population(network_, description.to);
    PopulationView& target = populations_[static_cast<std::size_t>(to)];
    ProjectionView projection{};
    projection.source = find_population(network_, description.from);
    projection.target = to;
    projection.is_recurrent = projection.source >= to;
    projection.n_pre = tensor.n_rows / description.n_delays();
    projection.n_post = tensor.n_columns;
    projection.n_post_padded = padded(tensor.n_columns);
    projection.weight = tensor.block_begin;
    projection.weight_stride = tensor.block_stride;
    projection.single_trace = -1;
    projection.low_rank = tensor.low_rank;
    projection.place = static_cast<int>(projections_[static_cast<std::size_t>(to)].size());
    place_delays(description, projection);
    projection.at.drive = -1;
    if (projection.source != kInputSource && description.signal == SignalKind::kTrace)
      projection.delta = populations_[static_cast<std::size_t>(projection.source)].delta;
    // 0 stands for "kept", the offset comes with place_tile
    if (projection.delta > 0.0f && is_spiking(target.model)) projection.at.drive = 0;
    if (target.model == Model::kReadout) {
      // one trace for each distinct decay of the readout's neurons
      const bool needs_sum = target.is_output && loss_.logits == LogitKind::kMean;
      std::vector<float> kappas;
      std::vector<int> trace_of;
      projection.first_trace = static_cast<int>(traces_.size());
      for (int i = 0; i < target.n; ++i) {
        const auto at = std::find(kappas.begin(), kappas.end(), target.beta[i]);
        trace_of.push_back(projection.first_trace + static_cast<int>(at - kappas.begin()));
        if (at == kappas.end()) kappas.push_back(target.beta[i]);
      }
      for (float kappa : kappas)
        traces_.push_back({projection.source,
                           projection.n_pre,
                           padded(projection.n_pre),
                           kappa,
                           {0, needs_sum ? 0 : -1},
                           projection.delta > 0.0f ? 0 : -1});
      projection.n_traces = static_cast<int>(kappas.size());
      if (kappas.size() == 1) projection.single_trace = projection.first_trace;
      trace_of_.push_back(std::move(trace_of));
      projection.trace_of = trace_of_.back().data();
    }
    if (projection.source != kInputSource) {
      PopulationView& source = populations_[static_cast<std::size_t>(projection.source)];
      source.feeds_recurrent |= projection.is_recurrent;
    }
    projections_[static_cast<std::size_t>(to)].push_back(projection);
  }
  const int n_code_neurons = 4;
  for (auto& population : populations_) {
    const auto p = static_cast<std::size_t>(&population - populations_.data());
    population.projections = projections_[p].data();
    population.n_projections = static_cast<int>(projections_[p].size());
    const ProjectionView& first = projections_[p][0];
    const bool source_has_codes =
        first.source == kInputSource ? first.n_pre <= kMaxCodes - 1 : first.n_pre <= n_code_neurons;
    population.may_use_table = view_.layer_major && population.model == Model::kLeaky &&
                               population.n_projections == 1 && source_has_codes &&
                               population.is_uniform && population.reset == Reset::kSubtract &&
                               population.reset_delay && population.at.first_spike < 0 &&
                               population.at.v_max < 0 && population.at.v_sum < 0;
    wants_input_codes_ |= population.may_use_table && first.source == kInputSource;
  }
  // who is read as lists, and whose single trace the table path may advance
  for (std::size_t p = 0; p < populations_.size(); ++p) {
    PopulationView& source = populations_[p];
    int n_readers = 0, trace = -1;
    for (const auto& projections : projections_)
      for (const ProjectionView& projection : projections) {
        if (projection.source != static_cast<int>(p)) continue;
        const PopulationView& target = populations_[static_cast<std::size_t>(projection.target)];
        if (is_spiking(target.model)) {
          source.needs_list |= !(target.may_use_table && source.n <= n_code_neurons);
        } else {
          n_readers += projection.n_traces;
          trace = projection.first_trace;
        }
      }
    const bool is_fused = source.may_use_table && n_readers == 1 &&
                          traces_[static_cast<std::size_t>(trace)].at.z_sum < 0 &&
                          populations_.back().at.v_max < 0;
    if (is_fused) source.only_trace = trace;
    source.needs_list |= n_readers > 0 && !is_fused;
  }
}

void Plan::place_tile() {
  const std::int64_t n_lanes = lanes_per_tile();
  std::int64_t offset = 0;
  auto place = [&](std::int64_t& at, FieldKind kind, int n_padded) {
    if (at < 0) return;
    at = offset;
    const std::int64_t n = n_padded * n_lanes;
    const std::int64_t n_bytes = kind == FieldKind::kFloat ? n * 4 : n / 8;
    offset += (n_bytes + 63) / 64 * 64;
  };
  for (auto& population : populations_) {
#define SPIKELANE_PLACE(name, kind, kept_by, at_reset, unit, meaning) \
  place(population.at.name, FieldKind::kind, population.n_padded);
    SPIKELANE_POPULATION_FIELDS(SPIKELANE_PLACE)
  }
  for (auto& population : traces_) {
    SPIKELANE_TRACE_FIELDS(SPIKELANE_PLACE)
  }
  for (auto& projections : projections_)
    for (ProjectionView& projection : projections)
      place(projection.at.drive, FieldKind::kFloat, projection.n_post_padded);
#undef SPIKELANE_PLACE
  const auto place_kept = [&](KeptSpikes& kept, std::int64_t n_bytes) {
    kept.at = offset;
    kept.stride = rounded_up(n_bytes, 64);
    offset += kept.n_slots * kept.stride;
  };
  for (auto& population : populations_) place_kept(population.kept, population.n_padded / 8);
  place_kept(view_.kept_input, network_.n_inputs * 4);
  for (TraceView& trace : traces_)
    if (trace.source_trace >= 0)
      trace.source_trace = populations_[static_cast<std::size_t>(trace.source)].at.synaptic_trace;
  view_.tile_bytes = offset;
}

void Plan::fill_block(const float* logical, float* block) const {
  assert(rank() == 0);
  for (const TensorPlan& tensor : tensors_)
    for (int row = 0; row < tensor.n_rows; ++row)
      std::copy_n(logical + tensor.logical.begin + std::int64_t{row} * tensor.n_columns,
                  tensor.n_columns,
                  block + tensor.block_begin + std::int64_t{row} * tensor.block_stride);
}

void Plan::fill_shared(const float* logical, float* shared) const {
  for (const TensorPlan& tensor : tensors_)
    for (int row = 0; !tensor.is_bias && row < tensor.n_rows; ++row)
      std::copy_n(logical + tensor.logical.begin + std::int64_t{row} * tensor.n_columns,
                  tensor.n_columns,
                  shared + tensor.block_begin + std::int64_t{row} * tensor.block_stride);
}

void Plan::read_block(const float* block, float* logical) const {
  assert(rank() == 0);
  for (const TensorPlan& tensor : tensors_)
    for (int row = 0; row < tensor.n_rows; ++row)
      std::copy_n(block + tensor.block_begin + std::int64_t{row} * tensor.block_stride,
                  tensor.n_columns,
                  logical + tensor.logical.begin + std::int64_t{row} * tensor.n_columns);
}

std::unique_ptr<const Plan> compile_plan(const NetworkDescription& network, const LossConfig& loss,
                                         int n_steps, const PlanOptions& options) {
  assert(!network.populations.empty() && n_steps > 0);
  std::unique_ptr<Plan> plan(new Plan());
  plan->network_ = network;
  plan->loss_ = loss;
  plan->n_steps_ = n_steps;
  plan->view_.rank = options.rank;
  plan->choose_layout(options);
  plan->place_tensors();
  plan->place_populations(options);
  plan->connect();
  plan->place_tile();
  PlanView& view = plan->view_;
  view.n_inputs = network.n_inputs;
  view.n_populations = static_cast<int>(plan->populations_.size());
  view.n_traces = static_cast<int>(plan->traces_.size());
  view.populations = plan->populations_.data();
  view.traces = plan->traces_.data();
  view.output = view.n_populations - 1;
  view.n_steps = n_steps;
  view.logit = static_cast<Logit>(loss.logits);
  view.window = loss.window > 0 ? loss.window : n_steps;
  view.inverse_window = static_cast<float>(1.0 / view.window);
  view.scale = static_cast<float>(loss.scale);
  view.loss = static_cast<Loss>(loss.kind);
  view.margin = static_cast<float>(loss.margin);
  return plan;
}

}  // namespace spikelane
