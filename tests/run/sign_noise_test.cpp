// Members that differ from the mean by +sigma or -sigma: the members are the mean with one bit for
// each parameter, the gradient is the sum it claims to be, no form of running changes a bit, and
// training learns.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/learning/gradient.h"
#include "engine/run/es_trainer.h"
#include "engine/run/mean_test.h"
#include "tasks/randman/randman.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

constexpr bool kIsSanitized = SPIKELANE_IS_SANITIZED != 0;

RunConfig sign_config(bool has_factors) {
  RunConfig config;
  config.seed = 12;
  RandmanConfig& randman = config.task.randman;
  randman.n_classes = 2;
  randman.n_units = config.network.n_inputs = 10;
  randman.n_samples_per_class = 150;
  randman.n_steps = 40;
  randman.n_test = 100;
  config.network.populations = {leaky("hidden", 33, 0.95), readout("output", 2, 0.9, 0.1)};
  ProjectionDescription out = weights("hidden", "output", 0.0, 0.0);
  out.init.kind = InitKind::kZeros;
  out.has_bias = true;
  out.bias_init.kind = InitKind::kZeros;
  config.network.projections = {weights("input", "hidden", -1.0, 1.5), out};
  config.loss.scale = 20.0;
  EsConfig& es = config.rule.es;
  es.n_members = 64;
  es.batch = 64;
  es.sigma = 0.05;
  es.noise = has_factors ? EsNoiseKind::kLowRank : EsNoiseKind::kSign;
  es.rank = 2;
  es.factors = NoiseKind::kSign;
  es.optimiser.lr = 0.05;
  return config;
}

TEST_CASE("sign noise: a member is the mean plus or minus sigma, by one bit for each parameter") {
  const RunConfig config = sign_config(false);
  const auto plan = compile_plan(config.network, config.loss, 40, {});
  std::vector<float> mean(static_cast<std::size_t>(plan->n_parameters()));
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = 0.01f * static_cast<float>(i);
  std::vector<ParameterRange> searched;
  for (std::size_t i = 0; i < plan->parameter_tensors().size(); ++i)
    searched.push_back({static_cast<int>(i), plan->parameter_tensors()[i].begin,
                        plan->parameter_tensors()[i].end});
  for (const KernelTable* kernels : runnable_kernels()) {
    INFO(kernels->isa);
    Members members(*plan, *kernels, config.rule.es, 5);
    members.begin_update(mean, 3, searched);
    std::vector<float> block(static_cast<std::size_t>(plan->n_block_floats()));
    for (const int member : {0, 1, 7}) {
      members.fill(member, block.data());
      const RandomKey key{5, 0, 3, Stream::kNoise, static_cast<std::uint32_t>(member / 2)};
      int n_wrong = 0, n_plus = 0;
      for (const TensorPlan& tensor : plan->tensors())
        for (std::int64_t i = tensor.logical.begin; i < tensor.logical.end; ++i) {
          const std::int64_t at = i - tensor.logical.begin;
          const float value = block[static_cast<std::size_t>(
              tensor.block_begin + at / tensor.n_columns * tensor.block_stride +
              at % tensor.n_columns)];
          const float sign = SPIKELANE_ISA::random_sign(i, key) * (member % 2 == 1 ? -1.0f : 1.0f);
          n_wrong += value != mean[static_cast<std::size_t>(i)] + sign * members.sigma(0);
          n_plus += sign > 0.0f;
        }
      CHECK(n_wrong == 0);
      CHECK(n_plus > static_cast<int>(mean.size()) / 3);
      CHECK(n_plus < static_cast<int>(mean.size()) * 2 / 3);
    }
  }
}

TEST_CASE("sign noise: the gradient is the sum of shaped losses times signs, brute force") {
  const std::int64_t n = 2500;
  for (const bool is_antithetic : {true, false})
    for (const int n_members : {2, 22, 48}) {
      std::vector<double> shaped(static_cast<std::size_t>(n_members));
      for (std::size_t m = 0; m < shaped.size(); ++m) shaped[m] = std::sin(1.0 + double(m));
      const GradientEstimate estimate(shaped, is_antithetic, 77, 9, true);
      const float sigma = 0.03f;
      std::vector<float> expected(static_cast<std::size_t>(n));
      const int n_draws = is_antithetic ? n_members / 2 : n_members;
      const int n_block = is_antithetic ? 4 : 8;
      for (std::int64_t i = 0; i < n; ++i) {
        double sum = 0.0, block = 0.0;
        for (int d = 0; d < n_draws; ++d) {
          const auto at = static_cast<std::size_t>(d);
          const double c = is_antithetic ? shaped[2 * at] - shaped[2 * at + 1] : shaped[at];
          const RandomKey key{77, 0, 9, Stream::kNoise, static_cast<std::uint32_t>(d)};
          block += c * static_cast<double>(SPIKELANE_ISA::random_sign(i, key));
          if ((d + 1) % n_block == 0 || d + 1 == n_draws) {
            sum += block;
            block = 0.0;
          }
        }
        expected[static_cast<std::size_t>(i)] =
            static_cast<float>(sum / (n_members * static_cast<double>(sigma)));
      }
      for (const KernelTable* kernels : runnable_kernels()) {
        INFO(kernels->isa, ", ", n_members, " members, antithetic ", is_antithetic);
        std::vector<float> gradient(expected.size());
        for (std::int64_t begin = 0; begin < n; begin += 777)
          estimate.write(kernels->accumulate_gradient, begin, std::min(n, begin + 777), sigma,
                         gradient);
        CHECK(gradient == expected);
      }
    }
}

TEST_CASE("sign noise: one state hash for every ISA, layout, order and number of threads") {
  for (const bool has_factors : {false, true}) {
    RunConfig config = sign_config(has_factors);
    config.rule.es.n_members = 12;
    config.rule.es.batch = 27;
    const std::string frozen_hash = has_factors ? "a994596404dcb173" : "df0902af6c4597d4";
    const TaskData data = make_randman(config.task.randman);
    for (const int n_threads : {1, 3}) {
      ThreadPool pool(n_threads);
      for (const KernelTable* kernels : runnable_kernels())
        for (const Form form : kForms) {
          INFO(std::string(kernels->isa), ", ", name_of(form), ", ", n_threads, " threads");
          EsTrainer trainer(config, options_of(form, false), *kernels, pool, data.train);
          for (int i = 0; i < 3; ++i) trainer.update();
          CHECK(trainer.state_hash() == frozen_hash);
        }
    }
  }
}

TEST_CASE("sign noise: it learns as with normal noise, in factors too") {
  for (const bool has_factors : {false, true}) {
    const RunConfig config = sign_config(has_factors);
    const TaskData data = make_randman(config.task.randman);
    ThreadPool pool(2);
    const KernelTable& kernels = *runnable_kernels().back();
    EsTrainer trainer(config, {}, kernels, pool, data.train);
    MeanTest test(config, {}, kernels, pool, data.test);
    const TestScores before = test.run(trainer.parameters(), 0);
    for (int i = 0; i < (kIsSanitized ? 3 : 150); ++i) trainer.update();
    const TestScores after = test.run(trainer.parameters(), 0);
    INFO("factors ", has_factors, ": loss ", before.loss, " -> ", after.loss, ", accuracy ",
         before.accuracy, " -> ", after.accuracy);
    CHECK(before.firing_rate.at("hidden") > 0.005);
    CHECK(before.firing_rate.at("hidden") < 0.5);
    if (kIsSanitized) continue;
    CHECK(before.accuracy <= 0.6);
    CHECK(after.accuracy >= 0.85);
  }
}

}  // namespace
}  // namespace spikelane::test
