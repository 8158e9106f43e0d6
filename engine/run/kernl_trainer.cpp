#include "engine/run/kernl_trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
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

KernlTrainer::KernlTrainer(const RunConfig& config, PlanOptions options, const KernelTable& kernels,
                           ThreadPool& pool, const Dataset& data)
    : config_(config),
      data_(data),
      plan_(compile_plan(config.network, config.loss, data.n_steps, for_learning(options, false))),
      rule_(*plan_, kernels, config.rule.kernl, config.seed),
      minibatches_(config.seed, data.n_samples, config.rule.kernl.batch),
      optimiser_(config.rule.kernl.optimiser, plan_->parameter_tensors()),
      evaluator_(*plan_, rule_, config.rule.kernl, kernels, pool),
      trained_(trained_ranges(config.rule.kernl, *plan_)),
      parameters_(draw_start(kernels, *plan_, config.seed)),
      block_(static_cast<std::size_t>(plan_->n_block_floats()) * sizeof(float)),
      rates_(static_cast<std::size_t>(rule_.n_neurons())) {}

std::int64_t KernlTrainer::sample_steps_per_update() const {
  return std::int64_t{minibatches_.size()} * data_.n_steps;
}

UpdateScores KernlTrainer::update() {
  const KernlConfig& kernl = config_.rule.kernl;
  UpdateScores scores;
  const auto start = Clock::now();
  const EncodedInputs inputs(*plan_, data_, minibatches_.at(update_),
                             minibatches_.epoch_of(update_));
  auto* block = reinterpret_cast<float*>(block_.data());
  plan_->fill_block(parameters_.data(), block);
  rule_.follow_weights(block);
  evaluator_.run(inputs, block, update_, trials_);
  scores.trial_s = seconds_since(start);

  const auto update_start = Clock::now();
  const int n_samples = inputs.n_samples();
  scores.loss = tree_sum_blocks_of_8(trials_.losses) / n_samples;
  if (!std::isfinite(scores.loss))
    throw RunError("the loss of update " + std::to_string(update_) + " is not finite");
  scores.gradient_norm = gradient_norm(trials_.gradient, trained_);
  clip_gradient(trials_.gradient, scores.gradient_norm, kernl.clip_norm);
  optimiser_.update(parameters_, trials_.gradient, learning_rate_at(kernl.optimiser, update_),
                    trained_);
  // the regulariser sees the rates of the update before: then no trial waits for another
  const double n_steps = static_cast<double>(n_samples) * plan_->view().n_steps;
  for (std::size_t i = 0; i < rates_.size(); ++i)
    rates_[i] = static_cast<double>(trials_.n_spikes[i]) / n_steps;
  if (kernl.rate_strength > 0.0) rule_.set_rates(rates_);
  scores.accuracy = static_cast<double>(std::accumulate(
                        trials_.is_correct.begin(), trials_.is_correct.end(), std::int64_t{0})) /
                    n_samples;
  StateHash hash;
  hash.add(loss_hash_);
  hash.add(std::span<const double>(trials_.losses));
  loss_hash_ = hash.value();
  ++update_;
  scores.update_s = seconds_since(update_start);
  return scores;
}

std::string KernlTrainer::state_hash() const {
  return hash_training(update_, plan_->parameter_tensors(), parameters_, optimiser_.state(),
                       rule_.rate_errors(), loss_hash_);
}

}  // namespace spikelane
