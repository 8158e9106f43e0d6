// The running mean of the parameters: what it is, and that it is what a trainer tests, writes and
// hashes.
#include "engine/learning/parameter_average.h"

#include <doctest/doctest.h>

#include "engine/run/kernl_trainer.h"
#include "engine/run/online_trainer.h"
#include "tests/learning/regression_net.h"

namespace spikelane::test {
namespace {

RunConfig small_config(Dataset& data) {
  std::mt19937_64 generator(4);
  const reference::AlifNet net = random_net(generator, 5, 20);
  const auto x = random_spikes(generator, 40, 24, 5, 0.3);
  const RegressionNet built(net, x, 40);
  RunConfig config;
  config.network = built.network;
  data = built.data;
  config.network.populations[0].synaptic_decay = {0.0};
  config.network.populations[1].n = 3;
  for (std::size_t b = 0; b < data.labels.size(); ++b)
    data.labels[b] = static_cast<std::int32_t>(b % 3);
  for (auto& projection : config.network.projections) projection.init.kind = InitKind::kNormal;
  config.network.projections[0].init.std = 3.0;
  config.rule.kind = RuleKind::kKernl;
  config.rule.kernl.batch = 8;
  return config;
}

}  // namespace

TEST_CASE("parameter average: its decay grows to the wanted one") {
  std::vector<float> parameters{1.0f, -2.0f};
  ParameterAverage average(0.5, parameters);
  CHECK(average.values() == parameters);
  parameters = {3.0f, 6.0f};
  average.add(parameters, 0);  // decay 0.1
  CHECK(average.values()[0] == doctest::Approx(0.1 * 1.0 + 0.9 * 3.0));
  CHECK(average.values()[1] == doctest::Approx(0.1 * -2.0 + 0.9 * 6.0));
  const float before = average.values()[0];
  average.add(parameters, 1000);  // decay 0.5
  CHECK(average.values()[0] == doctest::Approx(0.5 * static_cast<double>(before) + 0.5 * 3.0));

  ParameterAverage none(0.0, parameters);
  none.add(parameters, 0);
  CHECK(!none.is_on());
  CHECK(none.values().empty());
}

TEST_CASE("parameter average: trainers test the mean and learn as without it") {
  Dataset data;
  RunConfig config = small_config(data);
  const KernelTable& kernels = *runnable_kernels().back();
  ThreadPool pool(1);
  for (const KernlMode mode : {KernlMode::kTrial, KernlMode::kOnline}) {
    config.rule.kernl.mode = mode;
    const auto make = [&](double decay) -> std::unique_ptr<Trainer> {
      config.rule.kernl.average_decay = decay;
      if (mode == KernlMode::kOnline)
        return std::make_unique<OnlineTrainer>(config, PlanOptions{}, kernels, pool, data);
      return std::make_unique<KernlTrainer>(config, PlanOptions{}, kernels, pool, data);
    };
    const auto with = make(0.6), without = make(0.0);
    ParameterAverage expected(0.6, with->parameters());
    for (int update = 0; update < 7; ++update) {
      with->update();
      without->update();
      expected.add(without->parameters(), update);
    }
    CHECK(with->parameters() == without->parameters());
    CHECK(without->tested_parameters() == without->parameters());
    CHECK(with->tested_parameters() == expected.values());
    CHECK(with->tested_parameters() != with->parameters());
    CHECK(with->state_hash() != without->state_hash());
  }
}

}  // namespace spikelane::test
