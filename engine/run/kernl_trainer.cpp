#include "engine/run/kernl_trainer.h"

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

KernlTrainer::KernlTrainer(const RunConfig& config, PlanOptions options, const KernelTable& kernels,
                           ThreadPool& pool, const Dataset& data, std::span<const float> start)
    : config_(config),
      data_(data),
      plan_(compile_plan(config.network, config.loss, data.n_steps, for_learning(options, false))),
      rule_(*plan_, kernels, config.rule.kernl, config.seed),
      minibatches_(config.seed, data.n_samples, config.rule.kernl.batch),
      optimiser_(config.rule.kernl.optimiser, plan_->parameter_tensors()),
      evaluator_(*plan_, rule_, config.rule.kernl, kernels, pool),
      trained_(trained_ranges(config.rule.kernl, *plan_)),
      parameters_(draw_start(kernels, *plan_, config.seed, start)),
      average_(config.rule.kernl.average_decay, parameters_),
      block_(static_cast<std::size_t>(plan_->n_block_floats()) * sizeof(float)),
      rates_(static_cast<std::size_t>(rule_.n_neurons())) {
  if (!config.rule.kernl.regression.is_on) return;
  auto* block = reinterpret_cast<float*>(block_.data());
  plan_->fill_block(parameters_.data(), block);
  regression_ = std::make_unique<KernlRegression>(*plan_, config.rule.kernl.regression, kernels,
                                                  pool, config.seed, block);
  if (config.rule.kernl.trains_weights) regression_->set_filters(rule_, 0);
}

std::int64_t KernlTrainer::sample_steps_per_update() const {
  return std::int64_t{minibatches_.size()} * data_.n_steps;
}

std::size_t KernlTrainer::n_bytes() const {
  return evaluator_.n_bytes() + (regression_ ? regression_->n_bytes() : 0);
}

void KernlTrainer::fold_in(std::span<const double> losses) {
  StateHash hash;
  hash.add(loss_hash_);
  hash.add(losses);
  loss_hash_ = hash.value();
}

void KernlTrainer::run_regression(const EncodedInputs& inputs, const float* block,
                                  UpdateScores& scores) {
  const double loss = regression_->find_gradient(inputs, block, update_);
  scores.regression_loss = loss;
  regression_->step(update_);
  if (config_.rule.kernl.trains_weights) regression_->set_filters(rule_, 0);
  fold_in({&loss, 1});
}

void KernlTrainer::run_trials(const EncodedInputs& inputs, const float* block,
                              UpdateScores& scores) {
  const KernlConfig& kernl = config_.rule.kernl;
  const auto start = Clock::now();
  rule_.follow_weights(block);
  evaluator_.run(inputs, block, update_, trials_);
  scores.trial_s += seconds_since(start);

  const auto update_start = Clock::now();
  const int n_samples = inputs.n_samples();
  scores.loss = tree_sum_blocks_of_8(trials_.losses) / n_samples;
  if (!std::isfinite(scores.loss))
    throw SharedError("the loss of update " + std::to_string(update_) + " is not finite");
  scores.gradient_norm = gradient_norm(trials_.gradient, trained_);
  clip_gradient(trials_.gradient, *scores.gradient_norm, kernl.clip_norm);
  optimiser_.update(parameters_, trials_.gradient, learning_rate_at(kernl.optimiser, update_),
                    trained_);
  average_.add(parameters_, update_);
  // the regulariser sees the rates of the update before: then no trial waits for another
  const double n_steps = static_cast<double>(n_samples) * plan_->view().n_steps;
  for (std::size_t i = 0; i < rates_.size(); ++i)
    rates_[i] = static_cast<double>(trials_.n_spikes[i]) / n_steps;
  if (kernl.rate_strength > 0.0) rule_.set_rates(rates_);
  scores.accuracy = static_cast<double>(std::accumulate(
                        trials_.is_correct.begin(), trials_.is_correct.end(), std::int64_t{0})) /
                    n_samples;
  fold_in(trials_.losses);
  scores.update_s += seconds_since(update_start);
}

UpdateScores KernlTrainer::update() {
  const KernlConfig& kernl = config_.rule.kernl;
  UpdateScores scores;
  const auto start = Clock::now();
  const EncodedInputs inputs(*plan_, data_, minibatches_.at(update_),
                             minibatches_.epoch_of(update_));
  auto* block = reinterpret_cast<float*>(block_.data());
  plan_->fill_block(parameters_.data(), block);
  if (regression_) run_regression(inputs, block, scores);
  scores.trial_s = seconds_since(start);
  scores.is_scored = kernl.trains_weights;
  if (kernl.trains_weights) run_trials(inputs, block, scores);
  ++update_;
  return scores;
}

std::vector<RuleTensor> KernlTrainer::rule_tensors() const {
  std::vector<RuleTensor> tensors;
  if (!regression_) return tensors;
  const std::int64_t n = regression_->n(), n_filters = regression_->n_filters();
  for (const ParameterTensor& tensor : regression_->tensors()) {
    std::vector<std::int64_t> shape{n};
    if (tensor.begin == 0) shape.push_back(n);
    if (n_filters > 1) shape.insert(shape.begin(), n_filters);
    const auto values = regression_->parameters().begin();
    tensors.push_back({tensor.name, shape, {values + tensor.begin, values + tensor.end}});
  }
  return tensors;
}

void KernlTrainer::visit_state(StateVisitor& visitor) {
  visitor.count("update", update_, kMaxUpdates);
  visitor.bits("loss_hash", loss_hash_);
  visitor.array("parameters", parameters_);
  visit_optimiser(visitor, "", optimiser_);
  average_.visit_state(visitor);
  visitor.array("rates", rates_);
  if (regression_) regression_->visit_state(visitor);
  if (!visitor.is_restoring() || !config_.rule.kernl.trains_weights) return;
  if (config_.rule.kernl.rate_strength > 0.0 && update_ > 0) rule_.set_rates(rates_);
  if (regression_) regression_->set_filters(rule_, 0);
}

std::string KernlTrainer::state_hash() const {
  std::vector<float> rule_state = rule_.rate_errors();
  const auto append = [&](const std::vector<float>& values) {
    rule_state.insert(rule_state.end(), values.begin(), values.end());
  };
  if (regression_) {
    append(regression_->parameters());
    for (const OptimiserVector& vector : regression_->optimiser_state().vectors)
      append(vector.values);
  }
  append(average_.values());
  return hash_training(update_, plan_->parameter_tensors(), parameters_, optimiser_.state(),
                       rule_state, loss_hash_);
}

}  // namespace spikelane
