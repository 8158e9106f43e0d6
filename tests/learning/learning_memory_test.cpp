// What a config is said to need is what trainers then hold.
#include "engine/learning/learning_memory.h"

#include <doctest/doctest.h>

#include "engine/run/kernl_trainer.h"
#include "engine/run/online_trainer.h"
#include "tasks/scenes/scenes.h"

namespace spikelane::test {

TEST_CASE("learning memory: an estimate from the config, close and never too much") {
  RunConfig config;
  PopulationDescription first, second, output;
  first.name = "first";
  first.model = NeuronModel::kAlif;
  first.n = 70;
  first.adaptation = {0.5};
  first.adaptation_decay = {0.99};
  second = first;
  second.name = "second";
  second.n = 40;
  second.adaptation = {0.0};
  output.name = "output";
  output.model = NeuronModel::kReadout;
  output.n = 3;
  config.network.n_inputs = 30;
  config.network.populations = {first, second, output};
  config.network.projections = {{"input", "first", {}, false, {}, {}, {}},
                                {"first", "first", {}, false, {}, {}, {}},
                                {"first", "second", {}, false, {}, {}, {}},
                                {"second", "output", {}, true, {}, {}, {}}};
  config.rule.kind = RuleKind::kKernl;
  config.rule.kernl.batch = 50;
  constexpr int kSteps = 400, kThreads = 3;
  const Dataset data = random_events({60, kSteps, 30, 3, 7}, 0.1, 60, 0.1);
  ThreadPool pool(kThreads);
  const KernelTable& kernels = *runnable_kernels().back();
  for (const KernlMode mode : {KernlMode::kTrial, KernlMode::kOnline})
    for (const SensitivityKind kind : {SensitivityKind::kIdentity, SensitivityKind::kOneHop}) {
      if (mode == KernlMode::kOnline && kind != SensitivityKind::kIdentity) continue;
      INFO("mode ", static_cast<int>(mode), ", sensitivity ", static_cast<int>(kind));
      config.rule.kernl.mode = mode;
      config.rule.kernl.sensitivity.kind = kind;
      const LearningMemory memory = learning_memory(config, kSteps, 50);
      double held = 0.0;
      if (mode == KernlMode::kTrial) {
        KernlTrainer trainer(config, {}, kernels, pool, data);
        trainer.update();
        held = static_cast<double>(trainer.n_bytes());
      } else {
        held = static_cast<double>(OnlineTrainer(config, {}, kernels, pool, data).n_bytes());
      }
      const double said = kThreads * memory.n_thread_bytes + memory.n_batch_bytes;
      CHECK(said <= held);
      CHECK(said >= 0.9 * held);
    }
}

}  // namespace spikelane::test
