#include "engine/run/acting_trainer.h"

#include <algorithm>

#include "engine/learning/gradient.h"
#include "engine/learning/members.h"
#include "engine/learning/schedule.h"
#include "engine/learning/sums.h"
#include "engine/run/seconds.h"
#include "engine/state/hash.h"

namespace spikelane {

ActingTrainer::ActingTrainer(const RunConfig& config, const PlanOptions& options,
                             const KernelTable& kernels, ThreadPool& pool, const ClosedLoop& loop,
                             std::span<const float> start)
    : config_(config),
      loop_(loop),
      pool_(pool),
      plan_(compile_plan(config.network, config.loss, loop.n_steps(), for_learning(options, true))),
      rule_(*plan_, kernels, config.rule.kernl, config.seed),
      optimiser_(config.rule.kernl.optimiser, plan_->parameter_tensors()),
      trained_(trained_ranges(config.rule.kernl, *plan_)),
      parameters_(draw_start(kernels, *plan_, config.seed, start)),
      gradient_(parameters_.size()),
      gradients_(parameters_.size() * static_cast<std::size_t>(loop.config().n_episodes)),
      episodes_(static_cast<std::size_t>(loop.config().n_episodes)),
      average_(config.rule.kernl.average_decay, parameters_),
      block_(static_cast<std::size_t>(plan_->n_block_floats()) * sizeof(float)) {
  for (int thread = 0; thread < pool.n_threads(); ++thread)
    rows_.push_back(std::make_unique<ActingRow>(config, *plan_, rule_, kernels, loop));
}

void ActingTrainer::run_episodes() {
  auto* block = reinterpret_cast<float*>(block_.data());
  plan_->fill_block(parameters_.data(), block);
  rule_.follow_weights(block);
  const std::size_t n = parameters_.size();
  pool_.for_each(std::ssize(episodes_), [&](std::int64_t episode, int thread) {
    const auto e = static_cast<std::size_t>(episode);
    const RandomKey key{config_.seed, 0, static_cast<std::uint32_t>(update_), Stream::kEnvironment,
                        static_cast<std::uint32_t>(episode)};
    episodes_[e] = rows_[static_cast<std::size_t>(thread)]->run(
        block, key, std::span(gradients_).subspan(e * n, n));
  });
  n_sample_steps_ = 0;
  for (const ActedEpisode& episode : episodes_)
    n_sample_steps_ += std::int64_t{episode.length} * loop_.view().control_steps;
}

// returns the gradient's norm
double ActingTrainer::step_weights() {
  const KernlConfig& kernl = config_.rule.kernl;
  const std::size_t n = parameters_.size(), n_episodes = episodes_.size();
  for (std::size_t i = 0; i < n; ++i) {
    const double sum = tree_sum_blocks_of_8(
        n_episodes, [&](std::size_t e) { return static_cast<double>(gradients_[e * n + i]); });
    gradient_[i] = static_cast<float>(sum / static_cast<double>(n_episodes));
  }
  const double norm = gradient_norm(gradient_, trained_);
  clip_gradient(gradient_, norm, kernl.clip_norm);
  optimiser_.update(parameters_, gradient_, learning_rate_at(kernl.optimiser, update_), trained_);
  average_.add(parameters_, update_);
  return norm;
}

UpdateScores ActingTrainer::update() {
  UpdateScores scores;
  const auto start = Clock::now();
  run_episodes();
  scores.trial_s = seconds_since(start);
  std::vector<double> losses;
  for (const ActedEpisode& episode : episodes_) losses.push_back(-episode.total_return);
  scores.loss = mean_of(losses);
  scores.mean_return = -scores.loss;
  const auto update_start = Clock::now();
  scores.gradient_norm = step_weights();
  StateHash hash;
  hash.add(loss_hash_);
  hash.add(std::span<const double>(losses));
  loss_hash_ = hash.value();
  ++update_;
  scores.update_s = seconds_since(update_start);
  return scores;
}

void ActingTrainer::visit_state(StateVisitor& visitor) {
  visitor.count("update", update_, kMaxUpdates);
  visitor.bits("loss_hash", loss_hash_);
  visitor.array("parameters", parameters_);
  visit_optimiser(visitor, "", optimiser_);
  average_.visit_state(visitor);
}

std::string ActingTrainer::state_hash() const {
  return hash_training(update_, plan_->parameter_tensors(), parameters_, optimiser_.state(),
                       average_.values(), loss_hash_);
}

}  // namespace spikelane
