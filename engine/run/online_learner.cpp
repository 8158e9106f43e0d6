#include "engine/run/online_learner.h"

#include <algorithm>

#include "engine/learning/gradient.h"
#include "engine/learning/schedule.h"
#include "engine/run/trainer.h"

namespace spikelane {

OnlineLearner::OnlineLearner(const RunConfig& config, const Plan& plan, const KernelTable& kernels,
                             ThreadPool& pool, int n_rows, std::span<const float> start)
    : config_(config),
      plan_(plan),
      n_rows_(n_rows),
      rule_(plan, kernels, config.rule.kernl, config.seed),
      optimiser_(config.rule.kernl.optimiser, plan.parameter_tensors()),
      trained_(trained_ranges(config.rule.kernl, plan)),
      online_(plan, rule_, config.rule.kernl, kernels, pool, n_rows, true),
      parameters_(start.begin(), start.end()),
      gradient_(start.size()),
      block_(static_cast<std::size_t>(plan.n_block_floats()) * sizeof(float)),
      scaled_error_(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(plan.output().n)),
      rates_(static_cast<std::size_t>(rule_.n_neurons())) {
  place_weights();
}

void OnlineLearner::place_weights() {
  auto* block = reinterpret_cast<float*>(block_.data());
  plan_.fill_block(parameters_.data(), block);
  rule_.follow_weights(block);
}

void OnlineLearner::reset() {
  online_.reset();
  has_error_ = false;
}

void OnlineLearner::reset_row(int row) {
  online_.reset_row(reinterpret_cast<const float*>(block_.data()), row);
}

void OnlineLearner::step(std::span<const float> x) {
  online_.act(reinterpret_cast<const float*>(block_.data()), x);
}

void OnlineLearner::learn(std::span<const float> error, std::span<const float> rewards) {
  const std::size_t n_outputs = static_cast<std::size_t>(plan_.output().n);
  for (std::size_t i = 0; i < scaled_error_.size(); ++i)
    scaled_error_[i] = rewards.empty() ? error[i] : error[i] * rewards[i / n_outputs];
  has_error_ = true;
  const bool is_block_end =
      online_.learn(reinterpret_cast<const float*>(block_.data()), scaled_error_);
  if (!is_block_end) return;
  step_weights();
  has_error_ = false;
}

void OnlineLearner::step_weights() {
  const KernlConfig& kernl = config_.rule.kernl;
  std::fill(gradient_.begin(), gradient_.end(), 0.0f);
  online_.take_gradient(gradient_);
  const auto share = static_cast<float>(1.0 / n_rows_);
  for (float& g : gradient_) g = g * share;
  clip_gradient(gradient_, gradient_norm(gradient_, trained_), kernl.clip_norm);
  optimiser_.update(parameters_, gradient_, learning_rate_at(kernl.optimiser, update_), trained_);
  if (kernl.rate_strength > 0.0) {
    const std::vector<std::int64_t> n_spikes = online_.n_spikes();
    for (std::size_t i = 0; i < rates_.size(); ++i)
      rates_[i] = static_cast<double>(n_spikes[i]) / (static_cast<double>(n_rows_) * online_.t());
    rule_.set_rates(rates_);
  }
  ++update_;
  place_weights();
}

void OnlineLearner::visit_state(StateVisitor& visitor) {
  visitor.count("update", update_, kMaxUpdates);
  visitor.array("parameters", parameters_);
  visitor.array("rates", rates_);
  visitor.flag("has_error", has_error_);
  visit_optimiser(visitor, "", optimiser_);
  online_.visit_state(visitor);
}

void OnlineLearner::restored(int t) {
  if (update_ > 0 && config_.rule.kernl.rate_strength > 0.0) rule_.set_rates(rates_);
  place_weights();
  online_.set_t(t);
}

}  // namespace spikelane
