// Online = trial: traces that advance K steps at a time give the gradient that the backward sweeps
// over the whole trial give, for every K; and the same bits on every ISA and number of threads.
#include "engine/run/kernl_online.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/run/kernl_evaluator.h"
#include "tests/run/kernl_net.h"

namespace spikelane::test {
namespace {

struct Gradient {
  std::vector<float> values;
  std::vector<std::int64_t> n_spikes;
};

// with the loss read at the last step both ways see the same error
Gradient by_trial(const Net& net, const KernlConfig& config) {
  const auto plan = compile_plan(net.network, net.loss, kSteps, for_learning({}, true));
  const KernelTable& kernels = *runnable_kernels().back();
  KernlRule rule(*plan, kernels, config, 5);
  const Block block(net, *plan);
  rule.follow_weights(block.data());
  ThreadPool pool(2);
  KernlEvaluator evaluator(*plan, rule, config, kernels, pool);
  const EncodedInputs inputs(*plan, net.data, all_samples());
  KernlScores scores;
  evaluator.run(inputs, block.data(), 0, scores);
  Gradient gradient{scores.gradient, scores.n_spikes};
  for (float& g : gradient.values) g *= kSamples;
  return gradient;
}

Gradient online(const Net& net, const KernlConfig& config, const KernelTable& kernels,
                int n_threads) {
  const auto plan = compile_plan(net.network, net.loss, kSteps, for_learning({}, true));
  KernlRule rule(*plan, kernels, config, 5);
  const Block block(net, *plan);
  rule.follow_weights(block.data());
  ThreadPool pool(n_threads);
  KernlOnline learner(*plan, rule, config, kernels, pool, kSamples);
  const EncodedInputs inputs(*plan, net.data, all_samples());
  while (learner.t() < kSteps)
    learner.run(inputs, block.data(), std::min(config.k_steps, kSteps - learner.t()));
  Gradient gradient{std::vector<float>(net.logical.size(), 0.0f), learner.n_spikes()};
  learner.take_gradient(gradient.values);
  return gradient;
}

// largest difference over the largest entry of one tensor, worst tensor
double worst_difference(const Net& net, const Gradient& a, const Gradient& b) {
  const auto plan = compile_plan(net.network, net.loss, kSteps, for_learning({}, true));
  double worst = 0.0;
  for (const ParameterTensor& tensor : plan->parameter_tensors()) {
    double largest = 0.0, difference = 0.0;
    for (auto i = static_cast<std::size_t>(tensor.begin); i < static_cast<std::size_t>(tensor.end);
         ++i) {
      largest = std::max(largest, std::fabs(static_cast<double>(a.values[i])));
      difference = std::max(difference, std::fabs(static_cast<double>(a.values[i] - b.values[i])));
    }
    REQUIRE(largest > 0.0);
    worst = std::max(worst, difference / largest);
  }
  return worst;
}

}  // namespace

TEST_CASE("kernl: online gives the trial's gradient for every K") {
  const Net net = make_net();
  for (const FilterKind filters :
       {FilterKind::kMembrane, FilterKind::kAdaptation, FilterKind::kEprop})
    for (const DerivativeAt place : {DerivativeAt::kError, DerivativeAt::kTrace}) {
      if (place == DerivativeAt::kTrace && filters != FilterKind::kMembrane) continue;
      for (const bool has_filter : {true, false}) {
        KernlConfig config;
        config.filters = filters;
        config.derivative_at = place;
        config.readout_filter = has_filter;
        const Gradient trial = by_trial(net, config);
        for (const int k : {1, 7, 32, 61, 100}) {
          INFO("filters ", static_cast<int>(filters), ", place ", static_cast<int>(place),
               ", readout filter ", has_filter, ", K ", k);
          config.k_steps = k;
          const Gradient steps = online(net, config, *runnable_kernels().back(), 1);
          CHECK(steps.n_spikes == trial.n_spikes);
          CHECK(worst_difference(net, trial, steps) <= 1e-5);
        }
      }
    }
}

TEST_CASE("kernl: online has the same bits on every ISA and number of threads") {
  const Net net = make_net();
  KernlConfig config;
  config.k_steps = 16;
  const Gradient expected = online(net, config, *runnable_kernels().front(), 1);
  for (const KernelTable* kernels : runnable_kernels())
    for (const int n_threads : {1, 2, 3}) {
      INFO(std::string(kernels->isa), ", ", n_threads, " threads");
      CHECK(online(net, config, *kernels, n_threads).values == expected.values);
    }
}

TEST_CASE("kernl: online has the same bits a block at once and step by step") {
  const Net net = make_net();
  for (const int k : {1, 7, 32}) {
    KernlConfig config;
    config.k_steps = k;
    const auto plan = compile_plan(net.network, net.loss, kSteps, for_learning({}, true));
    const KernelTable& kernels = *runnable_kernels().back();
    KernlRule rule(*plan, kernels, config, 5);
    const Block block(net, *plan);
    rule.follow_weights(block.data());
    ThreadPool pool(2);
    KernlOnline at_once(*plan, rule, config, kernels, pool, kSamples);
    KernlOnline by_steps(*plan, rule, config, kernels, pool, kSamples);
    const EncodedInputs inputs(*plan, net.data, all_samples());
    while (at_once.t() < kSteps)
      at_once.run(inputs, block.data(), std::min(k, kSteps - at_once.t()));
    while (by_steps.t() < kSteps) by_steps.run(inputs, block.data(), 1);
    std::vector<float> first(net.logical.size(), 0.0f), second = first;
    at_once.take_gradient(first);
    by_steps.take_gradient(second);
    INFO("K ", k);
    CHECK(first == second);
    CHECK(std::any_of(first.begin(), first.end(), [](float g) { return g != 0.0f; }));
    CHECK(hash_state(*plan, at_once.state()) == hash_state(*plan, by_steps.state()));
    for (int filter = 0; filter < 3; ++filter) {
      const auto a = at_once.traces(3, filter), b = by_steps.traces(3, filter);
      CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
    }
  }
}

TEST_CASE("kernl: traces that have gone silent are zero, never subnormal") {
  Net net = make_net();
  net.data.n_steps = 12'000;  // its events are those of the first 61 steps
  KernlConfig config;
  config.k_steps = 32;
  const auto plan = compile_plan(net.network, net.loss, net.data.n_steps, for_learning({}, true));
  const KernelTable& kernels = *runnable_kernels().back();
  KernlRule rule(*plan, kernels, config, 5);
  const Block block(net, *plan);
  rule.follow_weights(block.data());
  ThreadPool pool(1);
  KernlOnline learner(*plan, rule, config, kernels, pool, 1);
  const std::vector<std::int32_t> first{0};
  const EncodedInputs inputs(*plan, net.data, first);
  int n_nonzero = 0, n_subnormal = 0, n_left = 0;
  while (learner.t() < net.data.n_steps) {
    learner.run(inputs, block.data(), 32);
    n_left = 0;
    for (int filter = 0; filter < 3; ++filter)
      for (const float x : learner.traces(0, filter)) {
        n_nonzero += x != 0.0f;
        n_left += x != 0.0f;
        n_subnormal += std::fpclassify(x) == FP_SUBNORMAL;
      }
  }
  CHECK(n_nonzero > 1000);
  CHECK(n_subnormal == 0);
  CHECK(n_left == 0);
}

TEST_CASE("kernl: online memory does not grow with the trial") {
  Net net = make_net();
  KernlConfig config;
  const KernelTable& kernels = *runnable_kernels().back();
  std::size_t sizes[2];
  for (const int i : {0, 1}) {
    const auto plan =
        compile_plan(net.network, net.loss, i == 0 ? 100 : 100'000, for_learning({}, true));
    KernlRule rule(*plan, kernels, config, 5);
    ThreadPool pool(1);
    sizes[i] = KernlOnline(*plan, rule, config, kernels, pool, 3).n_bytes();
  }
  CHECK(sizes[0] == sizes[1]);
}

}  // namespace spikelane::test
