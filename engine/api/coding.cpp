#include "engine/api/coding.h"

#include "engine/config/user_error.h"

namespace spikelane {

ApiCoding::ApiCoding(const RunConfig& config, bool is_raw)
    : n_observations_(config.network.n_inputs),
      n_actions_(config.network.populations.back().n),
      control_period_ms_(config.dt_ms) {
  if (is_raw || !config.task.is_control()) return;
  const ObservationConfig& observation = config.task.control.observation;
  const int n_each = observation.coding == ObservationKind::kDirect  ? 1
                     : observation.coding == ObservationKind::kRates ? 2
                                                                     : observation.n_fields;
  if (n_observations_ % n_each != 0)
    throw UserError("network", std::to_string(n_observations_) + " inputs",
                    "a multiple of the " + std::to_string(n_each) +
                        " inputs that task.observation makes of each observation");
  n_observations_ /= n_each;
  // the critic is no action
  n_actions_ -= config.rule.is_acting();
  TaskPort port{};
  port.n_observations = n_observations_;
  port.n_actions = n_actions_;
  port.is_discrete = config.task.kind == TaskKind::kCartpole;
  loop_ = std::make_unique<const ClosedLoop>(config.task.control, port, nullptr);
  if (port.is_discrete) n_actions_ = 1;
  // the environments' own steps (tasks/control); a test compares them
  control_period_ms_ = config.task.kind == TaskKind::kCartpole   ? 20.0
                       : config.task.kind == TaskKind::kPendulum ? 50.0
                                                                 : 0.0;
}

void ApiCoding::encode(const float* observations, float* inputs) const {
  encode_observation(loop_->view().observation, observations, inputs, 1);
}

void ApiCoding::decode(const float* outputs, float* actions) const {
  decode_action(loop_->view().action, outputs, 1, actions);
}

}  // namespace spikelane
