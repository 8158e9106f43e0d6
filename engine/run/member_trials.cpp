#include "engine/run/member_trials.h"

namespace spikelane {

DatasetTrials::DatasetTrials(const RunConfig& config, const PlanOptions& options,
                             const KernelTable& kernels, ThreadPool& pool, const Dataset& data)
    : data_(data),
      plan_(compile_plan(config.network, config.loss, data.n_steps,
                         for_members(options, config.rule.es))),
      minibatches_(config.seed, data.n_samples, config.rule.es.batch),
      evaluator_(*plan_, kernels, pool) {}

std::unique_ptr<const EncodedInputs> DatasetTrials::encode(std::int64_t update) {
  return std::make_unique<const EncodedInputs>(*plan_, data_, minibatches_.at(update),
                                               minibatches_.epoch_of(update));
}

void DatasetTrials::begin_update(std::int64_t update) {
  n_sample_steps_ = 0;
  update_ = update;
  if (inputs_ && !inputs_change()) return;
  inputs_ = next_inputs_ && next_update_ == update ? std::move(next_inputs_) : encode(update);
}

void DatasetTrials::run(const Members& members, int first, int n, TrialScores& scores) {
  evaluator_.run(first, n, members, *inputs_, scores);
  n_sample_steps_ += std::int64_t{n} * minibatches_.size() * data_.n_steps;
}

MemberScoresView DatasetTrials::start(const Members& members, int first, int n) {
  n_sample_steps_ += std::int64_t{n} * minibatches_.size() * data_.n_steps;
  return evaluator_.start(first, n, members, *inputs_);
}

void DatasetTrials::finish(const Members& members, std::span<double> losses,
                           std::int64_t* n_correct, const std::function<void()>& before_throwing) {
  // while the device works: the next samples
  if (inputs_change()) {
    next_update_ = update_ + 1;
    next_inputs_ = encode(next_update_);
    evaluator_.prepare(*next_inputs_);
  }
  evaluator_.finish(members, *inputs_, losses, n_correct, before_throwing);
}

}  // namespace spikelane
