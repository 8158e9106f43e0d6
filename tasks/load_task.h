// From the config's "task" to its data. The one place that knows all data tasks.
#pragma once

#include "engine/config/run_config.h"
#include "engine/run/task.h"

namespace spikelane {

/// Sizes of a task, known before its data is made.
struct TaskShape {
  int n_inputs = 0, n_steps = 0;
  int n_classes = 0;  // 0: no labels; control tasks: readouts that the actions need
  int n_train = 0,
      n_test = 0;  // samples or episodes; n_test is n_train where the training samples are tested
};

/// Checks what can be checked without making the data and returns the sizes: randman from the
/// config alone, array from the file's header and labels, mnist from the files' headers. `data_dir`
/// and `config_path` as in RunConfig. Throws UserError with all problems found.
TaskShape describe_task(const TaskConfig& task, const std::string& data_dir,
                        const std::string& config_path);
TaskShape describe_task(const RunConfig& config);

/// The physics library that steps a task's worlds, "MuJoCo 2.2.2"; empty where none does.
std::string physics_library(const TaskConfig& task);

/// Makes or reads the data. Throws UserError as describe_task, and for values in files.
TaskData load_task(const RunConfig& config);

}  // namespace spikelane
