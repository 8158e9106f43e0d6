// Training by evolution strategies: draw members, get their losses from MemberTrials, shape them,
// estimate the gradient from regenerated noise, step the optimiser. Design, section 6.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/device/device_update.h"
#include "engine/learning/gradient.h"
#include "engine/learning/members.h"
#include "engine/learning/optimiser.h"
#include "engine/run/member_trials.h"
#include "engine/run/trainer.h"

namespace spikelane {

class EsTrainer : public Trainer {
 public:
  /// `config`, `kernels` and `pool` must outlive it, and so must what `trials` refers to.
  EsTrainer(const RunConfig& config, const KernelTable& kernels, ThreadPool& pool,
            std::unique_ptr<MemberTrials> trials);
  /// The same with DatasetTrials on `data`.
  EsTrainer(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
            ThreadPool& pool, const Dataset& data);

  UpdateScores update() override;
  double last_gradient_norm() override;

  /// The same in two halves, for who runs the members: begin_update sets the members that
  /// `members()` writes, finish_update takes their losses (M), in member order.
  void begin_update();
  /// Where a device makes the updates their mean is there, and `fill` is not to be called.
  const Members& members() const { return members_; }
  UpdateScores finish_update(std::span<const double> losses);
  /// Starts the search elsewhere than at the config's start values; before the first update.
  void set_mean(std::span<const float> mean);

  std::int64_t n_updates() const override { return update_; }
  const Plan& plan() const override { return trials_->plan(); }
  const std::vector<float>& parameters() const override;
  /// The mean as the next update's members see it: tensors that members redraw are redrawn.
  std::vector<float> tested_parameters() override;
  std::int64_t sample_steps_per_update() const override { return n_sample_steps_; }
  std::string state_hash() const override;
  void visit_state(StateVisitor& visitor) override;

 private:
  void read_device() const;
  void begin_members();
  void update_on_device(const MemberScoresView& scores);
  std::vector<double> run_members();
  void find_gradient(const GradientEstimate& estimate, std::span<const ParameterRange> searched);
  void step_mean(std::span<const double> losses);

  const RunConfig& config_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  std::unique_ptr<MemberTrials> trials_;
  SearchSchedule schedule_;
  Members members_;
  Optimiser optimiser_;
  TrialScores scores_;
  mutable std::vector<float> mean_;  // (P)
  std::vector<float> gradient_;      // (P)
  std::int64_t update_ = 0;
  // where a CUDA device runs the members it makes the updates too; the mean and the optimiser's
  // vectors above are then copies, made when they are asked for
  std::unique_ptr<DeviceUpdate> device_;
  bool is_device_stale_ = true, is_update_queued_ = false;
  mutable bool is_host_stale_ = false;
  std::int64_t n_correct_ = 0, n_sample_steps_ = 0;  // of the last update, all members
  std::uint64_t loss_hash_ = 0;                      // every update folds its members' losses in
};

}  // namespace spikelane
