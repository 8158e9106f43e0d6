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

// The parts' sums ascending, in double, rounded once. With several ranks each gets of all parts
// those rows that it sums, and then all get all sums.
void KernlEvaluator::sum_gradient(std::span<const std::int64_t> part_cut, bool is_first,
                                  bool is_last, int n_samples, std::vector<float>& gradient) {
  gradient.resize(static_cast<std::size_t>(plan_.n_parameters()));
  if (!is_first || !is_last) sums_.resize(gradient.size());
  struct Row {
    std::int64_t block, logical;
    int n;
  };
  std::vector<Row> rows;
  std::vector<std::int64_t> ends;
  for (const TensorPlan& tensor : plan_.tensors())
    for (int row = 0; row < tensor.n_rows; ++row) {
      rows.push_back({tensor.block_begin + std::int64_t{row} * tensor.block_stride,
                      tensor.logical.begin + std::int64_t{row} * tensor.n_columns,
                      tensor.n_columns});
      ends.push_back(rows.back().logical + tensor.n_columns);
    }
  const int n_ranks = ranks_->n_ranks();
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  const auto row_cut = cut_parts(ends, 0, n_ranks);
  const std::int64_t n_parts = part_cut.back();
  const auto logical_at = [&](std::int64_t row) {
    return row == 0 ? 0 : ends[static_cast<std::size_t>(row) - 1];
  };
  std::vector<std::int64_t> begin;  // of each rank's entries of the gradient
  for (const std::int64_t row : row_cut) begin.push_back(logical_at(row));

  // where the sums read: part b's row begins at parts + b * stride + Row::block - first
  const auto* parts = reinterpret_cast<const float*>(gradients_.data());
  std::int64_t stride = stride_, first = 0;
  if (n_ranks > 1) {
    const std::int64_t n_mine = part_cut[mine + 1] - part_cut[mine];
    std::vector<std::int64_t> send_begin{0}, receive_begin{0};
    sent_.clear();
    for (std::size_t r = 0; r < static_cast<std::size_t>(n_ranks); ++r) {
      for (std::int64_t b = 0; b < n_mine; ++b)
        for (std::int64_t i = row_cut[r]; i < row_cut[r + 1]; ++i) {
          const Row& row = rows[static_cast<std::size_t>(i)];
          const float* from = parts + b * stride_ + row.block;
          sent_.insert(sent_.end(), from, from + row.n);
        }
      send_begin.push_back(send_begin.back() + n_mine * (begin[r + 1] - begin[r]));
      receive_begin.push_back((begin[mine + 1] - begin[mine]) * part_cut[r + 1]);
    }
    received_.resize(static_cast<std::size_t>(receive_begin.back()));
    ranks_->exchange(sent_, send_begin, received_, receive_begin);
    parts = received_.data();
    stride = begin[mine + 1] - begin[mine];
    first = begin[mine];
    for (Row& row : rows) row.block = row.logical;
  }

  constexpr std::int64_t kPart = 32;
  const std::int64_t first_row = row_cut[mine], last_row = row_cut[mine + 1];
  pool_.for_each((last_row - first_row + kPart - 1) / kPart, [&](std::int64_t item, int) {
    const std::int64_t from = first_row + item * kPart;
    for (std::int64_t r = from; r < std::min(last_row, from + kPart); ++r) {
      const Row& row = rows[static_cast<std::size_t>(r)];
      float* to = gradient.data() + row.logical;
      for (int i = 0; i < row.n; ++i) {
        const auto at = static_cast<std::size_t>(row.logical + i);
        double sum = is_first ? 0.0 : sums_[at];
        for (std::int64_t b = 0; b < n_parts; ++b)
          sum += static_cast<double>(parts[b * stride + row.block - first + i]);
        if (is_last)
          to[i] = static_cast<float>(sum / n_samples);
        else
          sums_[at] = sum;
      }
    }
  });
  if (is_last) ranks_->gather(std::span(gradient), begin);
}

// losses, and what was right, of the samples of the parts from first_part on
void KernlEvaluator::share_scores(std::int64_t first_part, std::span<const std::int64_t> cut,
                                  KernlScores& scores) {
  std::vector<std::int64_t> begin;
  for (const std::int64_t part : cut)
    begin.push_back(std::min((first_part + part) * static_cast<std::int64_t>(kSumBlock),
                             static_cast<std::int64_t>(scores.losses.size())));
  ranks_->gather(std::span(scores.losses), begin);
  ranks_->gather(
      std::span(reinterpret_cast<char*>(scores.is_correct.data()), scores.is_correct.size()),
      begin);
}

void KernlEvaluator::use_ranks(Ranks& ranks) {
  ranks_ = &ranks;
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
    sum_gradient(cut, first == 0, first + n == n_parts, inputs.n_samples(), scores.gradient);
    if (!ranks_->is_one()) share_scores(first, cut, scores);
  }
  scores.n_spikes.assign(n_neurons, 0);
  // those of other ranks' parts are 0 here
  for (std::size_t i = 0; i < n_spikes_.size(); ++i) scores.n_spikes[i % n_neurons] += n_spikes_[i];
  sum_over_ranks(*ranks_, scores.n_spikes);
}

}  // namespace spikelane
