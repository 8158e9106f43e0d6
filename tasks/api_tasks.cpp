// Tells the API of the tasks, in libraries that hold this object.
#include "engine/api/task_loader.h"
#include "tasks/load_task.h"

namespace spikelane {
namespace {

ApiTaskShape describe(const RunConfig& config) {
  const TaskShape shape = describe_task(config);
  return {shape.n_inputs, shape.n_steps, shape.n_classes, shape.n_train, shape.n_test};
}

const TaskLoader kLoader{describe, load_task};
[[maybe_unused]] const bool kIsSet = (task_loader() = &kLoader) != nullptr;

}  // namespace
}  // namespace spikelane
