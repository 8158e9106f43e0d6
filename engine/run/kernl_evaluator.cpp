#include "engine/run/kernl_evaluator.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/config/user_error.h"
#include "engine/learning/sums.h"

namespace spikelane {

double n_bytes_for_gradients(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
                             int n_threads, bool takes_error) {
  constexpr double kMiB = 1024.0 * 1024.0;
  const auto n_of_trial =
      static_cast<double>(KernlMemory::n_bytes_of_trial(plan, rule, config, takes_error));
  const double n_of_part = static_cast<double>(plan.n_block_floats() + kLanes) * sizeof(float);
  const double n_left = config.max_memory_mib * kMiB - n_of_trial * n_threads;
  if (n_left >= n_of_part) return n_left;
  char needed[200], given[40];
  std::snprintf(needed, sizeof needed,
                "at least %.4g: %.4g for a trial of %d steps on each of %d threads, %.4g for a "
                "gradient; fewer threads, or mode online, need less",
                std::ceil((n_of_trial * n_threads + n_of_part) / kMiB * 10.0) / 10.0,
                n_of_trial / kMiB, plan.view().n_steps, n_threads, n_of_part / kMiB);
  std::snprintf(given, sizeof given, "%.9g", config.max_memory_mib);
  throw UserError("rule.max_memory_mib", given, needed);
}

KernlEvaluator::KernlEvaluator(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
                               const KernelTable& kernels, ThreadPool& pool, bool takes_error)
    : plan_(plan),
      rule_(rule),
      kernels_(kernels),
      pool_(pool),
      stride_((plan.n_block_floats() + kLanes - 1) / kLanes * kLanes) {
  const double n_left = n_bytes_for_gradients(plan, rule, config, pool.n_threads(), takes_error);
  const double n_of_part = static_cast<double>(stride_) * sizeof(float);
  n_parts_at_once_ = static_cast<std::int64_t>(std::min(n_left / n_of_part, 1e9));
  for (int thread = 0; thread < pool.n_threads(); ++thread)
    memories_.emplace_back(plan, rule, config, takes_error);
}

std::size_t KernlEvaluator::n_bytes() const {
  std::size_t n = gradients_.size();
  for (const KernlMemory& memory : memories_) n += memory.n_bytes();
  return n;
}

void KernlEvaluator::run_part(std::int64_t part, std::int64_t slot, int thread,
                              const EncodedInputs& inputs, const float* block, std::int64_t update,
                              KernlScores& scores, const float* given_error) {
  const KernlMemory& memory = memories_[static_cast<std::size_t>(thread)];
  const std::int64_t begin = part * static_cast<std::int64_t>(kSumBlock);
  const std::int64_t end =
      std::min<std::int64_t>(begin + static_cast<std::int64_t>(kSumBlock), inputs.n_samples());
  auto* gradient = reinterpret_cast<float*>(gradients_.data()) + slot * stride_;
  std::fill_n(gradient, stride_, 0.0f);
  std::int32_t* n_spikes = n_spikes_.data() + part * static_cast<std::int64_t>(rule_.n_neurons());
  std::fill_n(n_spikes, rule_.n_neurons(), 0);
  NotFinite not_finite{-1, 0, 0, 0};
  KernlTrialArgs args{};
  args.trial.plan = &plan_.view();
  args.trial.parameters = block;
  args.trial.inputs = inputs.tiles().data() + begin;
  args.trial.n_tiles = static_cast<int>(end - begin);
  args.trial.t_end = plan_.view().n_steps;
  args.trial.first_tile = static_cast<int>(begin);
  args.trial.resets = args.trial.scores = 1;
  args.trial.tiles = memory.tile();
  args.trial.scratch = &memory.scratch();
  args.trial.labels = given_error ? nullptr : inputs.labels().data() + begin;
  args.trial.losses = scores.losses.data() + begin;
  args.trial.is_correct = scores.is_correct.data() + begin;
  args.trial.not_finite = &not_finite;
  args.rule = &rule_.view();
  args.kernl = &memory.kernl();
  args.gradient = gradient;
  args.n_spikes = n_spikes;
  if (given_error)
    args.given_error = given_error + begin * plan_.view().n_steps * rule_.learned()[0].n_padded;
  kernels_.run_kernl_trials(args);
  if (not_finite.population < 0) return;
  throw RunError("state is not finite: population \"" +
                 plan_.network().populations[static_cast<std::size_t>(not_finite.population)].name +
                 "\", sample " + std::to_string(not_finite.tile) + " of the batch of update " +
                 std::to_string(update) + ", at or before step " + std::to_string(not_finite.step));
}

// the parts' sums ascending, in double, rounded once
void KernlEvaluator::sum_gradient(std::int64_t n_parts, bool is_first, bool is_last, int n_samples,
                                  std::vector<float>& gradient) {
  const auto* parts = reinterpret_cast<const float*>(gradients_.data());
  gradient.resize(static_cast<std::size_t>(plan_.n_parameters()));
  if (!is_first || !is_last) sums_.resize(gradient.size());
  struct Row {
    std::int64_t block, logical;
    int n;
  };
  std::vector<Row> rows;
  for (const TensorPlan& tensor : plan_.tensors())
    for (int row = 0; row < tensor.n_rows; ++row)
      rows.push_back({tensor.block_begin + std::int64_t{row} * tensor.block_stride,
                      tensor.logical.begin + std::int64_t{row} * tensor.n_columns,
                      tensor.n_columns});
  constexpr std::int64_t kPart = 32;
  const auto n_rows = static_cast<std::int64_t>(rows.size());
  pool_.for_each((n_rows + kPart - 1) / kPart, [&](std::int64_t item, int) {
    for (std::int64_t r = item * kPart; r < std::min(n_rows, (item + 1) * kPart); ++r) {
      const Row& row = rows[static_cast<std::size_t>(r)];
      float* to = gradient.data() + row.logical;
      for (int i = 0; i < row.n; ++i) {
        const auto at = static_cast<std::size_t>(row.logical + i);
        double sum = is_first ? 0.0 : sums_[at];
        for (std::int64_t b = 0; b < n_parts; ++b)
          sum += static_cast<double>(parts[b * stride_ + row.block + i]);
        if (is_last)
          to[i] = static_cast<float>(sum / n_samples);
        else
          sums_[at] = sum;
      }
    }
  });
}

void KernlEvaluator::run(const EncodedInputs& inputs, const float* block, std::int64_t update,
                         KernlScores& scores, const float* given_error) {
  const auto n_samples = static_cast<std::size_t>(inputs.n_samples());
  const auto n_parts = static_cast<std::int64_t>((n_samples + kSumBlock - 1) / kSumBlock);
  const auto n_neurons = static_cast<std::size_t>(rule_.n_neurons());
  const std::int64_t n_at_once = std::min(n_parts, n_parts_at_once_);
  const auto n_bytes = static_cast<std::size_t>(n_at_once * stride_) * sizeof(float);
  if (gradients_.size() < n_bytes) gradients_ = AlignedMemory(n_bytes);
  n_spikes_.resize(static_cast<std::size_t>(n_parts) * n_neurons);
  scores.losses.assign(n_samples, 0.0);
  scores.is_correct.assign(n_samples, 0);
  for (std::int64_t first = 0; first < n_parts; first += n_at_once) {
    const std::int64_t n = std::min(n_at_once, n_parts - first);
    pool_.for_each(n, [&](std::int64_t slot, int thread) {
      run_part(first + slot, slot, thread, inputs, block, update, scores, given_error);
    });
    sum_gradient(n, first == 0, first + n == n_parts, inputs.n_samples(), scores.gradient);
  }
  scores.n_spikes.assign(n_neurons, 0);
  for (std::size_t i = 0; i < n_spikes_.size(); ++i) scores.n_spikes[i % n_neurons] += n_spikes_[i];
}

}  // namespace spikelane
