// MuJoCo worlds as a TaskPort, with any MuJoCo from 2.2 to 4.0. Observations, rewards and limits
// are terms over a world's numbers (tasks/mujoco/mujoco_terms.h); actions are the model's controls.
// In builds without MuJoCo load_mujoco says so.
//
// A row's state lies in the engine's buffers: everything the next step depends on, as the library
// itself defines it. A thread's mjData is filled from it before each control step. So a row's
// course depends on nothing that another one has done, and MuJoCo gives the same bits for any
// number of threads. They are the bits of this machine's MuJoCo and C library, not of every
// machine's.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "engine/run/closed_loop.h"

namespace spikelane {

/// Whether this build can step MuJoCo worlds.
bool has_mujoco();

/// "2.2.2", or nothing.
const char* mujoco_version();

/// The file of the library that was loaded, or nothing.
std::string mujoco_library_path();

/// What a run with a model hangs on beside the config.
struct MujocoPrint {
  std::string library;  // "MuJoCo 2.2.2"
  std::string digest;   // XXH64 of the model as the library compiled it, 16 hex digits
};

/// Throws UserError for a file that MuJoCo does not accept, or in a build without it.
MujocoPrint mujoco_print(const std::filesystem::path& file);

/// Loads `file`. Throws UserError, with all that is wrong, for a file that MuJoCo does not accept,
/// names and ranges that it does not have, physics that is unstable at rest, and episodes that end
/// in their first step; RunError where the library is not the version of the headers.
std::shared_ptr<const ClosedLoop> load_mujoco(const MujocoConfig& config,
                                              const ControlConfig& control,
                                              const std::filesystem::path& file);

/// Fingerprint of the model that `loop`, from load_mujoco, steps: XXH64 over the library's version
/// and the model as the library compiled it, 16 hex digits. Comments and names of files in the MJCF
/// do not enter.
std::string mujoco_fingerprint(const ClosedLoop& loop);
/// The start of an episode at given positions (nq) and velocities (nv) in place of a drawn one;
/// `port` and `world` are those of load_mujoco.
void start_mujoco(const TaskPort& port, void* world, const double* qpos, const double* qvel,
                  double* state, float* observation);

/// The observation (n_observations) of the last start or step of `world`, before it is rounded to
/// float32.
void observe_mujoco(const TaskPort& port, const void* world, double* observation);

}  // namespace spikelane
