#include "engine/run/kernl_evaluator.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/config/user_error.h"
#include "engine/device/device_kernl.h"
#include "engine/learning/sums.h"
#include "engine/run/not_finite.h"
#include "kernels/cuda/cuda_library.h"
#include "kernels/step/kernl_parts.h"

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
      config_(config),
      kernels_(kernels),
      pool_(pool),
      part_sums_(parameter_rows(plan)),
      takes_error_(takes_error),
      cuda_(cuda_of(kernels)),
      stride_(plan.block_stride()) {
  const int n_threads = cuda_ ? 1 : pool.n_threads();
  double n_left = n_bytes_for_gradients(plan, rule, config, n_threads, takes_error);
  double n_of_part = static_cast<double>(stride_) * sizeof(float);
  if (cuda_) {
    // each part that runs has a history of its own
    const auto n_of_trial =
        static_cast<double>(KernlMemory::n_bytes_of_trial(plan, rule, config, takes_error));
    n_left += n_of_trial;
    n_of_part += n_of_trial;
  }
  n_parts_at_once_ = static_cast<std::int64_t>(std::min(n_left / n_of_part, 1e9));
  if (cuda_) return;
  for (int thread = 0; thread < pool.n_threads(); ++thread)
    memories_.emplace_back(plan, rule, config, takes_error);
}

KernlEvaluator::~KernlEvaluator() = default;

std::size_t KernlEvaluator::n_bytes() const {
  std::size_t n = gradients_.size();
  for (const KernlMemory& memory : memories_) n += memory.n_bytes();
  return n;
}

void KernlEvaluator::throw_not_finite(const NotFinite& at, std::int64_t update) const {
  throw_state_not_finite(plan_, at.population,
                         "sample " + std::to_string(at.tile) + " of the batch of update " +
                             std::to_string(update) + ", at or before step " +
                             std::to_string(at.step));
}

void KernlEvaluator::run_part(std::int64_t part, std::int64_t slot, int thread,
                              const KernlTrialArgs& batch, std::int64_t update) {
  const KernlMemory& memory = memories_[static_cast<std::size_t>(thread)];
  const int begin = static_cast<int>(part) * static_cast<int>(kSumBlock);
  const int end = std::min(begin + static_cast<int>(kSumBlock), batch.trial.n_tiles);
  NotFinite not_finite{-1, 0, 0, 0};
  KernlTrialArgs args = part_of(batch, begin, end);
  args.trial.tiles = memory.tile();
  args.trial.scratch = &memory.scratch();
  args.trial.not_finite = &not_finite;
  args.kernl = &memory.kernl();
  args.gradient = reinterpret_cast<float*>(gradients_.data()) + slot * stride_;
  std::fill_n(args.gradient, stride_, 0.0f);
  args.n_spikes = n_spikes_.data() + part * static_cast<std::int64_t>(rule_.n_neurons());
  std::fill_n(args.n_spikes, rule_.n_neurons(), 0);
  kernels_.run_kernl_trials(args);
  if (not_finite.population >= 0) throw_not_finite(not_finite, update);
}

void KernlEvaluator::set_device_batch(const KernlTrialArgs& batch, std::int64_t n_parts) {
  if (!device_ || n_device_samples_ != batch.trial.n_tiles) {
    device_.reset();
    device_ = std::make_unique<DeviceKernlTrials>(
        *cuda_, plan_, rule_, config_, batch.trial.n_tiles,
        static_cast<int>(std::min(n_parts, n_parts_at_once_)), takes_error_);
    n_device_samples_ = batch.trial.n_tiles;
  }
  device_->set_batch(batch);
}

// waits for results once a batch, with several ranks once a launch
void KernlEvaluator::run_on_device(std::int64_t first_part, std::int64_t n_parts, bool is_first,
                                   bool is_last, std::int64_t update, KernlScores& scores) {
  device_->run(static_cast<int>(first_part), static_cast<int>(n_parts));
  const KernlResults results{scores.losses.data(), scores.is_correct.data(), n_spikes_.data()};
  std::optional<NotFinite> at;
  if (!ranks_->is_one()) {
    at = device_->read_gradients(results, reinterpret_cast<float*>(gradients_.data()));
  } else {
    device_->add_to_sums(is_first);
    if (!is_last) return;
    sums_.resize(static_cast<std::size_t>(stride_));
    at = device_->read_sums(static_cast<int>(first_part + n_parts), results, sums_.data());
  }
  if (at) throw_not_finite(*at, update);
}

template <class Write>
void KernlEvaluator::take_device_sums(const Write& write) {
  for (const PartRow& row : parameter_rows(plan_))
    for (int i = 0; i < row.n; ++i)
      write(row.in_sum + i, sums_[static_cast<std::size_t>(row.in_part + i)]);
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
  // with several ranks their parts' rows go over the host
  const bool are_sums_on_device = cuda_ && ranks_->is_one();
  if (!are_sums_on_device && gradients_.size() < n_bytes) gradients_ = AlignedMemory(n_bytes);
  n_spikes_.assign(static_cast<std::size_t>(n_parts) * n_neurons, 0);
  scores.losses.assign(n_samples, 0.0);
  scores.is_correct.assign(n_samples, 0);
  scores.gradient.resize(static_cast<std::size_t>(plan_.n_parameters()));
  KernlTrialArgs batch{};
  batch.trial.plan = &plan_.view();
  batch.trial.parameters = block;
  batch.trial.inputs = inputs.tiles().data();
  batch.trial.n_tiles = inputs.n_samples();
  batch.trial.t_end = plan_.view().n_steps;
  batch.trial.resets = batch.trial.scores = 1;
  batch.trial.labels = given_error ? nullptr : inputs.labels().data();
  batch.trial.losses = scores.losses.data();
  batch.trial.is_correct = scores.is_correct.data();
  batch.rule = &rule_.view();
  batch.given_error = given_error;
  if (cuda_) set_device_batch(batch, n_parts);
  // with several ranks as many parts at a time as fit all of them
  const std::int64_t n_chunk = std::min(n_parts, n_at_once * ranks_->n_ranks());
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  for (std::int64_t first = 0; first < n_parts; first += n_chunk) {
    const std::int64_t n = std::min(n_chunk, n_parts - first);
    const auto cut = cut_over_ranks(n, 1, ranks_->n_ranks());
    const std::int64_t first_mine = first + cut[mine], n_mine = cut[mine + 1] - cut[mine];
    const bool is_first = first == 0, is_last = first + n == n_parts;
    do_together(*ranks_, [&] {
      if (cuda_)
        run_on_device(first_mine, n_mine, is_first, is_last, update, scores);
      else
        pool_.for_each(n_mine, [&](std::int64_t slot, int thread) {
          run_part(first_mine + slot, slot, thread, batch, update);
        });
    });
    // rounded once
    const auto finish = [&](std::int64_t at, double sum) {
      scores.gradient[static_cast<std::size_t>(at)] = static_cast<float>(sum / inputs.n_samples());
    };
    if (are_sums_on_device) {
      if (is_last) take_device_sums(finish);
      continue;
    }
    if (!is_first || !is_last) sums_.resize(scores.gradient.size());
    part_sums_.sum(
        pool_, reinterpret_cast<const float*>(gradients_.data()), stride_, cut,
        [&](std::int64_t at) { return is_first ? 0.0 : sums_[static_cast<std::size_t>(at)]; },
        [&](std::int64_t at, double sum) {
          if (is_last)
            finish(at, sum);
          else
            sums_[static_cast<std::size_t>(at)] = sum;
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
