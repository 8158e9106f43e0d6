#include "engine/run/kernl_trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <numeric>

#include "engine/config/user_error.h"
#include "engine/learning/gradient.h"
#include "engine/learning/members.h"
#include "engine/learning/sums.h"
#include "engine/state/hash.h"

namespace spikelane {

using Clock = std::chrono::steady_clock;

static double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

static PlanOptions in_neuron_lanes(PlanOptions options) {
  options.layout = LayoutChoice::kNeuronLanes;
  return options;
}

KernlTrainer::KernlTrainer(const RunConfig& config, PlanOptions options, const KernelTable& kernels,
                           ThreadPool& pool, const Dataset& data)
    : config_(config),
      kernels_(kernels),
      pool_(pool),
      data_(data),
      plan_(compile_plan(config.network, config.loss, data.n_steps, in_neuron_lanes(options))),
      rule_(*plan_, kernels, config.rule.kernl, config.seed),
      minibatches_(config.seed, data.n_samples, config.rule.kernl.batch),
      optimiser_(config.rule.kernl.optimiser, plan_->parameter_tensors()),
      parameters_(draw_start(kernels, *plan_, config.seed)),
      gradient_(parameters_.size(), 0.0f) {
  const auto& tensors = plan_->parameter_tensors();
  const std::vector<std::string>& names = config.rule.kernl.trained;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (names.empty() || std::find(names.begin(), names.end(), tensors[i].name) != names.end())
      trained_.push_back({static_cast<int>(i), tensors[i].begin, tensors[i].end});
  for (int thread = 0; thread < pool.n_threads(); ++thread)
    memories_.emplace_back(*plan_, rule_, config.rule.kernl, false);
  const auto n_samples = static_cast<std::size_t>(minibatches_.size());
  const std::size_t n_blocks = (n_samples + kSumBlock - 1) / kSumBlock;
  block_stride_ = (plan_->n_block_floats() + kLanes - 1) / kLanes * kLanes;
  const auto n_block_bytes = static_cast<std::size_t>(block_stride_) * sizeof(float);
  block_ = AlignedMemory(n_block_bytes);
  block_gradients_ = AlignedMemory(n_blocks * n_block_bytes);
  const auto n_neurons = static_cast<std::size_t>(rule_.n_neurons());
  n_spikes_.resize(n_blocks * n_neurons);
  rates_.resize(n_neurons);
  losses_.resize(n_samples);
  is_correct_.resize(n_samples);
}

std::int64_t KernlTrainer::sample_steps_per_update() const {
  return std::int64_t{minibatches_.size()} * data_.n_steps;
}

std::size_t KernlTrainer::n_bytes() const {
  std::size_t n = block_.size() + block_gradients_.size();
  for (const KernlMemory& memory : memories_) n += memory.n_bytes();
  return n;
}

void KernlTrainer::run_block(std::int64_t block, int thread, const EncodedInputs& inputs) {
  const KernlMemory& memory = memories_[static_cast<std::size_t>(thread)];
  const std::int64_t begin = block * static_cast<std::int64_t>(kSumBlock);
  const std::int64_t end =
      std::min<std::int64_t>(begin + static_cast<std::int64_t>(kSumBlock), inputs.n_samples());
  auto* gradient = reinterpret_cast<float*>(block_gradients_.data()) + block * block_stride_;
  std::fill_n(gradient, block_stride_, 0.0f);
  std::int32_t* n_spikes = n_spikes_.data() + block * static_cast<std::int64_t>(rule_.n_neurons());
  std::fill_n(n_spikes, rule_.n_neurons(), 0);
  NotFinite not_finite{-1, 0, 0, 0};
  KernlTrialArgs args{};
  args.trial.plan = &plan_->view();
  args.trial.parameters = reinterpret_cast<const float*>(block_.data());
  args.trial.inputs = inputs.tiles().data() + begin;
  args.trial.n_tiles = static_cast<int>(end - begin);
  args.trial.t_end = plan_->view().n_steps;
  args.trial.first_tile = static_cast<int>(begin);
  args.trial.resets = args.trial.scores = 1;
  args.trial.tiles = memory.tile();
  args.trial.scratch = &memory.scratch();
  args.trial.labels = inputs.labels().data() + begin;
  args.trial.losses = losses_.data() + begin;
  args.trial.is_correct = is_correct_.data() + begin;
  args.trial.not_finite = &not_finite;
  args.rule = &rule_.view();
  args.kernl = &memory.kernl();
  args.gradient = gradient;
  args.n_spikes = n_spikes;
  kernels_.run_kernl_trials(args);
  if (not_finite.population < 0) return;
  throw RunError(
      "state is not finite: population \"" +
      plan_->network().populations[static_cast<std::size_t>(not_finite.population)].name +
      "\", sample " + std::to_string(not_finite.tile) + " of the batch of update " +
      std::to_string(update_) + ", at or before step " + std::to_string(not_finite.step));
}

// block sums ascending, in double, rounded once
void KernlTrainer::sum_gradient(int n_samples) {
  const auto n_blocks =
      static_cast<std::int64_t>(block_gradients_.size() / sizeof(float)) / block_stride_;
  const auto* blocks = reinterpret_cast<const float*>(block_gradients_.data());
  struct Row {
    std::int64_t block, logical;
    int n;
  };
  std::vector<Row> rows;
  for (const TensorPlan& tensor : plan_->tensors())
    for (int row = 0; row < tensor.n_rows; ++row)
      rows.push_back({tensor.block_begin + std::int64_t{row} * tensor.block_stride,
                      tensor.logical.begin + std::int64_t{row} * tensor.n_columns,
                      tensor.n_columns});
  constexpr std::int64_t kPart = 32;
  const auto n_rows = static_cast<std::int64_t>(rows.size());
  pool_.for_each((n_rows + kPart - 1) / kPart, [&](std::int64_t part, int) {
    for (std::int64_t r = part * kPart; r < std::min(n_rows, (part + 1) * kPart); ++r) {
      const Row& row = rows[static_cast<std::size_t>(r)];
      float* to = gradient_.data() + row.logical;
      for (int i = 0; i < row.n; ++i) {
        double sum = 0.0;
        for (std::int64_t b = 0; b < n_blocks; ++b)
          sum += static_cast<double>(blocks[b * block_stride_ + row.block + i]);
        to[i] = static_cast<float>(sum / n_samples);
      }
    }
  });
}

void KernlTrainer::clip_gradient(double norm) {
  const double limit = config_.rule.kernl.clip_norm;
  if (limit <= 0.0 || norm <= limit) return;
  const auto factor = static_cast<float>(limit / norm);
  for (float& g : gradient_) g = g * factor;
}

UpdateScores KernlTrainer::update() {
  const KernlConfig& kernl = config_.rule.kernl;
  UpdateScores scores;
  const auto start = Clock::now();
  const EncodedInputs inputs(*plan_, data_, minibatches_.at(update_));
  auto* block = reinterpret_cast<float*>(block_.data());
  plan_->fill_block(parameters_.data(), block);
  rule_.follow_weights(block);
  const int n_samples = inputs.n_samples();
  const std::int64_t n_blocks =
      (n_samples + static_cast<int>(kSumBlock) - 1) / static_cast<int>(kSumBlock);
  pool_.for_each(n_blocks, [&](std::int64_t item, int thread) { run_block(item, thread, inputs); });
  scores.trial_s = seconds_since(start);

  const auto update_start = Clock::now();
  scores.loss = tree_sum_blocks_of_8(losses_) / n_samples;
  if (!std::isfinite(scores.loss))
    throw RunError("the loss of update " + std::to_string(update_) + " is not finite");
  sum_gradient(n_samples);
  scores.gradient_norm = gradient_norm(gradient_, trained_);
  clip_gradient(scores.gradient_norm);
  optimiser_.update(parameters_, gradient_, learning_rate_at(kernl.optimiser, update_), trained_);
  // the regulariser sees the rates of the update before: then no trial waits for another
  const double n_steps = static_cast<double>(n_samples) * plan_->view().n_steps;
  const std::size_t n_neurons = rates_.size();
  for (std::size_t i = 0; i < n_neurons; ++i) {
    std::int64_t n = 0;
    for (std::size_t at = i; at < n_spikes_.size(); at += n_neurons) n += n_spikes_[at];
    rates_[i] = static_cast<double>(n) / n_steps;
  }
  if (kernl.rate_strength > 0.0) rule_.set_rates(rates_);
  scores.accuracy = static_cast<double>(
                        std::accumulate(is_correct_.begin(), is_correct_.end(), std::int64_t{0})) /
                    n_samples;
  StateHash hash;
  hash.add(loss_hash_);
  hash.add(std::span<const double>(losses_));
  loss_hash_ = hash.value();
  ++update_;
  scores.update_s = seconds_since(update_start);
  return scores;
}

std::string KernlTrainer::state_hash() const {
  std::vector<float> rule_state;
  for (const LearnedView& learned : rule_.learned())
    rule_state.insert(rule_state.end(), learned.rate_error, learned.rate_error + learned.n);
  return hash_training(update_, plan_->parameter_tensors(), parameters_, optimiser_.state(),
                       rule_state, loss_hash_);
}

}  // namespace spikelane
