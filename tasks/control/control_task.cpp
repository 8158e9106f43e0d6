#include "tasks/control/control_task.h"

#include "tasks/control/cartpole.h"
#include "tasks/control/pendulum.h"

namespace spikelane {
namespace {

double uniform(double low, double high, std::int64_t index, const RandomKey& key) {
  return low + (high - low) * static_cast<double>(random_uniform(index, key));
}

void reset_cartpole(const TaskPort&, void*, const RandomKey& key, double* state,
                    float* observation) {
  for (int i = 0; i < 4; ++i) {
    state[i] = uniform(-0.05, 0.05, i, key);
    observation[i] = static_cast<float>(state[i]);
  }
}

StepOutcome step_cartpole_row(const TaskPort&, void*, const float* action, double* state,
                              float* observation) {
  CartpoleState s{state[0], state[1], state[2], state[3]};
  const bool has_ended = step_cartpole(s, action[0] != 0.0f ? 1 : 0);
  const double values[] = {s.x, s.x_dot, s.theta, s.theta_dot};
  for (int i = 0; i < 4; ++i) {
    state[i] = values[i];
    observation[i] = static_cast<float>(values[i]);
  }
  return {1.0, has_ended ? EpisodeEnd::kTerminated : EpisodeEnd::kGoesOn};
}

void observe_pendulum(const double* state, float* observation) {
  observation[0] = static_cast<float>(own_cos(state[0]));
  observation[1] = static_cast<float>(own_sin(state[0]));
  observation[2] = static_cast<float>(state[1]);
}

void reset_pendulum(const TaskPort&, void*, const RandomKey& key, double* state,
                    float* observation) {
  constexpr double kPi = 3.141592653589793;
  state[0] = uniform(-kPi, kPi, 0, key);
  state[1] = uniform(-1.0, 1.0, 1, key);
  observe_pendulum(state, observation);
}

StepOutcome step_pendulum_row(const TaskPort&, void*, const float* action, double* state,
                              float* observation) {
  PendulumState s{state[0], state[1]};
  const double reward = step_pendulum(s, action[0] * kPendulumMaxTorque);
  state[0] = s.theta;
  state[1] = s.theta_dot;
  observe_pendulum(state, observation);
  return {reward, EpisodeEnd::kGoesOn};
}

}  // namespace

TaskPort cartpole_port() {
  return {4, 2, 1, 4, nullptr, reset_cartpole, step_cartpole_row, nullptr, nullptr};
}

TaskPort pendulum_port() {
  return {3, 1, 0, 2, nullptr, reset_pendulum, step_pendulum_row, nullptr, nullptr};
}

void draw_cartpole(const TaskPort&, void*, const double* state, std::vector<float>& segments) {
  const auto x = static_cast<float>(state[0]);
  const auto tip_x = x + static_cast<float>(own_sin(state[2]));
  const auto tip_z = static_cast<float>(own_cos(state[2]));
  for (const float value : {x - 0.25f, 0.0f, x + 0.25f, 0.0f, x, 0.0f, tip_x, tip_z})
    segments.push_back(value);
}

void draw_pendulum(const TaskPort&, void*, const double* state, std::vector<float>& segments) {
  // Gymnasium's angle grows anticlockwise, so to the left
  for (const float value :
       {0.0f, 0.0f, -static_cast<float>(own_sin(state[0])), static_cast<float>(own_cos(state[0]))})
    segments.push_back(value);
}

}  // namespace spikelane
