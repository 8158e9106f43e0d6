// What must hold between several keys, after each of them was read.
#pragma once

#include "engine/config/problems.h"
#include "engine/config/run_config.h"

namespace spikelane {

/// What a task is found to have; n_classes is 0 where there are no labels, and in a control task
/// the number of readouts that its actions need.
struct TaskSizes {
  long n_inputs = 0, n_steps = 0, n_classes = 0, n_train = 0, n_test = 0;
};

/// Everything that can be said without data. Keeps quiet about keys that are reported already.
/// `is_phase_list` says whether the user wrote rule.phases or the short form, rule.searched.
void check_config(const RunConfig& config, bool is_phase_list, Problems& problems);

/// What a control task asks of the rest of the config; called by check_config.
void check_control(const RunConfig& config, Problems& problems);

/// The config against the sizes of its task.
void check_task_sizes(const RunConfig& config, const TaskSizes& sizes, Problems& problems);

}  // namespace spikelane
