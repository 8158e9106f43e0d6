#include "engine/run/online_trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/config/user_error.h"
#include "engine/learning/gradient.h"
#include "engine/learning/members.h"
#include "engine/learning/sums.h"
#include "engine/run/seconds.h"
#include "engine/state/hash.h"

namespace spikelane {

OnlineTrainer::OnlineTrainer(const RunConfig& config, PlanOptions options,
                             const KernelTable& kernels, ThreadPool& pool, const Dataset& data,
                             std::span<const float> start)
    : config_(config),
      data_(data),
      plan_(compile_plan(config.network, config.loss, data.n_steps, for_learning(options, true))),
      rule_(*plan_, kernels, config.rule.kernl, config.seed),
      minibatches_(config.seed, data.n_samples, config.rule.kernl.batch),
      optimiser_(config.rule.kernl.optimiser, plan_->parameter_tensors()),
      trained_(trained_ranges(config.rule.kernl, *plan_)),
      online_(*plan_, rule_, config.rule.kernl, kernels, pool, minibatches_.size()),
      parameters_(draw_start(kernels, *plan_, config.seed, start)),
      gradient_(parameters_.size()),
      average_(config.rule.kernl.average_decay, parameters_),
      block_(static_cast<std::size_t>(plan_->n_block_floats()) * sizeof(float)),
      rates_(static_cast<std::size_t>(rule_.n_neurons())) {}

std::int64_t OnlineTrainer::sample_steps_per_update() const {
  return std::int64_t{minibatches_.size()} * data_.n_steps;
}

// returns the gradient's norm
double OnlineTrainer::step_weights() {
  const KernlConfig& kernl = config_.rule.kernl;
  std::fill(gradient_.begin(), gradient_.end(), 0.0f);
  online_.take_gradient(gradient_);
  const auto share = static_cast<float>(1.0 / minibatches_.size());
  for (float& g : gradient_) g = g * share;
  const double norm = gradient_norm(gradient_, trained_);
  clip_gradient(gradient_, norm, kernl.clip_norm);
  optimiser_.update(parameters_, gradient_, learning_rate_at(kernl.optimiser, update_), trained_);
  return norm;
}

UpdateScores OnlineTrainer::update() {
  UpdateScores scores;
  const auto start = Clock::now();
  const EncodedInputs inputs(*plan_, data_, minibatches_.at(update_),
                             minibatches_.epoch_of(update_));
  auto* block = reinterpret_cast<float*>(block_.data());
  const int n_steps = plan_->view().n_steps, k = online_.k_steps();
  const int first_read = n_steps - rule_.view().window;
  online_.reset();
  for (int t = 0; t < n_steps; t += k) {
    plan_->fill_block(parameters_.data(), block);
    rule_.follow_weights(block);
    const int n = std::min(k, n_steps - t);
    online_.run(inputs, block, n);
    if (t + n > first_read) scores.gradient_norm = step_weights();
  }
  average_.add(parameters_, update_);
  online_.score(inputs, block, losses_, is_correct_);
  scores.trial_s = seconds_since(start);
  scores.loss = tree_sum_blocks_of_8(losses_) / inputs.n_samples();
  if (!std::isfinite(scores.loss))
    throw SharedError("the loss of update " + std::to_string(update_) + " is not finite");
  scores.accuracy = static_cast<double>(
                        std::accumulate(is_correct_.begin(), is_correct_.end(), std::int64_t{0})) /
                    inputs.n_samples();
  const std::vector<std::int64_t> n_spikes = online_.n_spikes();
  for (std::size_t i = 0; i < rates_.size(); ++i)
    rates_[i] =
        static_cast<double>(n_spikes[i]) / (static_cast<double>(inputs.n_samples()) * n_steps);
  if (config_.rule.kernl.rate_strength > 0.0) rule_.set_rates(rates_);
  StateHash hash;
  hash.add(loss_hash_);
  hash.add(std::span<const double>(losses_));
  loss_hash_ = hash.value();
  ++update_;
  return scores;
}

void OnlineTrainer::visit_state(StateVisitor& visitor) {
  visitor.count("update", update_, kMaxUpdates);
  visitor.bits("loss_hash", loss_hash_);
  visitor.array("parameters", parameters_);
  visit_optimiser(visitor, "", optimiser_);
  average_.visit_state(visitor);
  visitor.array("rates", rates_);
  if (visitor.is_restoring() && update_ > 0 && config_.rule.kernl.rate_strength > 0.0)
    rule_.set_rates(rates_);
}

std::string OnlineTrainer::state_hash() const {
  std::vector<float> rule_state = rule_.rate_errors();
  rule_state.insert(rule_state.end(), average_.values().begin(), average_.values().end());
  return hash_training(update_, plan_->parameter_tensors(), parameters_, optimiser_.state(),
                       rule_state, loss_hash_);
}

}  // namespace spikelane
