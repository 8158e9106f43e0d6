#if defined(SPIKELANE_HAS_MUJOCO)

#include "tasks/mujoco/mujoco_world.h"

#include <algorithm>

namespace spikelane {
namespace {

const MujocoModel& model_of(const TaskPort& port) {
  return *static_cast<const MujocoModel*>(port.model);
}

mjData* data_of(void* world) { return static_cast<mjData*>(world); }

void* make_world(const TaskPort& port) { return mj_makeData(model_of(port).model.get()); }

void free_world(void* world) { mj_deleteData(data_of(world)); }

// everything that the next step depends on; the rest of mjData is computed from it
void read_state(const mjModel* m, const double* state, mjData* d) {
  d->time = state[0];
  const double* at = state + 2;
  mju_copy(d->qpos, at, m->nq);
  mju_copy(d->qvel, at += m->nq, m->nv);
  mju_copy(d->act, at += m->nv, m->na);
  mju_copy(d->qacc_warmstart, at + m->na, m->nv);
}

void write_state(const MujocoModel& model, const mjData* d, double* state) {
  const mjModel* m = model.model.get();
  state[0] = d->time;
  state[1] = d->xpos[3 * model.body];
  double* at = state + 2;
  mju_copy(at, d->qpos, m->nq);
  mju_copy(at += m->nq, d->qvel, m->nv);
  mju_copy(at += m->nv, d->act, m->na);
  mju_copy(at + m->na, d->qacc_warmstart, m->nv);
}

void observe(const MujocoModel& model, const mjData* d, float* observation) {
  for (const MujocoModel::Sensor& sensor : model.sensors)
    for (int k = 0; k < sensor.n; ++k)
      *observation++ = static_cast<float>(d->sensordata[sensor.address + k]);
}

constexpr int kInstabilities[] = {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC};

void forget_warnings(mjData* d) {
  for (const int kind : kInstabilities) d->warning[kind].number = 0;
}

bool is_unstable(const mjData* d) {
  return std::any_of(std::begin(kInstabilities), std::end(kInstabilities),
                     [&](int kind) { return d->warning[kind].number != 0; });
}

void reset_world(const TaskPort& port, void* world, const RandomKey& key, double* state,
                 float* observation) {
  const MujocoModel& model = model_of(port);
  const mjModel* m = model.model.get();
  mjData* d = data_of(world);
  mj_resetData(m, d);
  const double noise = model.config.reset_noise;
  for (int i = 0; i < m->nq; ++i)
    d->qpos[i] += noise * (2.0 * static_cast<double>(random_uniform(i, key)) - 1.0);
  for (int i = 0; i < m->nv; ++i)
    d->qvel[i] = noise * (2.0 * static_cast<double>(random_uniform(m->nq + i, key)) - 1.0);
  mj_normalizeQuat(m, d->qpos);
  mj_forward(m, d);
  write_state(model, d, state);
  observe(model, d, observation);
}

StepOutcome step_world(const TaskPort& port, void* world, const float* action, double* state,
                       float* observation) {
  const MujocoModel& model = model_of(port);
  const mjModel* m = model.model.get();
  mjData* d = data_of(world);
  read_state(m, state, d);
  forget_warnings(d);
  double square = 0.0;
  for (std::size_t k = 0; k < model.actuators.size(); ++k) {
    const MujocoModel::Actuator& actuator = model.actuators[k];
    const double a = static_cast<double>(action[k]);
    d->ctrl[actuator.index] = actuator.middle + actuator.half_range * a;
    square += a * a;
  }
  // position and velocity stages come last too, so that sensors and body are those of the new state
  mj_step1(m, d);
  for (int i = 0; i < model.config.physics_steps && !is_unstable(d); ++i) {
    mj_step2(m, d);
    mj_step1(m, d);
  }
  if (is_unstable(d)) return {0.0, EpisodeEnd::kUnstable};
  const double x_before = state[1];
  write_state(model, d, state);
  observe(model, d, observation);
  const double duration = m->opt.timestep * model.config.physics_steps;
  const double height = d->xpos[3 * model.body + 2], upright = d->xmat[9 * model.body + 8];
  const bool is_healthy = height >= model.config.min_height && height <= model.config.max_height &&
                          upright >= model.config.min_upright;
  const double reward =
      (model.config.forward * ((state[1] - x_before) / duration) +
       (is_healthy ? model.config.healthy : 0.0)) -
      model.config.control_cost * (square / static_cast<double>(model.actuators.size()));
  return {reward, is_healthy ? EpisodeEnd::kGoesOn : EpisodeEnd::kTerminated};
}

}  // namespace

int MujocoModel::n_observations() const {
  int n = 0;
  for (const Sensor& sensor : sensors) n += sensor.n;
  return n;
}

TaskPort mujoco_port(const MujocoModel& model) {
  return {model.n_observations(),
          static_cast<int>(model.actuators.size()),
          0,
          model.n_state(),
          &model,
          reset_world,
          step_world,
          make_world,
          free_world};
}

void draw_mujoco(const TaskPort& port, void* world, const double* state,
                 std::vector<float>& segments) {
  const mjModel* m = model_of(port).model.get();
  mjData* d = data_of(world);
  read_state(m, state, d);
  mj_kinematics(m, d);
  for (int g = 0; g < m->ngeom; ++g) {
    const double* size = m->geom_size + 3 * g;
    const double* matrix = d->geom_xmat + 9 * g;
    double axis[3] = {matrix[2], matrix[5], matrix[8]}, half = size[1];
    const int type = m->geom_type[g];
    if (type == mjGEOM_BOX) {
      const int longest = static_cast<int>(std::max_element(size, size + 3) - size);
      for (int k = 0; k < 3; ++k) axis[k] = matrix[3 * k + longest];
      half = size[longest];
    } else if (type == mjGEOM_SPHERE) {
      axis[0] = 1.0;
      axis[1] = axis[2] = 0.0;
      half = size[0];
    } else if (type != mjGEOM_CAPSULE && type != mjGEOM_CYLINDER) {
      continue;
    }
    const double x = d->geom_xpos[3 * g], z = d->geom_xpos[3 * g + 2];
    for (const double value :
         {x - half * axis[0], z - half * axis[2], x + half * axis[0], z + half * axis[2]})
      segments.push_back(static_cast<float>(value));
  }
}

}  // namespace spikelane

#endif
