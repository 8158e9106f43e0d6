#include "tools/baseline_controller.h"

#include <algorithm>

namespace spikelane {
namespace {

struct BaselineModel {
  TaskPort inner;
  Baseline baseline;
};

const BaselineModel& model_of(const TaskPort& port) {
  return *static_cast<const BaselineModel*>(port.model);
}

// behind the environment's own state: what its random numbers are keyed by (seed in two halves,
// update, stream, episode) and the step
constexpr int kCounters = 6;
constexpr int kMaxActions = 256;

void reset(const TaskPort& port, void* world, const RandomKey& key, double* state,
           float* observation) {
  const TaskPort& inner = model_of(port).inner;
  inner.reset(inner, world, key, state, observation);
  double* counters = state + inner.n_state;
  counters[0] = static_cast<double>(key.seed & 0xFFFFFFFFu);
  counters[1] = static_cast<double>(key.seed >> 32);
  counters[2] = key.update;
  counters[3] = static_cast<double>(key.stream);
  counters[4] = key.member;
  counters[5] = 0.0;
}

StepOutcome step(const TaskPort& port, void* world, const float*, double* state,
                 float* observation) {
  const BaselineModel& model = model_of(port);
  const TaskPort& inner = model.inner;
  double* counters = state + inner.n_state;
  counters[5] += 1.0;
  // steps count from 1, so these are not the numbers of the start
  const RandomKey key{
      static_cast<std::uint64_t>(counters[0]) | static_cast<std::uint64_t>(counters[1]) << 32,
      static_cast<std::uint32_t>(counters[5]), static_cast<std::uint32_t>(counters[2]),
      static_cast<Stream>(static_cast<std::uint32_t>(counters[3])),
      static_cast<std::uint32_t>(counters[4])};
  float action[kMaxActions] = {};
  if (model.baseline == Baseline::kRandom && inner.is_discrete) {
    const float choice = random_uniform(0, key) * static_cast<float>(inner.n_actions);
    action[0] = static_cast<float>(static_cast<int>(choice));
  } else if (model.baseline == Baseline::kRandom) {
    for (int k = 0; k < std::min(inner.n_actions, kMaxActions); ++k)
      action[k] = 2.0f * random_uniform(k, key) - 1.0f;
  }
  return inner.step(inner, world, action, state, observation);
}

void* make_world(const TaskPort& port) {
  const TaskPort& inner = model_of(port).inner;
  return inner.make_world(inner);
}

}  // namespace

std::shared_ptr<const ClosedLoop> with_baseline(const ClosedLoop& loop, Baseline baseline) {
  const auto model =
      std::make_shared<const BaselineModel>(BaselineModel{loop.view().port, baseline});
  TaskPort port = model->inner;
  port.model = model.get();
  port.n_state += kCounters;
  port.reset = reset;
  port.step = step;
  if (port.make_world) port.make_world = make_world;
  return std::make_shared<const ClosedLoop>(loop.config(), port, nullptr, model);
}

}  // namespace spikelane
