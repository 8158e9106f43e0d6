#include "engine/run/es_trainer.h"

#include <algorithm>
#include <utility>

#include "engine/config/key.h"
#include "engine/config/user_error.h"
#include "engine/learning/gradient.h"
#include "engine/learning/shaping.h"
#include "engine/learning/sums.h"
#include "engine/run/seconds.h"
#include "engine/state/hash.h"
#include "kernels/cuda/cuda_library.h"

namespace spikelane {

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
      gradient_(mean_.size(), 0.0f) {
  const CudaFunctions* cuda = cuda_of(kernels);
  if (!cuda || !trials_->runs_on_device()) return;
  if (config.rule.es.top_fraction < 1.0)
    throw UserError("rule.top_fraction", number_text(config.rule.es.top_fraction),
                    "1 on a CUDA device, which makes its updates from all directions, or "
                    "--backend cpu");
  device_ = std::make_unique<DeviceUpdate>(*cuda, plan(), config.rule.es, config.seed, optimiser_);
  members_.set_device_mean(device_->parameters().values());
}

EsTrainer::EsTrainer(const RunConfig& config, const PlanOptions& options,
                     const KernelTable& kernels, ThreadPool& pool, const Dataset& data)
    : EsTrainer(config, kernels, pool,
                std::make_unique<DatasetTrials>(config, options, kernels, pool, data)) {}

void EsTrainer::set_mean(std::span<const float> mean) {
  mean_.assign(mean.begin(), mean.end());
  is_device_stale_ = true;
}

void EsTrainer::read_device() const {
  if (is_host_stale_) device_->parameters().read(mean_);
  is_host_stale_ = false;
}

const std::vector<float>& EsTrainer::parameters() const {
  read_device();
  return mean_;
}

void EsTrainer::update_on_device(const MemberScoresView& scores) {
  device_->run(scores, members_, update_, schedule_.searched_at(update_));
  is_update_queued_ = true;
}

// each rank runs its blocks of members; all know all losses afterwards
std::vector<double> EsTrainer::run_members() {
  const auto n_members = static_cast<std::size_t>(config_.rule.es.n_members);
  const auto n_samples = static_cast<std::size_t>(trials_->n_samples());
  const auto cut = cut_over_ranks(config_.rule.es.n_members, static_cast<std::int64_t>(kSumBlock),
                                  ranks_->n_ranks());
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  const auto first = static_cast<std::size_t>(cut[mine]);
  const auto n = static_cast<std::size_t>(cut[mine + 1]) - first;
  std::vector<double> losses(n_members);
  std::int64_t n_correct = 0;
  do_together(*ranks_, [&] {
    if (n == 0) return;  // an idle rank
    if (device_) {
      const MemberScoresView sums =
          trials_->start(members_, static_cast<int>(first), static_cast<int>(n));
      // a rank alone need not see the losses first
      if (ranks_->is_one()) update_on_device(sums);
      trials_->finish(members_, std::span(losses).subspan(first, n), &n_correct, [&] {
        read_device();
        members_.place_shared();
      });
      return;
    }
    scores_.losses.resize(n_members * n_samples);
    scores_.is_correct.resize(trials_->gives_returns() ? 0 : scores_.losses.size());
    trials_->run(members_, static_cast<int>(first), static_cast<int>(n), scores_);
    for (std::size_t m = first; m < first + n; ++m)
      losses[m] =
          tree_sum_blocks_of_8(std::span(scores_.losses).subspan(m * n_samples, n_samples)) /
          static_cast<double>(n_samples);
    for (std::size_t i = first * n_samples;
         i < std::min((first + n) * n_samples, scores_.is_correct.size()); ++i)
      n_correct += scores_.is_correct[i];
  });
  ranks_->gather(std::span(losses), cut);
  std::int64_t counts[] = {n_correct, trials_->n_sample_steps()};
  sum_over_ranks(*ranks_, counts);
  n_correct_ = counts[0];
  n_sample_steps_ = counts[1];
  return losses;
}

// entries are independent: parts of the tensors are shared out to the threads
void EsTrainer::find_gradient(const GradientEstimate& estimate,
                              std::span<const ParameterRange> searched) {
  struct Part {
    const TensorPlan* tensor;
    std::int64_t begin, end;
    float sigma;
    bool has_factors;
  };
  std::vector<Part> parts;
  for (const ParameterRange& range : searched) {
    const TensorPlan& tensor = plan().tensors()[static_cast<std::size_t>(range.tensor)];
    const bool has_factors = plan().rank() > 0 && !tensor.is_bias;
    const std::int64_t n = has_factors ? std::int64_t{kFactorRows} * tensor.n_columns : 256;
    for (std::int64_t begin = range.begin; begin < range.end; begin += n)
      parts.push_back({&tensor, begin, std::min(begin + n, range.end), members_.sigma(range.tensor),
                       has_factors});
  }
  // and so are the parts themselves to the ranks: noise is drawn again for one's own entries only
  std::vector<std::int64_t> ends;
  for (const Part& part : parts) ends.push_back(part.end);
  const auto cut = cut_parts(ends, parts.empty() ? 0 : parts[0].begin, ranks_->n_ranks());
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  pool_.for_each(cut[mine + 1] - cut[mine], [&](std::int64_t i, int) {
    const Part& part = parts[static_cast<std::size_t>(cut[mine] + i)];
    const TensorPlan& tensor = *part.tensor;
    if (!part.has_factors) {
      estimate.write(kernels_.accumulate_gradient, part.begin, part.end, part.sigma, gradient_);
      return;
    }
    const auto row_of = [&](std::int64_t at) {
      return static_cast<int>((at - tensor.logical.begin) / tensor.n_columns);
    };
    estimate.write_low_rank(kernels_.accumulate_low_rank, tensor.factor_view(plan().rank()),
                            row_of(part.begin), row_of(part.end) - row_of(part.begin), part.sigma,
                            gradient_.data() + part.begin);
  });
  if (parts.empty()) return;
  // between parts of different ranks lie at most entries that nobody searches
  std::vector<std::int64_t> begin;
  for (const std::int64_t part : cut)
    begin.push_back(part < static_cast<std::int64_t>(parts.size())
                        ? parts[static_cast<std::size_t>(part)].begin
                        : parts.back().end);
  ranks_->gather(std::span(gradient_), begin);
}

void EsTrainer::step_mean(std::span<const double> losses) {
  const EsConfig& es = config_.rule.es;
  const auto searched = schedule_.searched_at(update_);
  std::vector<double> shaped;
  try {
    // on a device all but the check is done there
    if (device_)
      check_losses(losses);
    else
      shaped = shape_losses(es.shaping, losses, es.ties);
    keep_best_directions(shaped, losses, device_ ? 1.0 : es.top_fraction, es.antithetic);
  } catch (const RunError& error) {
    throw SharedError(error.what());  // all ranks have the same losses
  }
  if (device_) {
    if (!is_update_queued_) update_on_device(device_->write_losses(losses));
    // the device has decided the same by the same losses
    if (!is_flat(es.shaping, losses, es.ties) || optimiser_.counts_decay())
      optimiser_.count_update(searched);
    is_host_stale_ = true;
    return;
  }
  const GradientEstimate estimate(shaped, es.antithetic, config_.seed,
                                  static_cast<std::uint32_t>(update_), es.draws_signs());
  find_gradient(estimate, searched);
  const double lr = learning_rate_at(es.optimiser, update_);
  if (is_flat(es.shaping, losses, es.ties))
    optimiser_.decay_only(mean_, gradient_, lr, searched);
  else
    optimiser_.update(mean_, gradient_, lr, searched);
}

double EsTrainer::last_gradient_norm() {
  if (update_ == 0) return 0.0;
  if (device_) device_->parameters().read_gradient(gradient_);
  return gradient_norm(gradient_, schedule_.searched_at(update_ - 1));
}

void EsTrainer::begin_members() {
  members_.begin_update(mean_, update_, schedule_.searched_at(update_));
  is_update_queued_ = false;
  if (device_ && is_device_stale_) device_->parameters().write(mean_);
  is_device_stale_ = false;
}

void EsTrainer::begin_update() {
  trials_->begin_update(update_);
  begin_members();
}

UpdateScores EsTrainer::finish_update(std::span<const double> losses) {
  UpdateScores scores;
  const auto start = Clock::now();
  step_mean(losses);
  scores.gradient_norm = std::nullopt;
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
  const auto start = Clock::now();
  begin_update();
  const std::vector<double> losses = run_members();
  const double trial_s = seconds_since(start);

  UpdateScores scores = finish_update(losses);
  scores.trial_s = trial_s;
  if (trials_->gives_returns())
    scores.mean_return = -scores.loss;
  else
    scores.accuracy = static_cast<double>(n_correct_) /
                      (static_cast<double>(config_.rule.es.n_members) * trials_->n_samples());
  return scores;
}

std::vector<float> EsTrainer::tested_parameters() {
  read_device();
  if (config_.rule.es.unsearched == UnsearchedKind::kKeep) return mean_;
  members_.begin_update(mean_, update_, schedule_.searched_at(update_));
  std::vector<float> block(static_cast<std::size_t>(plan().n_block_floats()));
  members_.fill_mean(block.data());
  std::vector<float> logical(mean_.size());
  plan().read_block(block.data(), logical.data());
  return logical;
}

void EsTrainer::visit_state(StateVisitor& visitor) {
  read_device();
  is_device_stale_ |= visitor.is_restoring();
  visitor.count("update", update_, kMaxUpdates);
  visitor.bits("loss_hash", loss_hash_);
  visitor.array("parameters", mean_);
  visit_optimiser(visitor, "", optimiser_);
}

std::string EsTrainer::state_hash() const {
  read_device();
  return hash_training(update_, plan().parameter_tensors(), mean_, optimiser_.state(), {},
                       loss_hash_);
}

}  // namespace spikelane
