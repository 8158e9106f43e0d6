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
      part_sums_(parameter_rows(plan)),
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

// losses, and what was right, of the samples of the parts from first_part on
void KernlEvaluator::share_scores(std::int64_t first_part, std::span<const std::int64_t> cut,
                                  KernlScores& scores) {
  const auto begin = sample_cut(cut, first_part, static_cast<std::int64_t>(scores.losses.size()));
  ranks_->gather(std::span(scores.losses), begin);
  ranks_->gather(
      std::span(reinterpret_cast<char*>(scores.is_correct.data()), scores.is_correct.size()),
      begin);
}

void KernlEvaluator::use_ranks(Ranks& ranks) {
  ranks_ = &ranks;
  part_sums_.use_ranks(ranks);
  std::vector<std::int64_t> n_at_once(static_cast<std::size_t>(ranks.n_ranks())), begin;
  for (int r = 0; r <= ranks.n_ranks(); ++r) begin.push_back(r);
  n_at_once[static_cast<std::size_t>(ranks.rank())] = n_parts_at_once_;
  ranks.gather(std::span(n_at_once), begin);
  n_parts_at_once_ = *std::min_element(n_at_once.begin(), n_at_once.end());
}

void KernlEvaluator::run(const EncodedInputs& inputs, const float* block, std::int64_t update,
                         KernlScores& scores, const float* given_error) {
  const auto n_samples = static_cast<std::size_t>(inputs.n_samples());
  const auto n_parts = static_cast<std::int64_t>((n_samples + kSumBlock - 1) / kSumBlock);
  const auto n_neurons = static_cast<std::size_t>(rule_.n_neurons());
  const std::int64_t n_at_once = std::min(n_parts, n_parts_at_once_);
  const auto n_bytes = static_cast<std::size_t>(n_at_once * stride_) * sizeof(float);
  if (gradients_.size() < n_bytes) gradients_ = AlignedMemory(n_bytes);
  n_spikes_.assign(static_cast<std::size_t>(n_parts) * n_neurons, 0);
  scores.losses.assign(n_samples, 0.0);
  scores.is_correct.assign(n_samples, 0);
  scores.gradient.resize(static_cast<std::size_t>(plan_.n_parameters()));
  // with several ranks as many parts at a time as fit all of them
  const std::int64_t n_chunk = std::min(n_parts, n_at_once * ranks_->n_ranks());
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  for (std::int64_t first = 0; first < n_parts; first += n_chunk) {
    const std::int64_t n = std::min(n_chunk, n_parts - first);
    const auto cut = cut_over_ranks(n, 1, ranks_->n_ranks());
    do_together(*ranks_, [&] {
      pool_.for_each(cut[mine + 1] - cut[mine], [&](std::int64_t slot, int thread) {
        run_part(first + cut[mine] + slot, slot, thread, inputs, block, update, scores,
                 given_error);
      });
    });
    // rounded once
    const bool is_first = first == 0, is_last = first + n == n_parts;
    if (!is_first || !is_last) sums_.resize(scores.gradient.size());
    part_sums_.sum(
        pool_, reinterpret_cast<const float*>(gradients_.data()), stride_, cut,
        [&](std::int64_t at) { return is_first ? 0.0 : sums_[static_cast<std::size_t>(at)]; },
        [&](std::int64_t at, double sum) {
          const auto i = static_cast<std::size_t>(at);
          if (is_last)
            scores.gradient[i] = static_cast<float>(sum / inputs.n_samples());
          else
            sums_[i] = sum;
        });
    if (is_last) part_sums_.share(scores.gradient);
    if (!ranks_->is_one()) share_scores(first, cut, scores);
  }
  scores.n_spikes.assign(n_neurons, 0);
  // those of other ranks' parts are 0 here
  for (std::size_t i = 0; i < n_spikes_.size(); ++i) scores.n_spikes[i % n_neurons] += n_spikes_[i];
  sum_over_ranks(*ranks_, scores.n_spikes);
}

}  // namespace spikelane
