#if defined(SPIKELANE_HAS_MUJOCO)

#include "tasks/mujoco/mujoco_world.h"

#include <algorithm>
#include <cmath>

#include "tasks/mujoco/mujoco_task.h"

namespace spikelane {
namespace {

const MujocoModel& model_of(const TaskPort& port) {
  return *static_cast<const MujocoModel*>(port.model);
}

mjData* data_of(void* world) { return static_cast<mjData*>(world); }

void* make_world(const TaskPort& port) { return mj_makeData(model_of(port).model.get()); }

void free_world(void* world) { mj_deleteData(data_of(world)); }

double forward_position(const MujocoModel& model, const mjData* d) {
  return model.forward_of.part.n == 0 ? 0.0 : model.forward_of.sum(model.model.get(), d);
}

void observe(const MujocoModel& model, const mjData* d, float* observation) {
  for (const MujocoValue& value : model.observations)
    observation = value.evaluate(model.model.get(), d, observation);
}

constexpr int kInstabilities[] = {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC, mjWARN_BADCTRL};

void forget_warnings(mjData* d) {
  for (const int kind : kInstabilities) d->warning[kind].number = 0;
}

bool is_unstable(const mjData* d) {
  return std::any_of(std::begin(kInstabilities), std::end(kInstabilities),
                     [&](int kind) { return d->warning[kind].number != 0; });
}

// positions and velocities that MuJoCo would call bad in its next step
bool has_bad_numbers(const mjModel* m, const mjData* d) {
  const auto is_bad = [](double x) { return mju_isBad(x) != 0; };
  return std::any_of(d->qpos, d->qpos + m->nq, is_bad) ||
         std::any_of(d->qvel, d->qvel + m->nv, is_bad);
}

void draw_start(const MujocoModel& model, const RandomKey& key, mjData* d) {
  const mjModel* m = model.model.get();
  const auto uniform = [&](std::int64_t i) { return static_cast<double>(random_uniform(i, key)); };
  const double noise = model.config.reset_noise;
  for (int i = 0; i < m->nq; ++i) d->qpos[i] += noise * (2.0 * uniform(i) - 1.0);
  const MujocoReset& reset = model.config.reset;
  // normals pair up from an even index of their own
  const std::int64_t first = m->nq, first_normal = (std::int64_t{1} << 24);
  for (int i = 0; i < m->nv; ++i)
    d->qvel[i] +=
        reset.noise_velocity * (reset.distribution == VelocityNoise::kUniform
                                    ? 2.0 * uniform(first + i) - 1.0
                                    : static_cast<double>(random_normal(first_normal + i, key)));
  std::int64_t next = first + m->nv;
  for (const MujocoDraw& draw : model.draws) {
    double* at = (draw.is_velocity ? d->qvel : d->qpos) + draw.begin;
    // the last of so many draws is taken, whatever its norm
    constexpr int kMostDraws = 10'000;
    for (int n = 0; n < kMostDraws; ++n) {
      double squares = 0.0;
      for (int i = 0; i < draw.n; ++i) {
        const auto k = static_cast<std::size_t>(i);
        at[i] = draw.low[k] + (draw.high[k] - draw.low[k]) * uniform(next++);
        squares += at[i] * at[i];
      }
      const double norm = std::sqrt(squares);
      if (norm > draw.min_norm && norm < draw.max_norm) break;
    }
  }
}

void begin_episode(const MujocoModel& model, mjData* d, double* state, float* observation) {
  const mjModel* m = model.model.get();
  mj_forward(m, d);
  // Gymnasium's contact forces are zero until the first step
  if (model.needs_contact_forces && model.config.kinematics == KinematicsKind::kUpdated)
    mj_rnePostConstraint(m, d);
  state[0] = forward_position(model, d);
  save_mujoco_state(m, d, state + 1);
  observe(model, d, observation);
}

void reset_world(const TaskPort& port, void* world, const RandomKey& key, double* state,
                 float* observation) {
  const MujocoModel& model = model_of(port);
  const mjModel* m = model.model.get();
  mjData* d = data_of(world);
  if (model.keyframe >= 0)
    mj_resetDataKeyframe(m, d, model.keyframe);
  else
    mj_resetData(m, d);
  draw_start(model, key, d);
  if (model.config.kinematics == KinematicsKind::kUpdated) mj_normalizeQuat(m, d->qpos);
  begin_episode(model, d, state, observation);
}

bool is_healthy(const MujocoModel& model, const mjData* d) {
  const MujocoConfig& c = model.config;
  if (model.body >= 0) {
    const double height = d->xpos[3 * model.body + 2], upright = d->xmat[9 * model.body + 8];
    if (!(height >= c.min_height && height <= c.max_height && upright >= c.min_upright))
      return false;
  }
  return std::all_of(model.conditions.begin(), model.conditions.end(),
                     [&](const auto& condition) { return condition.holds(model.model.get(), d); });
}

// the reward of a control step that ended well; `squares` of actions and of controls
double reward_of(const MujocoModel& model, const mjData* d, double speed, bool is_within,
                 double action_squares, double control_squares) {
  const MujocoConfig& c = model.config;
  double reward =
      (c.forward * speed + (is_within ? c.healthy : 0.0)) -
      c.control_cost_mean * (action_squares / static_cast<double>(model.controls.size()));
  if (c.control_cost_sum != 0.0) reward -= c.control_cost_sum * control_squares;
  for (const MujocoReward& term : model.reward_terms) reward += term.evaluate(model.model.get(), d);
  return reward;
}

StepOutcome step_world(const TaskPort& port, void* world, const float* action, double* state,
                       float* observation) {
  const MujocoModel& model = model_of(port);
  const mjModel* m = model.model.get();
  mjData* d = data_of(world);
  load_mujoco_state(m, state + 1, d);
  forget_warnings(d);
  double action_squares = 0.0, control_squares = 0.0;
  for (std::size_t k = 0; k < model.controls.size(); ++k) {
    const MujocoModel::Control& control = model.controls[k];
    const double a = static_cast<double>(action[k]);
    const double u = control.middle + control.half_range * a;
    d->ctrl[control.index] = u;
    action_squares += a * a;
    control_squares += u * u;
  }
  for (int i = 0; i < model.config.physics_steps && !is_unstable(d); ++i) mj_step(m, d);
  if (is_unstable(d) || has_bad_numbers(m, d)) return {0.0, EpisodeEnd::kUnstable};
  // so that what is computed from positions and velocities is that of the new state too
  if (model.config.kinematics == KinematicsKind::kUpdated) mj_step1(m, d);
  if (model.needs_contact_forces) mj_rnePostConstraint(m, d);
  const double x_before = state[0];
  state[0] = forward_position(model, d);
  save_mujoco_state(m, d, state + 1);
  observe(model, d, observation);
  const double duration = m->opt.timestep * model.config.physics_steps;
  const bool is_within = is_healthy(model, d);
  const double reward = reward_of(model, d, (state[0] - x_before) / duration, is_within,
                                  action_squares, control_squares);
  if (!std::isfinite(reward)) return {0.0, EpisodeEnd::kUnstable};
  return {reward, is_within ? EpisodeEnd::kGoesOn : EpisodeEnd::kTerminated};
}

}  // namespace

int MujocoModel::n_observations() const {
  int n = 0;
  for (const MujocoValue& value : observations) n += value.n();
  return n;
}

TaskPort mujoco_port(const MujocoModel& model) {
  return {model.n_observations(),
          static_cast<int>(model.controls.size()),
          0,
          model.n_state(),
          &model,
          reset_world,
          step_world,
          make_world,
          free_world};
}

void start_mujoco(const TaskPort& port, void* world, const double* qpos, const double* qvel,
                  double* state, float* observation) {
  const MujocoModel& model = model_of(port);
  const mjModel* m = model.model.get();
  mjData* d = data_of(world);
  mj_resetData(m, d);
  mju_copy(d->qpos, qpos, static_cast<int>(m->nq));
  mju_copy(d->qvel, qvel, static_cast<int>(m->nv));
  begin_episode(model, d, state, observation);
}

void observe_mujoco(const TaskPort& port, const void* world, double* observation) {
  const MujocoModel& model = model_of(port);
  for (const MujocoValue& value : model.observations)
    observation = value.evaluate(model.model.get(), static_cast<const mjData*>(world), observation);
}

void draw_mujoco(const TaskPort& port, void* world, const double* state,
                 std::vector<float>& segments) {
  const mjModel* m = model_of(port).model.get();
  mjData* d = data_of(world);
  load_mujoco_state(m, state + 1, d);
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
