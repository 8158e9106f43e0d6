// Environments of Gymnasium 1.4.0 as values of the keys of task "mujoco": observation, reward,
// limits, start, physics steps and the longest episode. They are defaults, which keys in the config
// replace. The models are Gymnasium's own files, found where it is installed.
#pragma once

#include "engine/config/run_config.h"

namespace spikelane {

/// Fills `mujoco` and the longest episode of `control` with the values of `kind`.
void apply_environment(EnvironmentKind kind, MujocoConfig& mujoco, ControlConfig& control);

}  // namespace spikelane
