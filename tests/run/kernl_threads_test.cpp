// KeRNL's and e-prop's phases by the team of OS threads: what one CPU worker learns, and under
// ThreadSanitizer no race.
#include <doctest/doctest.h>

#include "tests/run/kernl_cases.h"
#include "tests/run/worker_threads.h"

namespace spikelane::test {

TEST_CASE("a team of OS threads: every rule of KeRNL learns what one CPU worker learns") {
  const KernelTable kernels = thread_kernels();
  constexpr int kFewSteps = 20, kFewSamples = 2;
  Net net = make_net();
  net.data = random_events({kFewSamples, kFewSteps, kInputs, kOutputs, 7}, 0.2, kFewSamples, 0.2);
  ThreadPool pool(1);
  for (const TrainedCase& c : trained_cases()) {
    RunConfig config = config_of(c, net);
    config.rule.kernl.batch = kFewSamples;
    INFO(std::string(c.name));
    const auto learn = [&](auto& trainer) {
      trainer.update();
      CHECK(trainer.firing_rate() > 0.01);
      return trainer.state_hash();
    };
    const auto learn_by = [&](const KernelTable& table) {
      if (config.rule.kernl.mode == KernlMode::kTrial) {
        KernlTrainer trainer(config, {}, table, pool, net.data);
        return learn(trainer);
      }
      OnlineTrainer trainer(config, {}, table, pool, net.data);
      return learn(trainer);
    };
    CHECK(learn_by(kernels) == learn_by(*find_kernels("")));
  }
}

TEST_CASE("a team of OS threads: rows in a host's loop learn what one CPU worker learns") {
  const KernelTable kernels = thread_kernels();
  constexpr int kRows = 2, kFewSteps = 7;
  const Net net = make_net();
  KernlConfig config;
  config.k_steps = 3;
  const auto plan = compile_plan(net.network, net.loss, kSteps, for_learning({}, true));
  KernlRule rule(*plan, *find_kernels(""), config, 1);
  const Block block(net, *plan);
  rule.follow_weights(block.data());
  ThreadPool pool(1);
  const auto learn_by = [&](const KernelTable& table) {
    KernlOnline learner(*plan, rule, config, table, pool, kRows, true);
    for (int t = 0; t < kFewSteps; ++t) {
      std::vector<float> x, error;
      for (int i = 0; i < kRows * kInputs; ++i) x.push_back((t + i) % 3 == 0 ? 1.0f : 0.0f);
      for (int o = 0; o < kRows * kOutputs; ++o)
        error.push_back(0.25f * static_cast<float>((t + o) % 5 - 2));
      learner.act(block.data(), x);
      learner.learn(block.data(), error);
    }
    std::vector<float> gradient(net.logical.size());
    learner.take_gradient(gradient);
    return gradient;
  };
  const std::vector<float> expected = learn_by(*find_kernels(""));
  CHECK(std::any_of(expected.begin(), expected.end(), [](float g) { return g != 0.0f; }));
  CHECK(learn_by(kernels) == expected);
}

}  // namespace spikelane::test
