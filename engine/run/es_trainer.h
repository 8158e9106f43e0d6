// Training by evolution strategies: draw members, run their trials on a common minibatch, shape the
// losses, estimate the gradient from regenerated noise, step the optimiser. Design, section 6.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/learning/members.h"
#include "engine/learning/minibatch.h"
#include "engine/learning/optimiser.h"
#include "engine/run/evaluator.h"

namespace spikelane {

/// What one update did, for reports.
struct UpdateScores {
  double loss = 0.0, accuracy = 0.0;  // means over members and samples
  double gradient_norm = 0.0;
  double trial_s = 0.0, update_s = 0.0;
};

class EsTrainer {
 public:
  /// `config`, `data`, `kernels` and `pool` must outlive it.
  EsTrainer(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
            ThreadPool& pool, const Dataset& data);

  /// The next update. Throws RunError when a state or a loss is not finite; then the mean is still
  /// that of the update before.
  UpdateScores update();

  std::int64_t n_updates() const { return update_; }
  const Plan& plan() const { return *plan_; }
  /// The mean parameters, flat and logical (P).
  const std::vector<float>& mean() const { return mean_; }
  /// The mean as the next update's members see it: tensors that members redraw are redrawn. What
  /// the mean is tested with.
  std::vector<float> tested_parameters();
  std::int64_t sample_steps_per_update() const;

  /// XXH64 over the update counter, the parameters by sorted tensor name, the optimiser's state and
  /// the running hash of all losses: 16 hex digits (design, section 4).
  std::string state_hash() const;

 private:
  std::vector<double> member_losses() const;
  void step_mean(std::span<const double> losses, UpdateScores& scores);

  const RunConfig& config_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  const Dataset& data_;
  std::unique_ptr<const Plan> plan_;
  SearchSchedule schedule_;
  Members members_;
  Minibatches minibatches_;
  Optimiser optimiser_;
  Evaluator evaluator_;
  std::unique_ptr<const EncodedInputs> inputs_;
  TrialScores scores_;
  std::vector<float> mean_, gradient_;  // (P)
  std::int64_t update_ = 0;
  std::uint64_t loss_hash_ = 0;  // every update folds its members' losses in
};

}  // namespace spikelane
