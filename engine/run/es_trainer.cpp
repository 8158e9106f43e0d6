#include "engine/run/es_trainer.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "engine/learning/gradient.h"
#include "engine/learning/shaping.h"
#include "engine/learning/sums.h"
#include "engine/state/hash.h"

namespace spikelane {

using Clock = std::chrono::steady_clock;

static double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

EsTrainer::EsTrainer(const RunConfig& config, const KernelTable& kernels, ThreadPool& pool,
                     std::unique_ptr<MemberTrials> trials)
    : config_(config),
      kernels_(kernels),
      pool_(pool),
      trials_(std::move(trials)),
      schedule_(config.rule.es, plan().parameter_tensors()),
      members_(plan(), kernels, config.rule.es, config.seed),
      optimiser_(config.rule.es.optimiser, plan().parameter_tensors()),
      mean_(draw_start(kernels, plan(), config.seed)),
      gradient_(mean_.size(), 0.0f) {}

EsTrainer::EsTrainer(const RunConfig& config, const PlanOptions& options,
                     const KernelTable& kernels, ThreadPool& pool, const Dataset& data)
    : EsTrainer(config, kernels, pool,
                std::make_unique<DatasetTrials>(config, options, kernels, pool, data)) {}

std::vector<double> EsTrainer::member_losses() const {
  const auto n_samples = static_cast<std::size_t>(trials_->n_samples());
  std::vector<double> losses;
  for (std::size_t begin = 0; begin < scores_.losses.size(); begin += n_samples)
    losses.push_back(tree_sum_blocks_of_8(std::span(scores_.losses).subspan(begin, n_samples)) /
                     static_cast<double>(n_samples));
  return losses;
}

void EsTrainer::step_mean(std::span<const double> losses, UpdateScores& scores) {
  const EsConfig& es = config_.rule.es;
  const auto searched = schedule_.searched_at(update_);
  const GradientEstimate estimate(shape_losses(es.shaping, losses), es.antithetic, config_.seed,
                                  static_cast<std::uint32_t>(update_));
  // entries are independent: parts of the tensors are shared out to the threads
  struct Part {
    std::int64_t begin, end;
    float sigma;
  };
  std::vector<Part> parts;
  constexpr std::int64_t kPart = 256;
  for (const ParameterRange& range : searched)
    for (std::int64_t begin = range.begin; begin < range.end; begin += kPart)
      parts.push_back({begin, std::min(begin + kPart, range.end), members_.sigma(range.tensor)});
  pool_.for_each(static_cast<std::int64_t>(parts.size()), [&](std::int64_t i, int) {
    const Part& part = parts[static_cast<std::size_t>(i)];
    estimate.write(kernels_.accumulate_gradient, part.begin, part.end, part.sigma, gradient_);
  });
  scores.gradient_norm = gradient_norm(gradient_, searched);
  optimiser_.update(mean_, gradient_, learning_rate_at(es.optimiser, update_), searched);
}

void EsTrainer::begin_update() {
  trials_->begin_update(update_);
  members_.begin_update(mean_, update_, schedule_.searched_at(update_));
}

UpdateScores EsTrainer::finish_update(std::span<const double> losses) {
  UpdateScores scores;
  const auto start = Clock::now();
  step_mean(losses, scores);
  scores.loss = tree_sum_blocks_of_8(losses) / config_.rule.es.n_members;
  StateHash hash;
  hash.add(loss_hash_);
  hash.add(losses);
  loss_hash_ = hash.value();
  ++update_;
  scores.update_s = seconds_since(start);
  return scores;
}

UpdateScores EsTrainer::update() {
  const EsConfig& es = config_.rule.es;
  const auto start = Clock::now();
  begin_update();
  scores_.losses.resize(static_cast<std::size_t>(es.n_members) *
                        static_cast<std::size_t>(trials_->n_samples()));
  scores_.is_correct.resize(trials_->gives_returns() ? 0 : scores_.losses.size());
  trials_->run(members_, 0, es.n_members, scores_);
  const double trial_s = seconds_since(start);

  UpdateScores scores = finish_update(member_losses());
  scores.trial_s = trial_s;
  if (trials_->gives_returns())
    scores.mean_return = -scores.loss;
  else
    scores.accuracy = static_cast<double>(std::accumulate(
                          scores_.is_correct.begin(), scores_.is_correct.end(), std::int64_t{0})) /
                      static_cast<double>(scores_.is_correct.size());
  return scores;
}

std::vector<float> EsTrainer::tested_parameters() {
  if (config_.rule.es.unsearched == UnsearchedKind::kKeep) return mean_;
  members_.begin_update(mean_, update_, schedule_.searched_at(update_));
  std::vector<float> block(static_cast<std::size_t>(plan().n_block_floats()));
  members_.fill_mean(block.data());
  std::vector<float> logical(mean_.size());
  plan().read_block(block.data(), logical.data());
  return logical;
}

void EsTrainer::visit_state(StateVisitor& visitor) {
  visitor.count("update", update_, kMaxUpdates);
  visitor.bits("loss_hash", loss_hash_);
  visitor.array("parameters", mean_);
  visit_optimiser(visitor, "", optimiser_);
}

std::string EsTrainer::state_hash() const {
  return hash_training(update_, plan().parameter_tensors(), mean_, optimiser_.state(), {},
                       loss_hash_);
}

}  // namespace spikelane
