#include "tasks/control/control_task.h"

#include "tasks/control/environments.h"

namespace spikelane {

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
