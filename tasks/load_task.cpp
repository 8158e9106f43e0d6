#include "tasks/load_task.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "engine/config/user_error.h"
#include "tasks/array/array_task.h"
#include "tasks/control/control_task.h"
#include "tasks/control/environments.h"
#include "tasks/data_path.h"
#include "tasks/mnist/mnist_task.h"
#include "tasks/mujoco/gymnasium_path.h"
#include "tasks/mujoco/mujoco_task.h"
#include "tasks/randman/randman.h"

namespace spikelane {

namespace {

constexpr std::int64_t kLargestSize = std::numeric_limits<std::int32_t>::max();

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::filesystem::path array_path(const TaskConfig& task, const std::string& data_dir,
                                 const std::string& config_path) {
  return find_data_file(task.array.file, data_dir, config_path, "task.file",
                        "it is a safetensors file with `inputs` (B, T, I) and optional `labels` "
                        "(B), written for example by Python's safetensors.numpy.save_file");
}

// a product of sizes that saturates instead of overflowing
std::int64_t product(std::initializer_list<std::int64_t> sizes) {
  std::int64_t n = 1;
  for (const std::int64_t size : sizes) {
    if (size > 0 && n > std::numeric_limits<std::int64_t>::max() / size) {
      return std::numeric_limits<std::int64_t>::max();
    }
    n *= size;
  }
  return n;
}

TaskShape describe_randman(const RandmanConfig& config) {
  std::vector<Problem> problems;
  const auto check_at_least_1 = [&](const char* key, int value) {
    if (value >= 1) return;
    problems.push_back({std::string("task.") + key, std::to_string(value), "an integer >= 1"});
  };
  check_at_least_1("n_classes", config.n_classes);
  check_at_least_1("n_units", config.n_units);
  check_at_least_1("dim_manifold", config.dim_manifold);
  check_at_least_1("n_samples_per_class", config.n_samples_per_class);
  check_at_least_1("n_steps", config.n_steps);
  check_at_least_1("n_spikes", config.n_spikes);
  if (!(config.alpha > 0.0) || !std::isfinite(config.alpha)) {
    problems.push_back({"task.alpha", number_text(config.alpha), "a number > 0"});
  }
  if (!(config.step_fraction > 0.0 && config.step_fraction <= 1.0)) {
    problems.push_back(
        {"task.step_fraction", number_text(config.step_fraction), "a number > 0, up to 1"});
  }
  if (config.seed > std::numeric_limits<std::uint32_t>::max()) {
    problems.push_back({"task.seed", std::to_string(config.seed), "0 to 4294967295"});
  }
  if (!problems.empty()) throw UserError(std::move(problems));

  // what is made has to fit the memory of a machine: samples and spikes stay below 2^31
  const std::int64_t n_samples = product({config.n_classes, config.n_samples_per_class});
  const std::int64_t n_spikes = product({n_samples, config.n_units, config.n_spikes});
  const std::int64_t n_terms =
      product({config.n_units, config.dim_manifold, 3, n_randman_frequencies(config.alpha)});
  const std::int64_t n_points = product({config.n_samples_per_class, config.dim_manifold});
  if (n_spikes > kLargestSize) {
    throw UserError("task", std::to_string(n_spikes) + " spikes in all",
                    "n_classes * n_samples_per_class * n_units * n_spikes up to 2147483647");
  }
  if (n_terms > kLargestSize || n_points > kLargestSize) {
    throw UserError("task.dim_manifold", std::to_string(config.dim_manifold),
                    "a manifold of at most 2147483647 terms and coordinates");
  }
  if (config.n_test < 0 || config.n_test >= n_samples) {
    throw UserError("task.n_test", std::to_string(config.n_test),
                    "0 to " + std::to_string(n_samples - 1) +
                        ", there are n_classes * n_samples_per_class = " +
                        std::to_string(n_samples) + " samples");
  }

  TaskShape shape;
  shape.n_inputs = config.n_units;
  shape.n_steps = config.n_steps;
  shape.n_classes = config.n_classes;
  shape.n_train = static_cast<int>(n_samples) - config.n_test;
  shape.n_test = config.n_test == 0 ? shape.n_train : config.n_test;
  return shape;
}

TaskShape describe_array_task(const ArrayConfig& config, const std::filesystem::path& path) {
  const ArrayShape array = describe_array(config, path);
  TaskShape shape;
  shape.n_inputs = array.n_inputs;
  shape.n_steps = array.n_steps;
  shape.n_classes = array.n_classes;
  shape.n_train = array.n_samples - config.n_test;
  shape.n_test = config.n_test == 0 ? shape.n_train : config.n_test;
  return shape;
}

TaskShape describe_mnist_task(const MnistConfig& config, const MnistFiles& files) {
  const MnistShape mnist = describe_mnist(config, files);
  TaskShape shape;
  shape.n_inputs = mnist.n_inputs;
  shape.n_steps = mnist.n_steps;
  shape.n_classes = kMnistClasses;
  shape.n_train = mnist.n_train;
  shape.n_test = mnist.n_test;
  return shape;
}

// nothing in a build that cannot read it
std::filesystem::path mujoco_file(const std::string& model, const std::string& data_dir,
                                  const std::string& config_path) {
  if (!has_mujoco()) return {};
  if (is_gymnasium_model(model)) return find_gymnasium_model(model, "task.model");
  return find_data_file(model, data_dir, config_path, "task.model",
                        "it is an MJCF file; tasks/mujoco/models has some");
}

std::shared_ptr<const ClosedLoop> load_loop(const TaskConfig& task, const std::string& data_dir,
                                            const std::string& config_path) {
  if (task.kind == TaskKind::kMujoco)
    return load_mujoco(task.mujoco, task.control,
                       mujoco_file(task.mujoco.model, data_dir, config_path));
  if (task.kind == TaskKind::kCartpole)
    return std::make_shared<const ClosedLoop>(task.control, cartpole_port(), draw_cartpole, nullptr,
                                              static_cast<int>(BuiltIn::kCartpole));
  return std::make_shared<const ClosedLoop>(task.control, pendulum_port(), draw_pendulum, nullptr,
                                            static_cast<int>(BuiltIn::kPendulum));
}

TaskShape describe_loop(const ClosedLoop& loop) {
  TaskShape shape;
  shape.n_inputs = loop.n_inputs();
  shape.n_steps = loop.n_steps();
  shape.n_classes = loop.n_outputs();
  shape.n_train = loop.config().n_episodes;
  shape.n_test = loop.config().n_test_episodes;
  return shape;
}

}  // namespace

TaskShape describe_task(const TaskConfig& task, const std::string& data_dir,
                        const std::string& config_path) {
  if (task.kind == TaskKind::kArray) {
    return describe_array_task(task.array, array_path(task, data_dir, config_path));
  }
  if (task.kind == TaskKind::kMnist) {
    return describe_mnist_task(task.mnist, find_mnist_files(task.mnist, data_dir, config_path));
  }
  if (task.is_control()) return describe_loop(*load_loop(task, data_dir, config_path));
  return describe_randman(task.randman);
}

TaskShape describe_task(const RunConfig& config) {
  return describe_task(config.task, config.data_dir, config.config_path);
}

std::string physics_library(const TaskConfig& task) {
  return task.kind == TaskKind::kMujoco ? std::string("MuJoCo ") + mujoco_version() : "";
}

TaskData load_task(const RunConfig& config) {
  if (config.task.kind == TaskKind::kArray) {
    return load_array(config.task.array,
                      array_path(config.task, config.data_dir, config.config_path), config.seed);
  }
  if (config.task.kind == TaskKind::kMnist) {
    const MnistConfig& mnist = config.task.mnist;
    return load_mnist(mnist, find_mnist_files(mnist, config.data_dir, config.config_path),
                      config.seed);
  }
  if (config.task.is_control()) {
    TaskData data;
    data.loop = load_loop(config.task, config.data_dir, config.config_path);
    if (config.task.kind == TaskKind::kMujoco)
      data.model_fingerprint = mujoco_fingerprint(*data.loop);
    return data;
  }
  describe_randman(config.task.randman);
  return make_randman(config.task.randman);
}

}  // namespace spikelane
