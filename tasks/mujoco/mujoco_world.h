// One MuJoCo model and what the task knows of it, and how a world is stepped.
#pragma once

#include <mujoco/mujoco.h>

#include <memory>
#include <vector>

#include "engine/config/run_config.h"
#include "kernels/step/task_port.h"

namespace spikelane {

struct MujocoModel {
  struct Free {
    void operator()(mjModel* model) const { mj_deleteModel(model); }
  };
  std::unique_ptr<mjModel, Free> model;
  MujocoConfig config;
  int body = 0;
  struct Sensor {
    int address, n;
  };
  std::vector<Sensor> sensors;
  struct Actuator {
    int index;
    double middle, half_range;  // control = middle + half_range * action
  };
  std::vector<Actuator> actuators;

  int n_observations() const;
  int n_state() const { return 2 + model->nq + 2 * model->nv + model->na; }
};

/// The port of `model`, which must outlive it.
TaskPort mujoco_port(const MujocoModel& model);

/// Capsules, cylinders and boxes by their long axis, spheres by a short line.
void draw_mujoco(const TaskPort& port, void* world, const double* state,
                 std::vector<float>& segments);

}  // namespace spikelane
