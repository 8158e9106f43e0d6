// Trainer: what the training loop knows of a rule.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/learning/optimiser.h"
#include "engine/plan/plan.h"
#include "engine/report/results.h"
#include "engine/run/ranks.h"
#include "engine/state/saved_state.h"

namespace spikelane {

/// As many updates as a config may ask for.
inline constexpr std::int64_t kMaxUpdates = 1'000'000'000;

/// What one update did, for reports.
struct UpdateScores {
  double loss = 0.0, accuracy = 0.0;          // means over samples, in ES over the members too
  std::optional<double> gradient_norm = 0.0;  // none: Trainer::last_gradient_norm finds it
  std::optional<double> mean_return;  // closed loops: minus the loss; then accuracy says nothing
  bool is_scored = true;  // false: only a regression ran, and the three numbers above say nothing
  std::optional<double> regression_loss;  // KeRNL that learns its sensitivities
  double trial_s = 0.0, update_s = 0.0;
};

class Trainer {
 public:
  virtual ~Trainer() = default;

  /// Shares the work of the updates that follow with other processes, which must all be in the same
  /// state. The ranks must outlive it.
  virtual void use_ranks(Ranks& ranks) { ranks_ = &ranks; }

  /// The next update. Throws RunError when a state or a loss is not finite; then the parameters are
  /// still those of the update before.
  virtual UpdateScores update() = 0;

  /// Of the last update's gradient, for reports; only for trainers whose scores leave it out.
  virtual double last_gradient_norm() { return 0.0; }

  virtual std::int64_t n_updates() const = 0;
  virtual const Plan& plan() const = 0;
  /// The parameters, flat and logical (P); in ES their mean.
  virtual const std::vector<float>& parameters() const = 0;
  /// What is tested on held-out data.
  virtual std::vector<float> tested_parameters() { return parameters(); }
  /// What the rule learns beside the parameters, for the weight file.
  virtual std::vector<RuleTensor> rule_tensors() const { return {}; }
  virtual std::int64_t sample_steps_per_update() const = 0;

  /// Goes through everything that the next update depends on: to save it, or to put a saved state
  /// back, after which training goes on to the same bits.
  virtual void visit_state(StateVisitor& visitor) = 0;

  /// 16 hex digits over everything that the next update depends on (design, section 4).
  virtual std::string state_hash() const = 0;

 protected:
  Ranks* ranks_ = &one_rank();
};

/// XXH64 over the update counter, the parameters by sorted tensor name, the optimiser's state, the
/// rule's own numbers and the running hash of all losses.
std::string hash_training(std::int64_t update, std::span<const ParameterTensor> tensors,
                          std::span<const float> parameters, const OptimiserState& optimiser,
                          std::span<const float> rule_state, std::uint64_t loss_hash);

}  // namespace spikelane
