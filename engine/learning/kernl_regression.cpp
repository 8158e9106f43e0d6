#include "engine/learning/kernl_regression.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <memory>

#include "engine/config/user_error.h"
#include "engine/learning/sums.h"
#include "kernels/core/double_math.h"

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
  const std::int64_t n_padded = rule.n_padded, n_rows = kNoiseSteps * n_padded;
  memory = carve([&](const auto& take) {
    for (float** rows :
         {&regression.psi, &regression.drive, &regression.current, &regression.v, &regression.b,
          &regression.v_copy, &regression.threshold_copy, &regression.target, &regression.predicted,
          &regression.error, &regression.back})
      take(*rows, n_rows);
    for (int f = 0; f < rule.n_filters; ++f) {
      take(regression.theta[f], n_rows);
      take(regression.Gamma[f], n_rows);
    }
    take(regression.copy_state, 3 * n_padded);
    take(regression.words, n_rows);
  });
  tap = {rule.population, nullptr, nullptr};
  copy_tap = {rule.population, nullptr, nullptr};
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
  const std::int64_t n_padded = view_.n_padded, n_matrix = view_.n * n_padded;
  filters_ = carve([&](const auto& take) {
    for (int f = 0; f < view_.n_filters; ++f) {
      take(view_.filters[f].decay, n_padded);
      take(view_.filters[f].sensitivity, n_matrix);
      take(view_.filters[f].transposed, n_matrix);
    }
  });
  for (int thread = 0; thread < pool.n_threads(); ++thread)
    workers_.push_back(std::make_unique<Worker>(plan, view_));
  start(config, kernels, seed, start_block);
  refresh();
}

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
  std::copy(parameters.begin(), parameters.end(), parameters_.begin());
  refresh();
}

void KernlRegression::visit_state(StateVisitor& visitor) {
  visitor.array("regression.parameters", parameters_);
  visit_optimiser(visitor, "regression.", optimiser_);
  if (visitor.is_restoring()) refresh();
}

// parameters -> what the kernels read
void KernlRegression::refresh() {
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
  part_sums_.use_ranks(ranks);
}

std::int64_t KernlRegression::sum_stride() const {
  return std::int64_t{view_.n_filters} * (view_.n + 1) * view_.n_padded;
}

void KernlRegression::make_room(int n_samples) {
  losses_.assign(static_cast<std::size_t>(n_samples), 0.0);
  if (n_samples <= room_) return;
  room_ = n_samples;
  const std::int64_t n_rows = std::int64_t{n_samples} * view_.n_padded;
  row_memory_ = carve([&](const auto& take) {
    take(rows_.target, n_rows);
    for (int f = 0; f < view_.n_filters; ++f) {
      take(rows_.theta[f], n_rows);
      take(rows_.Gamma[f], n_rows);
    }
  });
  const std::size_t n_parts = (static_cast<std::size_t>(n_samples) + kSumBlock - 1) / kSumBlock;
  sums_ = AlignedMemory(n_parts * static_cast<std::size_t>(sum_stride()) * sizeof(float));
}

RegressionSums KernlRegression::sums_of(std::int64_t part) const {
  RegressionSums sums{};
  auto* at = reinterpret_cast<float*>(sums_.data()) + part * sum_stride();
  for (int f = 0; f < view_.n_filters; ++f) {
    sums.sensitivity[f] = at;
    sums.filter[f] = at + std::int64_t{view_.n} * view_.n_padded;
    at += std::int64_t{view_.n + 1} * view_.n_padded;
  }
  return sums;
}

void KernlRegression::run_samples(std::int64_t begin, std::int64_t end, int thread,
                                  const EncodedInputs& inputs, const float* block,
                                  std::int64_t update, const float* given_noise) {
  Worker& worker = *workers_[static_cast<std::size_t>(thread)];
  NotFinite not_finite{-1, 0, 0, 0};
  RegressionArgs args{};
  args.trial.plan = &plan_.view();
  args.trial.parameters = block;
  args.trial.inputs = inputs.tiles().data() + begin;
  args.trial.n_tiles = static_cast<int>(end - begin);
  args.trial.t_end = plan_.view().n_steps;
  args.trial.first_tile = static_cast<int>(begin);
  args.trial.tiles = worker.scratch.tile();
  args.trial.scratch = &worker.scratch_view;
  args.trial.not_finite = &not_finite;
  args.rule = &view_;
  args.scratch = &worker.regression;
  args.update = static_cast<std::uint32_t>(update);
  if (given_noise) args.given_noise = given_noise + begin * plan_.view().n_steps * view_.n_padded;
  const std::int64_t row = begin * view_.n_padded;
  args.target = rows_.target + row;
  for (int f = 0; f < view_.n_filters; ++f) {
    args.theta[f] = rows_.theta[f] + row;
    args.Gamma[f] = rows_.Gamma[f] + row;
  }
  args.sums = sums_of(begin / static_cast<std::int64_t>(kSumBlock));
  args.losses = losses_.data() + begin;
  kernels_.run_regression(args);
  if (not_finite.population < 0) return;
  throw RunError("state is not finite: population \"" +
                 plan_.network().populations[static_cast<std::size_t>(not_finite.population)].name +
                 "\", sample " + std::to_string(not_finite.tile) + " of the regression of update " +
                 std::to_string(update) + ", at or before step " + std::to_string(not_finite.step));
}

void KernlRegression::score_part(std::int64_t part, int thread, int n_samples) {
  const auto begin = part * static_cast<std::int64_t>(kSumBlock);
  const std::int64_t row = begin * view_.n_padded;
  RegressionScoreArgs args{};
  args.rule = &view_;
  args.scratch = &workers_[static_cast<std::size_t>(thread)]->regression;
  args.rows.n_rows =
      static_cast<int>(std::min<std::int64_t>(kSumBlock, std::int64_t{n_samples} - begin));
  args.rows.target = rows_.target + row;
  for (int f = 0; f < view_.n_filters; ++f) {
    args.rows.theta[f] = rows_.theta[f] + row;
    args.rows.Gamma[f] = rows_.Gamma[f] + row;
  }
  args.sums = sums_of(part);
  args.losses = losses_.data() + begin;
  args.loss_stride = 1;
  kernels_.score_regression(args);
}

double KernlRegression::find_gradient(const EncodedInputs& inputs, const float* block,
                                      std::int64_t update, const float* given_noise) {
  const int n_samples = inputs.n_samples();
  const auto n_parts =
      static_cast<std::int64_t>((static_cast<std::size_t>(n_samples) + kSumBlock - 1) / kSumBlock);
  constexpr auto kBlock = static_cast<std::int64_t>(kSumBlock);
  make_room(n_samples);
  const auto cut = cut_over_ranks(n_parts, 1, ranks_->n_ranks());
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  const auto samples = sample_cut(cut, 0, n_samples);
  const auto clear = [&](std::int64_t part) {
    std::fill_n(reinterpret_cast<float*>(sums_.data()) + part * sum_stride(), sum_stride(), 0.0f);
  };
  const auto run_parts = [&] {
    pool_.for_each(cut[mine + 1] - cut[mine], [&](std::int64_t i, int thread) {
      const std::int64_t part = cut[mine] + i;
      clear(part);
      run_samples(part * kBlock, std::min<std::int64_t>(n_samples, (part + 1) * kBlock), thread,
                  inputs, block, update, given_noise);
    });
  };
  const auto run_and_score = [&] {
    pool_.for_each(samples[mine + 1] - samples[mine], [&](std::int64_t i, int thread) {
      const std::int64_t sample = samples[mine] + i;
      run_samples(sample, sample + 1, thread, inputs, block, update, given_noise);
    });
    pool_.for_each(cut[mine + 1] - cut[mine], [&](std::int64_t i, int thread) {
      clear(cut[mine] + i);
      score_part(cut[mine] + i, thread, n_samples);
    });
  };
  if (view_.is_every_step)
    do_together(*ranks_, run_parts);
  else
    do_together(*ranks_, run_and_score);
  const double n_terms =
      static_cast<double>(n_samples) * view_.n * (view_.is_every_step ? plan_.view().n_steps : 1);
  // rounded once
  part_sums_.sum(
      pool_, reinterpret_cast<const float*>(sums_.data()) + cut[mine] * sum_stride(), sum_stride(),
      cut, [](std::int64_t) { return 0.0; },
      [&](std::int64_t at, double sum) {
        gradient_[static_cast<std::size_t>(at)] = static_cast<float>(-2.0 * sum / n_terms);
      });
  part_sums_.share(gradient_);
  ranks_->gather(std::span(losses_), samples);
  const double loss = tree_sum_blocks_of_8(losses_) / n_terms;
  if (!std::isfinite(loss))
    throw SharedError("the regression's loss of update " + std::to_string(update) +
                      " is not finite");
  return loss;
}

void KernlRegression::step(std::int64_t update) {
  optimiser_.update(parameters_, gradient_, learning_rate_at(optimiser_config_, update), ranges_);
  refresh();
}

void KernlRegression::set_filters(KernlRule& rule, int learned) const {
  const std::int64_t n = view_.n;
  for (int f = 0; f < view_.n_filters; ++f) {
    const auto M = parameters_.begin() + f * n * n;
    const auto g = parameters_.begin() + tensors_[1].begin + f * n;
    rule.set_filter(learned, std::vector<double>(g, g + n), std::vector<double>(M, M + n * n), f);
  }
}

std::size_t KernlRegression::n_bytes() const {
  std::size_t n = filters_.size() + row_memory_.size() + sums_.size();
  for (const auto& worker : workers_)
    n += worker->memory.size() + worker->scratch.n_bytes() + worker->copy_scratch.n_bytes();
  return n;
}

}  // namespace spikelane
