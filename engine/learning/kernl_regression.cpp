#include "engine/learning/kernl_regression.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <memory>

#include "engine/config/user_error.h"
#include "engine/device/device_regression.h"
#include "engine/learning/regression_memory.h"
#include "engine/learning/sums.h"
#include "engine/run/not_finite.h"
#include "kernels/core/double_math.h"
#include "kernels/cuda/cuda_library.h"
#include "kernels/step/kernl_parts.h"

namespace spikelane {

namespace {

// purposes of the stream `feedback` within one population, as the counter's step; the rule has 0..2
constexpr std::uint32_t kTensorDraw = 3, kFilterDraw = 4;
constexpr double kSqrt3 = 1.7320508075688772;

RegressionView view_of(const Plan& plan, const RegressionConfig& config, std::uint64_t seed) {
  RegressionView view{};
  for (int p = 0; p < plan.view().n_populations; ++p) {
    const PopulationView& population = plan.population(p);
    if (population.model != Model::kAlif) continue;
    for (int q = 0; q < population.n_projections; ++q)
      if (population.projections[q].source == p) {
        view.population = p;
        view.recurrent = q;
        view.n = population.n;
        view.n_padded = population.n_padded;
      }
  }
  assert(view.n > 0 && plan.layout() == Layout::kNeuronLanes);
  view.is_spiking_copy = config.copy == CopyKind::kSpiking;
  view.is_distance = config.target == RegressionTargetKind::kDistance;
  view.is_every_step = config.loss_at == RegressionLossAt::kEveryStep;
  view.is_sign_noise = config.noise == NoiseKind::kSign;
  view.noise_std = static_cast<float>(config.noise_std);
  view.seed = seed;
  view.n_filters = config.n_filters;
  return view;
}

std::vector<ParameterTensor> tensors_of(const Plan& plan, const RegressionView& view) {
  const std::string name =
      plan.network().populations[static_cast<std::size_t>(view.population)].name;
  const std::int64_t n = view.n, n_tensor = view.n_filters * n * n;
  return {{name + ".sensitivity", 0, n_tensor},
          {name + ".filter", n_tensor, n_tensor + view.n_filters * n}};
}

// where rows of M, then g, lie in a part's sums, for each filter: M's rows and after them one of g
std::vector<PartRow> rows_of(const RegressionView& view) {
  std::vector<PartRow> rows;
  const std::int64_t n = view.n;
  const auto add = [&](std::int64_t row, std::int64_t filter) {
    const std::int64_t in_sum = rows.empty() ? 0 : rows.back().in_sum + n;
    rows.push_back({(filter * (n + 1) + row) * view.n_padded, in_sum, view.n});
  };
  for (std::int64_t f = 0; f < view.n_filters; ++f)
    for (std::int64_t row = 0; row < n; ++row) add(row, f);
  for (std::int64_t f = 0; f < view.n_filters; ++f) add(n, f);
  return rows;
}

}  // namespace

KernlRegression::Worker::Worker(const Plan& plan, const RegressionView& rule)
    : scratch(plan, plan.view().n_steps, true),
      copy_scratch(plan, plan.view().n_steps, true),
      scratch_view(scratch.view()),
      copy_view(copy_scratch.view()) {
  memory = carve([&](const auto& take) { place_regression_scratch(rule, regression, take); });
  tap = tap_of_net(rule, regression);
  copy_tap = tap_of_copy(rule, regression);
  scratch_view.tap = &tap;
  copy_view.tap = &copy_tap;
  regression.copy_tile = copy_scratch.tile();
  regression.copy_scratch = &copy_view;
}

KernlRegression::KernlRegression(const Plan& plan, const RegressionConfig& config,
                                 const KernelTable& kernels, ThreadPool& pool, std::uint64_t seed,
                                 const float* start_block)
    : plan_(plan),
      kernels_(kernels),
      pool_(pool),
      optimiser_config_(config.optimiser),
      view_(view_of(plan, config, seed)),
      tensors_(tensors_of(plan, view_)),
      parameters_(static_cast<std::size_t>(tensors_.back().end)),
      gradient_(parameters_.size()),
      optimiser_(config.optimiser, tensors_),
      part_sums_(rows_of(view_)) {
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    ranges_.push_back({static_cast<int>(i), tensors_[i].begin, tensors_[i].end});
  if (const CudaFunctions* cuda = cuda_of(kernels)) {
    device_ = std::make_unique<DeviceRegression>(*cuda, plan, view_, optimiser_);
  } else {
    filters_ = carve([&](const auto& take) { place_regression_filters(view_, take); });
    for (int thread = 0; thread < pool.n_threads(); ++thread)
      workers_.push_back(std::make_unique<Worker>(plan, view_));
  }
  start(config, kernels, seed, start_block);
  refresh();
}

KernlRegression::~KernlRegression() = default;

void KernlRegression::start(const RegressionConfig& config, const KernelTable& kernels,
                            std::uint64_t seed, const float* block) {
  const PopulationView& population = plan_.population(view_.population);
  const ProjectionView& recurrent = population.projections[view_.recurrent];
  const std::int64_t n = view_.n, n_tensor = tensors_[0].end;
  const auto stream = static_cast<std::uint32_t>(view_.population);
  if (config.start != RegressionStart::kAnalytic) {
    float* g = parameters_.data() + n_tensor;
    const auto low = static_cast<float>(config.gamma_low);
    const auto span = static_cast<float>(config.gamma_high - config.gamma_low);
    kernels.draw_uniforms(g, 0, view_.n_filters * n,
                          {seed, kFilterDraw, 0, Stream::kFeedback, stream});
    for (std::int64_t i = 0; i < view_.n_filters * n; ++i) g[i] = low + span * g[i];
    if (config.start == RegressionStart::kZeros) return;
    const RandomKey key{seed, kTensorDraw, 0, Stream::kFeedback, stream};
    if (config.start == RegressionStart::kUniform) {
      kernels.draw_uniforms(parameters_.data(), 0, n_tensor, key);
      // as wide as its standard deviation asks for: +-sqrt(3) of it
      const auto least = static_cast<float>(-config.start_std * kSqrt3);
      for (std::int64_t i = 0; i < n_tensor; ++i) {
        float& entry = parameters_[static_cast<std::size_t>(i)];
        entry = least - 2.0f * least * entry;
      }
      return;
    }
    kernels.draw_normals(parameters_.data(), 0, n_tensor, key);
    const auto std = static_cast<float>(config.start_std);
    for (std::int64_t i = 0; i < n_tensor; ++i) parameters_[static_cast<std::size_t>(i)] *= std;
    return;
  }
  // M[source, target] = (1-alpha)*R_m of the target times the recurrent weight, g = dt/tau; the
  // slow filter takes a spike's effect on the threshold
  const auto rate = [](float decay) {
    return static_cast<float>(-own_log(std::max(static_cast<double>(decay), 0x1p-80)));
  };
  for (std::int64_t source = 0; source < n; ++source)
    for (std::int64_t target = 0; target < n; ++target)
      parameters_[static_cast<std::size_t>(source * n + target)] =
          population.alif.input_gain[target] *
          block[recurrent.weight + source * recurrent.weight_stride + target];
  for (std::int64_t i = 0; i < n; ++i) {
    parameters_[static_cast<std::size_t>(n_tensor + i)] = rate(population.beta[i]);
    if (view_.n_filters == 1) continue;
    parameters_[static_cast<std::size_t>(n * n + i * n + i)] =
        -(population.alif.adaptation[i] * population.alif.b_gain[i]);
    parameters_[static_cast<std::size_t>(n_tensor + n + i)] = rate(population.alif.rho[i]);
  }
}

void KernlRegression::set_parameters(std::span<const float> parameters) {
  assert(parameters.size() == parameters_.size());
  read_device();
  std::copy(parameters.begin(), parameters.end(), parameters_.begin());
  refresh();
}

void KernlRegression::read_device() const {
  if (is_host_stale_) device_->parameters().read(parameters_);
  is_host_stale_ = false;
}

const std::vector<float>& KernlRegression::parameters() const {
  read_device();
  return parameters_;
}

const std::vector<float>& KernlRegression::gradient() const {
  if (device_) device_->parameters().read_gradient(gradient_);
  return gradient_;
}

const OptimiserState& KernlRegression::optimiser_state() const {
  read_device();
  return optimiser_.state();
}

const RegressionRows& KernlRegression::rows() const {
  if (device_) device_->read_rows(rows_);
  return rows_;
}

void KernlRegression::visit_state(StateVisitor& visitor) {
  read_device();
  visitor.array("regression.parameters", parameters_);
  visit_optimiser(visitor, "regression.", optimiser_);
  if (visitor.is_restoring()) refresh();
}

// parameters -> what the kernels read
void KernlRegression::refresh() {
  if (device_) {
    device_->write(parameters_);
    return;
  }
  const std::int64_t n = view_.n, n_padded = view_.n_padded;
  for (int f = 0; f < view_.n_filters; ++f) {
    const RegressionFilterView& filter = view_.filters[f];
    const float* M = parameters_.data() + f * n * n;
    const float* g = parameters_.data() + tensors_[1].begin + f * n;
    for (std::int64_t i = 0; i < n; ++i)
      filter.decay[i] = static_cast<float>(own_exp(-static_cast<double>(g[i])));
    constexpr std::int64_t kPart = 16;
    pool_.for_each((n + kPart - 1) / kPart, [&](std::int64_t item, int) {
      const std::int64_t begin = item * kPart, end = std::min(n, begin + kPart);
      for (std::int64_t source = begin; source < end; ++source)
        std::copy_n(M + source * n, n, filter.sensitivity + source * n_padded);
      for (std::int64_t target = 0; target < n; ++target)
        for (std::int64_t source = begin; source < end; ++source)
          filter.transposed[target * n_padded + source] = M[source * n + target];
    });
  }
}

void KernlRegression::use_ranks(Ranks& ranks) {
  ranks_ = &ranks;
  room_ = 0;  // a device's sums may have to come here
  part_sums_.use_ranks(ranks);
}

void KernlRegression::make_room(int n_samples) {
  losses_.assign(static_cast<std::size_t>(n_samples), 0.0);
  if (n_samples <= room_) return;
  room_ = n_samples;
  row_memory_ =
      carve([&](const auto& take) { place_regression_rows(view_, n_samples, rows_, take); });
  // a device alone keeps its own
  if (device_ && ranks_->is_one()) return;
  const std::size_t n_parts = (static_cast<std::size_t>(n_samples) + kSumBlock - 1) / kSumBlock;
  sums_ = AlignedMemory(n_parts * static_cast<std::size_t>(sum_stride(view_)) * sizeof(float));
}

// samples of one part or a whole one, with the thread's memory and the part's sums
RegressionArgs KernlRegression::part_args(const RegressionArgs& batch, std::int64_t begin,
                                          std::int64_t end, int thread) const {
  RegressionArgs args = batch;
  take_part(args, static_cast<int>(begin), static_cast<int>(end));
  args.scratch = &workers_[static_cast<std::size_t>(thread)]->regression;
  const std::int64_t part = begin / static_cast<std::int64_t>(kSumBlock);
  point_sums(view_, reinterpret_cast<float*>(sums_.data()) + part * sum_stride(view_), args.sums);
  return args;
}

void KernlRegression::run_samples(const RegressionArgs& batch, std::int64_t begin, std::int64_t end,
                                  int thread) {
  Worker& worker = *workers_[static_cast<std::size_t>(thread)];
  NotFinite not_finite{-1, 0, 0, 0};
  RegressionArgs args = part_args(batch, begin, end, thread);
  args.trial.tiles = worker.scratch.tile();
  args.trial.scratch = &worker.scratch_view;
  args.trial.not_finite = &not_finite;
  kernels_.run_regression(args);
  if (not_finite.population >= 0) throw_not_finite(not_finite, batch.update);
}

void KernlRegression::throw_not_finite(const NotFinite& at, std::int64_t update) const {
  throw_state_not_finite(plan_, at.population,
                         "sample " + std::to_string(at.tile) + " of the regression of update " +
                             std::to_string(update) + ", at or before step " +
                             std::to_string(at.step));
}

void KernlRegression::score_part(const RegressionArgs& batch, std::int64_t part, int thread) {
  constexpr auto kBlock = static_cast<std::int64_t>(kSumBlock);
  const std::int64_t begin = part * kBlock,
                     end = std::min<std::int64_t>(begin + kBlock, batch.trial.n_tiles);
  const RegressionArgs args = part_args(batch, begin, end, thread);
  kernels_.score_regression(
      {&view_, args.scratch, &args.rows, args.trial.n_tiles, &args.sums, args.losses, 1});
}

// on the CPU
void KernlRegression::run_parts(const RegressionArgs& batch, std::int64_t first,
                                std::int64_t last) {
  constexpr auto kBlock = static_cast<std::int64_t>(kSumBlock);
  const std::int64_t n_samples = batch.trial.n_tiles, n_sums = sum_stride(view_);
  const auto clear = [&](std::int64_t part) {
    std::fill_n(reinterpret_cast<float*>(sums_.data()) + part * n_sums, n_sums, 0.0f);
  };
  if (view_.is_every_step) {
    pool_.for_each(last - first, [&](std::int64_t i, int thread) {
      const std::int64_t part = first + i;
      clear(part);
      run_samples(batch, part * kBlock, std::min(n_samples, (part + 1) * kBlock), thread);
    });
    return;
  }
  const std::int64_t first_sample = first * kBlock;
  const std::int64_t end_sample = std::min(n_samples, last * kBlock);
  pool_.for_each(end_sample - first_sample, [&](std::int64_t i, int thread) {
    run_samples(batch, first_sample + i, first_sample + i + 1, thread);
  });
  pool_.for_each(last - first, [&](std::int64_t i, int thread) {
    clear(first + i);
    score_part(batch, first + i, thread);
  });
}

double KernlRegression::find_gradient(const EncodedInputs& inputs, const float* block,
                                      std::int64_t update, const float* given_noise) {
  const int n_samples = inputs.n_samples();
  const auto n_parts =
      static_cast<std::int64_t>((static_cast<std::size_t>(n_samples) + kSumBlock - 1) / kSumBlock);
  make_room(n_samples);
  const auto cut = cut_over_ranks(n_parts, 1, ranks_->n_ranks());
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  const std::int64_t first = cut[mine], last = cut[mine + 1];
  float* sums = reinterpret_cast<float*>(sums_.data());
  RegressionArgs batch{};
  batch.trial.plan = &plan_.view();
  batch.trial.parameters = block;
  batch.trial.inputs = inputs.tiles().data();
  batch.trial.n_tiles = n_samples;
  batch.trial.t_end = plan_.view().n_steps;
  batch.rule = &view_;
  batch.update = static_cast<std::uint32_t>(update);
  batch.given_noise = given_noise;
  batch.rows = rows_;
  batch.losses = losses_.data();
  const double n_terms =
      static_cast<double>(n_samples) * view_.n * (view_.is_every_step ? plan_.view().n_steps : 1);
  // with several ranks their parts' rows go over the host
  const bool are_sums_on_device = device_ && ranks_->is_one();
  do_together(*ranks_, [&] {
    if (!device_) {
      run_parts(batch, first, last);
      return;
    }
    device_->run(batch, static_cast<int>(first), static_cast<int>(last));
    if (are_sums_on_device) device_->find_gradient(static_cast<int>(n_parts), n_terms);
    if (const auto at = device_->read_losses(losses_, are_sums_on_device ? nullptr : sums))
      throw_not_finite(*at, update);
  });
  if (!are_sums_on_device) {
    const std::int64_t stride = sum_stride(view_);
    // rounded once
    part_sums_.sum(
        pool_, sums + first * stride, stride, cut, [](std::int64_t) { return 0.0; },
        [&](std::int64_t at, double sum) {
          gradient_[static_cast<std::size_t>(at)] = static_cast<float>(-2.0 * sum / n_terms);
        });
    part_sums_.share(gradient_);
    if (device_) device_->parameters().write_gradient(gradient_);
  }
  ranks_->gather(std::span(losses_), sample_cut(cut, 0, n_samples));
  const double loss = tree_sum_blocks_of_8(losses_) / n_terms;
  if (!std::isfinite(loss))
    throw SharedError("the regression's loss of update " + std::to_string(update) +
                      " is not finite");
  return loss;
}

void KernlRegression::step(std::int64_t update) {
  const double lr = learning_rate_at(optimiser_config_, update);
  if (device_) {
    device_->update(optimiser_.next_steps(lr, ranges_));
    optimiser_.count_update(ranges_);
    is_host_stale_ = true;
    return;
  }
  optimiser_.update(parameters_, gradient_, lr, ranges_);
  refresh();
}

void KernlRegression::set_filters(KernlRule& rule, int learned) const {
  read_device();
  const std::int64_t n = view_.n;
  for (int f = 0; f < view_.n_filters; ++f) {
    const auto M = parameters_.begin() + f * n * n;
    const auto g = parameters_.begin() + tensors_[1].begin + f * n;
    rule.set_filter(learned, std::vector<double>(g, g + n), std::vector<double>(M, M + n * n), f);
  }
}

std::size_t KernlRegression::n_bytes() const {
  std::size_t n = filters_.size() + row_memory_.size() + sums_.size();
  if (device_) n += device_->n_bytes();
  for (const auto& worker : workers_)
    n += worker->memory.size() + worker->scratch.n_bytes() + worker->copy_scratch.n_bytes();
  return n;
}

}  // namespace spikelane
