// The built-in environments behind TaskPort's functions; one source for the host and for CUDA.
#pragma once

#include "kernels/step/task_port.h"
#include "tasks/control/cartpole.h"
#include "tasks/control/pendulum.h"

namespace spikelane {

/// ClosedLoop::built_in.
enum class BuiltIn : int { kNone, kCartpole, kPendulum };

namespace SPIKELANE_ISA {

SPIKELANE_HD inline double uniform_between(double low, double high, int64_t index,
                                           const RandomKey& key) {
  return low + (high - low) * static_cast<double>(random_uniform(index, key));
}

SPIKELANE_HD inline void reset_cartpole(const TaskPort&, void*, const RandomKey& key, double* state,
                                        float* observation) {
  for (int i = 0; i < 4; ++i) {
    state[i] = uniform_between(-0.05, 0.05, i, key);
    observation[i] = static_cast<float>(state[i]);
  }
}

SPIKELANE_HD inline StepOutcome step_cartpole_row(const TaskPort&, void*, const float* action,
                                                  double* state, float* observation) {
  CartpoleState s{state[0], state[1], state[2], state[3]};
  const bool has_ended = step_cartpole(s, action[0] != 0.0f ? 1 : 0);
  const double values[] = {s.x, s.x_dot, s.theta, s.theta_dot};
  for (int i = 0; i < 4; ++i) {
    state[i] = values[i];
    observation[i] = static_cast<float>(values[i]);
  }
  return {1.0, has_ended ? EpisodeEnd::kTerminated : EpisodeEnd::kGoesOn};
}

SPIKELANE_HD inline void observe_pendulum(const double* state, float* observation) {
  observation[0] = static_cast<float>(own_cos(state[0]));
  observation[1] = static_cast<float>(own_sin(state[0]));
  observation[2] = static_cast<float>(state[1]);
}

SPIKELANE_HD inline void reset_pendulum(const TaskPort&, void*, const RandomKey& key, double* state,
                                        float* observation) {
  constexpr double kPi = 3.141592653589793;
  state[0] = uniform_between(-kPi, kPi, 0, key);
  state[1] = uniform_between(-1.0, 1.0, 1, key);
  observe_pendulum(state, observation);
}

SPIKELANE_HD inline StepOutcome step_pendulum_row(const TaskPort&, void*, const float* action,
                                                  double* state, float* observation) {
  PendulumState s{state[0], state[1]};
  const double reward = step_pendulum(s, action[0] * kPendulumMaxTorque);
  state[0] = s.theta;
  state[1] = s.theta_dot;
  observe_pendulum(state, observation);
  return {reward, EpisodeEnd::kGoesOn};
}

}  // namespace SPIKELANE_ISA
}  // namespace spikelane
