// Training by KeRNL or e-prop online: the rows of a minibatch act side by side, traces advance with
// time, and weights change at the end of every block of K steps in which the loss spoke. One update
// is one trial of a minibatch. Memory does not grow with the length of a trial.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/learning/minibatch.h"
#include "engine/learning/optimiser.h"
#include "engine/learning/parameter_average.h"
#include "engine/learning/sums.h"
#include "engine/run/kernl_online.h"
#include "engine/run/trainer.h"

namespace spikelane {

class OnlineTrainer : public Trainer {
 public:
  /// `config`, `data`, `kernels` and `pool` must outlive it. The layout is neuron lanes.
  /// `start` (P): the weights to begin with; empty: those of the seed.
  OnlineTrainer(const RunConfig& config, PlanOptions options, const KernelTable& kernels,
                ThreadPool& pool, const Dataset& data, std::span<const float> start = {});

  void use_ranks(Ranks& ranks) override {
    Trainer::use_ranks(ranks);
    online_.use_ranks(ranks);
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
  /// Spikes per step and learned neuron in the last update.
  double firing_rate() const { return mean_of(rates_); }
  std::size_t n_bytes() const { return online_.n_bytes(); }

 private:
  double step_weights();

  const RunConfig& config_;
  const Dataset& data_;
  std::unique_ptr<const Plan> plan_;
  KernlRule rule_;
  Minibatches minibatches_;
  Optimiser optimiser_;
  std::vector<ParameterRange> trained_;
  KernlOnline online_;
  std::vector<float> parameters_, gradient_;  // (P)
  ParameterAverage average_;
  AlignedMemory block_;  // the parameters as kernels read them
  std::vector<double> losses_, rates_;
  std::vector<std::uint8_t> is_correct_;
  std::int64_t update_ = 0;
  std::uint64_t loss_hash_ = 0;
};

}  // namespace spikelane
