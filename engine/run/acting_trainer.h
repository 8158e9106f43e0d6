// Training by reward while acting: the episodes of an update act side by side, each on one thread
// with eligibilities of its own (engine/run/acting_row.h); weights change when all have ended.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/learning/optimiser.h"
#include "engine/learning/parameter_average.h"
#include "engine/run/acting_row.h"
#include "engine/run/trainer.h"

namespace spikelane {

class ActingTrainer : public Trainer {
 public:
  /// All but `start` must outlive it: the weights to begin with, (P); empty: those of the seed.
  ActingTrainer(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                ThreadPool& pool, const ClosedLoop& loop, std::span<const float> start = {});

  UpdateScores update() override;
  std::int64_t n_updates() const override { return update_; }
  const Plan& plan() const override { return *plan_; }
  const std::vector<float>& parameters() const override { return parameters_; }
  /// Their running mean, where the rule keeps one.
  std::vector<float> tested_parameters() override {
    return average_.is_on() ? average_.values() : parameters_;
  }
  std::int64_t sample_steps_per_update() const override { return n_sample_steps_; }
  std::string state_hash() const override;
  void visit_state(StateVisitor& visitor) override;

 private:
  void run_episodes();
  double step_weights();

  const RunConfig& config_;
  const ClosedLoop& loop_;
  ThreadPool& pool_;
  std::unique_ptr<const Plan> plan_;
  KernlRule rule_;
  Optimiser optimiser_;
  std::vector<ParameterRange> trained_;
  std::vector<std::unique_ptr<ActingRow>> rows_;  // one a thread
  std::vector<float> parameters_, gradient_;      // (P)
  std::vector<float> gradients_;                  // (episodes, P)
  std::vector<ActedEpisode> episodes_;
  ParameterAverage average_;
  AlignedMemory block_;  // the parameters as kernels read them
  std::int64_t update_ = 0, n_sample_steps_ = 0;
  std::uint64_t loss_hash_ = 0;
};

}  // namespace spikelane
