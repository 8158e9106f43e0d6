// Closed loops: the fused kernel against a loop written out with the reference twin, and the same
// bits for any number of threads, instruction set, layout and cut of the members.
#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

#include "engine/run/episode_trials.h"
#include "engine/run/es_trainer.h"
#include "kernels/reference/twin.h"
#include "tests/run/closed_loop_config.h"

namespace spikelane::test {
namespace {

struct Form {
  const KernelTable* kernels;
  LayoutChoice layout;
  int n_threads;
};

std::vector<Form> all_forms() {
  std::vector<Form> forms;
  for (const KernelTable* kernels : runnable_kernels())
    for (const LayoutChoice layout : {LayoutChoice::kSampleLanes, LayoutChoice::kNeuronLanes})
      forms.push_back({kernels, layout, 1});
  for (const int n_threads : {2, 3, 4})
    forms.push_back({runnable_kernels().back(), LayoutChoice::kAuto, n_threads});
  return forms;
}

PlanOptions options_of(const Form& form) {
  PlanOptions options;
  options.layout = form.layout;
  return options;
}

}  // namespace

TEST_CASE("closed loop: the fused kernel is the loop written out with the twin") {
  for (const std::string& task : kLoopTasks) {
    CAPTURE(task);
    const RunConfig config = loop_config(task, 33);
    const TaskData data = load_task(config);
    const LoopView& loop = data.loop->view();
    const KernelTable& kernels = *runnable_kernels().back();
    ThreadPool pool(1);
    EpisodeTest test(config, {}, kernels, pool, *data.loop);
    const Plan& plan = test.plan();
    const std::vector<float> parameters = draw_start(kernels, plan, config.seed);
    const TestScores scores = test.run(parameters, 0);
    CHECK(scores.firing_rate.at("hidden") > 0.005);
    CHECK(scores.firing_rate.at("hidden") < 0.6);

    std::vector<float> block(static_cast<std::size_t>(plan.n_block_floats()));
    plan.fill_block(parameters.data(), block.data());
    int n_wrong = 0, n_short = 0;
    double sum = 0.0;
    for (int episode = 0; episode < 19; ++episode) {
      reference::Twin twin(plan.view(), block.data());
      std::vector<double> state(static_cast<std::size_t>(loop.port.n_state));
      std::vector<float> observation(static_cast<std::size_t>(loop.port.n_observations));
      std::vector<float> x(static_cast<std::size_t>(data.loop->n_inputs())), action(2);
      const RandomKey key{config.seed, 0, 0, Stream::kTestEnvironment,
                          static_cast<std::uint32_t>(episode)};
      loop.port.reset(loop.port, nullptr, key, state.data(), observation.data());
      double total = 0.0;
      int length = 0;
      for (bool goes_on = true; goes_on && length < loop.max_steps; ++length) {
        encode_observation(loop.observation, observation.data(), x.data(), 1);
        for (int k = 0; k < loop.control_steps; ++k) twin.step(x);
        decode_action(loop.action, twin.population(2).v.data(), 1, action.data());
        const StepOutcome outcome =
            loop.port.step(loop.port, nullptr, action.data(), state.data(), observation.data());
        total += outcome.reward;
        goes_on = outcome.end == EpisodeEnd::kGoesOn;
      }
      const auto e = static_cast<std::size_t>(episode);
      n_wrong += total != test.episodes().returns[e] || length != test.episodes().lengths[e];
      for (std::size_t p = 0; p < 2; ++p) {
        const auto& counts = twin.population(static_cast<int>(p)).n_spikes;
        const double n = std::accumulate(counts.begin(), counts.end(), 0.0);
        n_wrong += n != static_cast<double>(test.episodes().n_spikes[e * 3 + p]);
      }
      n_short += length < loop.max_steps;
      sum += total;
    }
    CHECK(n_wrong == 0);
    CHECK(*scores.mean_return == doctest::Approx(sum / 19).epsilon(1e-12));
    if (task.find("cartpole") != std::string::npos) CHECK(n_short > 0);
  }
}

TEST_CASE("closed loop: training and test give the same bits in every form") {
  for (const std::string& task : kLoopTasks) {
    CAPTURE(task);
    const RunConfig config = loop_config(task, 18);
    const TaskData data = load_task(config);
    std::string first_hash, first_test;
    double first_return = 0.0;
    for (const Form& form : all_forms()) {
      CAPTURE(form.kernels->isa);
      CAPTURE(form.n_threads);
      ThreadPool pool(form.n_threads);
      EsTrainer trainer(config, *form.kernels, pool,
                        std::make_unique<EpisodeTrials>(config, options_of(form), *form.kernels,
                                                        pool, *data.loop));
      double mean_return = 0.0;
      for (int u = 0; u < 2; ++u) mean_return += *trainer.update().mean_return;
      EpisodeTest test(config, options_of(form), *form.kernels, pool, *data.loop);
      test.run(trainer.parameters(), 0);
      if (first_hash.empty()) {
        first_hash = trainer.state_hash();
        first_test = test.state_hash();
        first_return = mean_return;
      }
      CHECK(trainer.state_hash() == first_hash);
      CHECK(test.state_hash() == first_test);
      CHECK(mean_return == first_return);
    }
  }
}

TEST_CASE("closed loop: a member alone, or in a part, has the losses that it has in the crowd") {
  const RunConfig config = loop_config(kLoopTasks[0], 18);
  const TaskData data = load_task(config);
  const KernelTable& kernels = *runnable_kernels().back();
  ThreadPool pool(2);
  EpisodeTrials trials(config, {}, kernels, pool, *data.loop);
  Members members(trials.plan(), kernels, config.rule.es, config.seed);
  const std::vector<float> mean = draw_start(kernels, trials.plan(), config.seed);
  const SearchSchedule schedule(config.rule.es, trials.plan().parameter_tensors());
  members.begin_update(mean, 4, schedule.searched_at(4));
  TrialScores crowd, parts;
  crowd.losses.resize(30);
  parts.losses.resize(30);
  trials.begin_update(4);
  trials.run(members, 0, 6, crowd);
  const std::int64_t n_steps = trials.n_sample_steps();
  trials.begin_update(4);
  for (const auto& [first, n] : {std::pair{5, 1}, {0, 2}, {2, 3}})
    trials.run(members, first, n, parts);
  CHECK(parts.losses == crowd.losses);
  CHECK(trials.n_sample_steps() == n_steps);
  // minus the return of cartpole is its length
  CHECK(-std::accumulate(crowd.losses.begin(), crowd.losses.end(), 0.0) * 3 ==
        static_cast<double>(n_steps));
  // other updates have other starts
  trials.begin_update(5);
  trials.run(members, 0, 6, parts);
  CHECK(parts.losses != crowd.losses);
}

}  // namespace spikelane::test
