// Closed loops with the built-in environments on CUDA: trainings and tests give the CPU's
// bits.
#include <doctest/doctest.h>

#include "engine/run/episode_trials.h"
#include "engine/run/es_trainer.h"
#include "tests/cuda/cuda_kernels.h"
#include "tests/run/closed_loop_config.h"

namespace spikelane::test {

TEST_CASE("cuda: closed loops train to the bits of the CPU, in both layouts") {
  const KernelTable* cuda = cuda_kernels_or_skip();
  if (!cuda) return;
  ThreadPool pool(1);
  int i_task = 0;
  for (const std::string& task : kLoopTasks) {
    // a row a block, and one a warp
    RunConfig config = loop_config(task, i_task++ < 2 ? 40 : 9);
    config.task.control.max_steps = 30;
    const TaskData data = load_task(config);
    for (const LayoutChoice layout : {LayoutChoice::kSampleLanes, LayoutChoice::kNeuronLanes}) {
      CAPTURE(task);
      CAPTURE(static_cast<int>(layout));
      PlanOptions options;
      options.layout = layout;
      std::string hashes[2];
      double returns[2];
      std::int64_t n_sample_steps[2];
      std::vector<std::string> tests[2];
      std::vector<double> test_scores[2];
      for (int i = 0; i < 2; ++i) {
        const KernelTable& kernels = i == 0 ? *find_kernels("") : *cuda;
        EsTrainer trainer(
            config, kernels, pool,
            std::make_unique<EpisodeTrials>(config, options, kernels, pool, *data.loop));
        trainer.update();
        returns[i] = *trainer.update().mean_return;
        // of the mean: fewer episodes than a tile, and all
        EpisodeTest test(config, options, kernels, pool, *data.loop);
        for (const int n : {3, 0}) {
          const TestScores scores = test.run(trainer.parameters(), n);
          tests[i].push_back(test.state_hash());
          test_scores[i].push_back(*scores.mean_return);
          for (const auto& [name, rate] : scores.firing_rate) test_scores[i].push_back(rate);
        }
        n_sample_steps[i] = trainer.sample_steps_per_update();
        hashes[i] = trainer.state_hash();
      }
      CHECK(hashes[1] == hashes[0]);
      CHECK(returns[1] == returns[0]);
      CHECK(tests[1] == tests[0]);
      CHECK(test_scores[1] == test_scores[0]);
      CHECK(test_scores[0][1] > 0.0);  // it spikes
      CHECK(n_sample_steps[1] == n_sample_steps[0]);
    }
  }
}

}  // namespace spikelane::test
