// KernlTrainer with a regression: it runs before the trials on the same samples, alone where the
// weights stay, and what it learned is in the rule, the weight file and the state hash.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/report/safetensors.h"
#include "engine/report/weights.h"
#include "engine/run/kernl_trainer.h"
#include "tests/learning/regression_net.h"

namespace spikelane::test {
namespace {

struct Setup {
  RunConfig config;
  Dataset data;
  explicit Setup(int n_filters) {
    std::mt19937_64 generator(4);
    reference::AlifNet net = random_net(generator, 5, 20);
    const auto x = random_spikes(generator, 50, 24, 5, 0.3);
    const RegressionNet built(net, x, 50);
    config.network = built.network;
    data = built.data;
    config.network.populations[1].n = 3;
    for (std::size_t b = 0; b < data.labels.size(); ++b)
      data.labels[b] = static_cast<std::int32_t>(b % 3);
    for (auto& projection : config.network.projections) projection.init.kind = InitKind::kNormal;
    config.network.projections[0].init.mean = 1.0;
    config.network.projections[0].init.std = 1.0;
    config.network.projections[1].init.std = 0.5;
    config.network.projections[2].init.std = 0.1;
    config.rule.kind = RuleKind::kKernl;
    KernlConfig& kernl = config.rule.kernl;
    kernl.batch = 12;
    kernl.filters = n_filters == 1 ? FilterKind::kMembrane : FilterKind::kAdaptation;
    kernl.regression.is_on = true;
    kernl.regression.n_filters = n_filters;
    kernl.regression.noise_std = 0.5;
  }
};

}  // namespace

TEST_CASE("kernl trainer: a regression alone leaves the weights and lowers its loss") {
  Setup setup(1);
  setup.config.rule.kernl.trains_weights = false;
  // a net that cannot fire can be predicted
  setup.config.network.populations[0].threshold = {1e6};
  setup.config.rule.kernl.regression.start = RegressionStart::kZeros;
  setup.config.rule.kernl.regression.gamma_high = 0.05;
  setup.config.rule.kernl.regression.optimiser.lr = 5e-3;
  std::string first_hash;
  for (const KernelTable* kernels : runnable_kernels())
    for (const int n_threads : {1, 3}) {
      INFO(std::string(kernels->isa), ", ", n_threads, " threads");
      ThreadPool pool(n_threads);
      KernlTrainer trainer(setup.config, {}, *kernels, pool, setup.data);
      const std::vector<float> weights = trainer.parameters();
      double first = 0.0, last = 0.0;
      constexpr int n_updates = 60;
      for (int update = 0; update < n_updates; ++update) {
        const std::string before = trainer.state_hash();
        const UpdateScores scores = trainer.update();
        CHECK(!scores.is_scored);
        REQUIRE(scores.regression_loss.has_value());
        (update < 20 ? first : last) += update < 20 || update >= 40 ? *scores.regression_loss : 0.0;
        if (update == 0) CHECK(trainer.state_hash() != before);
      }
      CHECK(last < 0.8 * first);
      CHECK(trainer.parameters() == weights);
      if (first_hash.empty()) first_hash = trainer.state_hash();
      CHECK(trainer.state_hash() == first_hash);
    }
}

TEST_CASE("kernl trainer: weights learn with the regression's M and g") {
  for (const int n_filters : {1, 2}) {
    Setup setup(n_filters);
    ThreadPool pool(2);
    const KernelTable& kernels = *find_kernels("");
    KernlTrainer trainer(setup.config, {}, kernels, pool, setup.data);
    const std::vector<float> start = trainer.parameters();
    const std::vector<float> start_of_rule = trainer.regression()->parameters();
    const UpdateScores scores = trainer.update();
    CHECK(scores.is_scored);
    CHECK(scores.regression_loss.has_value());
    CHECK(std::isfinite(scores.loss));
    CHECK(trainer.parameters() != start);
    CHECK(trainer.regression()->parameters() != start_of_rule);

    // a rule given the same M and g makes the same gradient
    const auto& plan = trainer.plan();
    KernlRule rule(plan, kernels, setup.config.rule.kernl, setup.config.seed);
    AlignedMemory block(static_cast<std::size_t>(plan.n_block_floats()) * sizeof(float));
    auto* parameters = reinterpret_cast<float*>(block.data());
    plan.fill_block(start.data(), parameters);
    rule.follow_weights(parameters);
    KernlEvaluator evaluator(plan, rule, setup.config.rule.kernl, kernels, pool);
    Minibatches minibatches(setup.config.seed, setup.data.n_samples, 12);
    const EncodedInputs inputs(plan, setup.data, minibatches.at(0), minibatches.epoch_of(0));
    KernlScores without, with;
    evaluator.run(inputs, parameters, 0, without);
    trainer.regression()->set_filters(rule, 0);
    evaluator.run(inputs, parameters, 0, with);
    CHECK(with.gradient == trainer.trials().gradient);
    CHECK(without.gradient != with.gradient);
    CHECK(rule.sensitivity(0, n_filters - 1).size() == 400);

    // the weight file has them, and an evaluation passes them over
    const auto tensors = trainer.rule_tensors();
    REQUIRE(tensors.size() == 2);
    CHECK(tensors[0].name == "hidden.sensitivity");
    CHECK(tensors[1].name == "hidden.filter");
    CHECK(tensors[0].shape == (n_filters == 1 ? std::vector<std::int64_t>{20, 20}
                                              : std::vector<std::int64_t>{2, 20, 20}));
    const std::string file = weights_to_safetensors(plan, trainer.parameters(), tensors);
    const auto read = parse_safetensors(file, "memory");
    std::vector<float> values;
    for (const auto& tensor : read)
      if (tensor.name == "hidden.sensitivity") values = values_of<float>(tensor);
    CHECK(values == tensors[0].values);
  }
}

}  // namespace spikelane::test
