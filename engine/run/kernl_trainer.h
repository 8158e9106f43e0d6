// Training by KeRNL or e-prop in trial mode: whole trials of a minibatch, each followed by the
// backward sweep that gives its weight gradient (kernels/step/kernl_trial.h), then one step of the
// optimiser. Where the rule has a regression, each update first changes M and g by it, on the same
// samples; it may be all that learns. Design, section 7.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/learning/kernl_regression.h"
#include "engine/learning/minibatch.h"
#include "engine/learning/optimiser.h"
#include "engine/learning/parameter_average.h"
#include "engine/learning/sums.h"
#include "engine/run/kernl_evaluator.h"
#include "engine/run/trainer.h"

namespace spikelane {

class KernlTrainer : public Trainer {
 public:
  /// `config`, `data`, `kernels` and `pool` must outlive it. The layout is neuron lanes, whatever
  /// `options` say: gradients are rows of neurons. `start` (P): the weights to begin with; empty:
  /// those of the seed.
  KernlTrainer(const RunConfig& config, PlanOptions options, const KernelTable& kernels,
               ThreadPool& pool, const Dataset& data, std::span<const float> start = {});

  void use_ranks(Ranks& ranks) override {
    Trainer::use_ranks(ranks);
    evaluator_.use_ranks(ranks);
    if (regression_) regression_->use_ranks(ranks);
  }
  UpdateScores update() override;
  std::int64_t n_updates() const override { return update_; }
  const Plan& plan() const override { return *plan_; }
  const std::vector<float>& parameters() const override { return parameters_; }
  /// Their running mean, where the rule keeps one.
  std::vector<float> tested_parameters() override {
    return average_.is_on() ? average_.values() : parameters_;
  }
  std::int64_t sample_steps_per_update() const override;
  std::string state_hash() const override;
  void visit_state(StateVisitor& visitor) override;
  std::vector<RuleTensor> rule_tensors() const override;

  /// What the last update's trials gave; the gradient is clipped already.
  const KernlScores& trials() const { return trials_; }
  /// Spikes per step and learned neuron in the last update.
  double firing_rate() const { return mean_of(rates_); }
  /// Memory beside parameters and data: what the threads and parts of the batch hold.
  std::size_t n_bytes() const;
  /// Null where the rule has none.
  const KernlRegression* regression() const { return regression_.get(); }

 private:
  void run_regression(const EncodedInputs& inputs, const float* block, UpdateScores& scores);
  void run_trials(const EncodedInputs& inputs, const float* block, UpdateScores& scores);
  void fold_in(std::span<const double> losses);

  const RunConfig& config_;
  const Dataset& data_;
  std::unique_ptr<const Plan> plan_;
  KernlRule rule_;
  Minibatches minibatches_;
  Optimiser optimiser_;
  KernlEvaluator evaluator_;
  std::vector<ParameterRange> trained_;
  std::vector<float> parameters_;  // (P)
  ParameterAverage average_;
  AlignedMemory block_;  // the same as kernels read them
  std::unique_ptr<KernlRegression> regression_;
  KernlScores trials_;
  std::vector<double> rates_;
  std::int64_t update_ = 0;
  std::uint64_t loss_hash_ = 0;  // every update folds its samples' losses in
};

}  // namespace spikelane
