// One MuJoCo model and what the task knows of it, and how a world is stepped.
#pragma once

#include <memory>
#include <vector>

#include "engine/config/run_config.h"
#include "kernels/step/task_port.h"
#include "tasks/mujoco/mujoco_terms.h"

namespace spikelane {

struct MujocoModel {
  struct Free {
    void operator()(mjModel* model) const { mj_deleteModel(model); }
  };
  std::unique_ptr<mjModel, Free> model;
  MujocoConfig config;
  int body = -1;      // -1: nothing asks for one
  int keyframe = -1;  // -1: the model's own start
  std::vector<MujocoValue> observations;
  std::vector<MujocoReward> reward_terms;
  std::vector<MujocoCondition> conditions;
  std::vector<MujocoDraw> draws;
  MujocoValue forward_of;  // part.n = 0: nothing
  bool needs_contact_forces = false;
  int n_kept = 0;  // doubles of mujoco_state_size
  struct Control {
    int index;
    double middle, half_range;  // control = middle + half_range * action
  };
  std::vector<Control> controls;

  int n_observations() const;
  /// What `forward_of` was, then mjData's state.
  int n_state() const { return 1 + n_kept; }
};

/// The port of `model`, which must outlive it.
TaskPort mujoco_port(const MujocoModel& model);

/// Capsules, cylinders and boxes by their long axis, spheres by a short line.
void draw_mujoco(const TaskPort& port, void* world, const double* state,
                 std::vector<float>& segments);

}  // namespace spikelane
