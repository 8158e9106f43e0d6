// MuJoCo worlds as a TaskPort. An MJCF file's named sensors are the observations, its named
// actuators the actions; the reward is made of a body's way along x, its health and the control's
// cost. In builds without MuJoCo load_mujoco says so.
//
// A row's state lies in the engine's buffers, as (time, x of the body, qpos, qvel, act, the
// solver's warm start); a thread's mjData is filled from it before each control step. So a row's
// course hangs on nothing that another one has done, and MuJoCo gives the same bits for any number
// of threads. They are the bits of this machine's MuJoCo and C library, not of every machine's.
#pragma once

#include <filesystem>
#include <memory>

#include "engine/run/closed_loop.h"

namespace spikelane {

/// Whether this build can step MuJoCo worlds.
bool has_mujoco();

/// "2.2.2", or nothing.
const char* mujoco_version();

/// Loads `file`. Throws UserError, with all that is wrong, for a file that MuJoCo does not accept,
/// names that it does not have, an integrator that cannot be cut into control steps, and physics
/// that is unstable at rest.
std::shared_ptr<const ClosedLoop> load_mujoco(const MujocoConfig& config,
                                              const ControlConfig& control,
                                              const std::filesystem::path& file);

/// Fingerprint of the model that `loop`, from load_mujoco, steps: XXH64 over the library's version
/// and the model as the library compiled it, 16 hex digits. Comments and names of files in the MJCF
/// do not enter.
std::string mujoco_fingerprint(const ClosedLoop& loop);

}  // namespace spikelane
