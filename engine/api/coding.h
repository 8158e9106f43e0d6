// What stands between a host's numbers and the network: nothing, or the codes of a control task
// (kernels/step/observation_code.h), so that a policy trained in the engine's own environments is
// stepped with raw observations and gives actions.
#pragma once

#include <memory>
#include <span>

#include "engine/report/policy_file.h"
#include "engine/run/closed_loop.h"

namespace spikelane {

class ApiCoding {
 public:
  /// Raw: inputs and outputs as they are, whatever the task. Throws UserError where the task's
  /// codes do not fit the network.
  ApiCoding(const RunConfig& config, bool is_raw);

  int n_observations() const { return n_observations_; }  // I
  int n_actions() const { return n_actions_; }            // O
  bool is_raw() const { return loop_ == nullptr; }
  /// The codes, where it is not raw.
  const ClosedLoop& loop() const { return *loop_; }
  /// Network steps in each step of the host.
  int n_steps() const { return loop_ ? loop_->view().control_steps : 1; }

  /// What one step of the host stands for in its world: the environment's step, or the network's
  /// where there is no environment. 0 where a MuJoCo model, which is not read here, decides it.
  double control_period_ms() const { return control_period_ms_; }

  /// One row: observations (I) into the network's inputs, output values into actions (O).
  void encode(const float* observations, float* inputs) const;
  void decode(const float* outputs, float* actions) const;

 private:
  int n_observations_, n_actions_;
  double control_period_ms_;
  std::unique_ptr<const ClosedLoop> loop_;
};

}  // namespace spikelane
