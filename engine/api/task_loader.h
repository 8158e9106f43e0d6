// The built-in tasks as the API sees them. The engine does not know tasks: a library that has some
// sets the loader (tasks/api_tasks.cpp), libspikelane has none.
#pragma once

#include "engine/config/run_config.h"
#include "engine/run/task.h"

namespace spikelane {

/// As TaskShape of the tasks.
struct ApiTaskShape {
  int n_inputs = 0, n_steps = 0, n_classes = 0, n_train = 0, n_test = 0;
};

struct TaskLoader {
  /// Sizes, without making the data. Throws UserError.
  ApiTaskShape (*describe)(const RunConfig& config);
  TaskData (*load)(const RunConfig& config);
};

/// Null where the library has no tasks. Set once, before main.
const TaskLoader*& task_loader();

}  // namespace spikelane
