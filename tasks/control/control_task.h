// The built-in environments as TaskPorts.
#pragma once

#include "engine/run/closed_loop.h"

namespace spikelane {

TaskPort cartpole_port();
TaskPort pendulum_port();

void draw_cartpole(const TaskPort& port, void* world, const double* state,
                   std::vector<float>& segments);
void draw_pendulum(const TaskPort& port, void* world, const double* state,
                   std::vector<float>& segments);

}  // namespace spikelane
