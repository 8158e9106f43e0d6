// MemberTrials: where the losses of an evolution strategy's members come from. EsTrainer knows
// nothing else of a task: trials on a data set, or episodes of a closed loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/learning/members.h"
#include "engine/learning/minibatch.h"
#include "engine/plan/plan.h"
#include "engine/run/evaluator.h"
#include "engine/run/task.h"

namespace spikelane {

class MemberTrials {
 public:
  virtual ~MemberTrials() = default;

  /// The network that the members are of.
  virtual const Plan& plan() const = 0;

  /// B, the samples or episodes of each member in an update: the same for all members.
  virtual int n_samples() const = 0;

  /// True where a loss is minus the return of an episode; then nothing is correct or wrong.
  virtual bool gives_returns() const { return false; }

  /// Prepares what all members of `update` share. Comes before the calls of run for that update.
  virtual void begin_update(std::int64_t update) = 0;

  /// Runs the members first .. first+n-1, whose parameters `members` writes, and sets their rows of
  /// `scores`, which is (M, B) in the order of the members and has been sized by the caller: where
  /// and in which parts the members are run changes no bit. Throws RunError when a state stops
  /// being finite.
  virtual void run(const Members& members, int first, int n, TrialScores& scores) = 0;

  /// True where a CUDA device runs the members. Then run is also there in two halves: `start`
  /// queues the trials and the sums of their scores, which stay on the device for the update that
  /// is queued behind them; `finish` waits for the members' mean losses (n) and throws as run does,
  /// once `before_throwing` has brought the members' mean to the host.
  virtual bool runs_on_device() const { return false; }
  virtual MemberScoresView start(const Members&, int /*first*/, int /*n*/) { return {}; }
  virtual void finish(const Members&, std::span<double> /*losses*/, std::int64_t* /*n_correct*/,
                      const std::function<void()>& /*before_throwing*/) {}

  /// Steps of all rows that the calls of run since begin_update have taken.
  virtual std::int64_t n_sample_steps() const = 0;
};

/// Trials on a common minibatch of a data set with labels.
class DatasetTrials : public MemberTrials {
 public:
  /// All must outlive it.
  DatasetTrials(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                ThreadPool& pool, const Dataset& data);

  const Plan& plan() const override { return *plan_; }
  int n_samples() const override { return minibatches_.size(); }
  void begin_update(std::int64_t update) override;
  void run(const Members& members, int first, int n, TrialScores& scores) override;
  bool runs_on_device() const override { return evaluator_.runs_on_device(); }
  MemberScoresView start(const Members& members, int first, int n) override;
  void finish(const Members& members, std::span<double> losses, std::int64_t* n_correct,
              const std::function<void()>& before_throwing) override;
  std::int64_t n_sample_steps() const override { return n_sample_steps_; }

  /// The update's samples as kernels read them, after begin_update.
  const EncodedInputs& inputs() const { return *inputs_; }

 private:
  // a whole training set that stays as it is is encoded once, all else each time
  bool inputs_change() const { return minibatches_.size() != data_.n_samples || data_.source; }
  std::unique_ptr<const EncodedInputs> encode(std::int64_t update);

  const Dataset& data_;
  std::unique_ptr<const Plan> plan_;
  Minibatches minibatches_;
  Evaluator evaluator_;
  std::int64_t update_ = 0, next_update_ = 0;
  std::unique_ptr<const EncodedInputs> inputs_, next_inputs_;  // of them
  std::int64_t n_sample_steps_ = 0;
};

}  // namespace spikelane
