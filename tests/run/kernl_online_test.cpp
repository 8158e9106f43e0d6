// Online = trial: traces that advance K steps at a time give the gradient that the backward sweeps
// over the whole trial give, for every K; and the same bits on every ISA and number of threads.
#include "engine/run/kernl_online.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "engine/run/kernl_evaluator.h"
#include "tasks/scenes/scenes.h"

namespace spikelane::test {
namespace {

struct Net {
  NetworkDescription network;
  LossConfig loss;
  Dataset data;
  std::vector<float> logical;
};

constexpr int kSteps = 61, kSamples = 11, kInputs = 9, kHidden = 37, kOutputs = 4;

// two alif populations one after the other, the first recurrent, all parameters different
Net make_net() {
  Net net;
  PopulationDescription first, second, output;
  first.name = "first";
  first.model = NeuronModel::kAlif;
  first.n = kHidden;
  first.beta = {0.95};
  first.threshold = {0.6};
  first.adaptation.clear();
  first.adaptation_decay.clear();
  for (int i = 0; i < kHidden; ++i) {
    first.adaptation.push_back(0.05 * (i % 7));
    first.adaptation_decay.push_back(0.9 + 0.002 * i);
  }
  first.adaptation_scaling = AdaptationScaling::kWholeSpikes;
  first.refractory_steps = {1.0};
  second = first;
  second.name = "second";
  second.n = 16;
  second.beta = {0.8};
  second.adaptation = {0.3};
  second.adaptation_decay = {0.97};
  output.name = "output";
  output.model = NeuronModel::kReadout;
  output.n = kOutputs;
  output.beta = {0.9};
  output.gain = 0.1;
  net.network.n_inputs = kInputs;
  net.network.populations = {first, second, output};
  InitDescription init;
  init.kind = InitKind::kUniform;
  auto add = [&](const char* from, const char* to, double low, double high, bool has_bias) {
    init.low = low;
    init.high = high;
    net.network.projections.push_back({from, to, init, has_bias, init, SignalKind::kTrace});
  };
  add("input", "first", -4.0, 12.0, false);
  add("first", "first", -3.0, 3.0, false);
  add("first", "second", -3.0, 6.0, false);
  add("first", "output", -1.0, 1.0, true);
  add("second", "output", -1.0, 1.0, false);
  net.loss.logits = LogitKind::kFinal;
  net.data = random_events({kSamples, kSteps, kInputs, kOutputs, 7}, 0.2, kSamples, 0.2);
  Scene scene;
  scene.seed = 3;
  const auto plan = compile_plan(net.network, net.loss, kSteps, for_learning({}, true));
  net.logical = scene_parameters(scene, *plan, 0);
  return net;
}

// a member's block, aligned as kernels want it
class Block {
 public:
  Block(const Net& net, const Plan& plan)
      : memory_(static_cast<std::size_t>(plan.n_block_floats()) * sizeof(float)) {
    plan.fill_block(net.logical.data(), reinterpret_cast<float*>(memory_.data()));
  }
  const float* data() const { return reinterpret_cast<const float*>(memory_.data()); }

 private:
  AlignedMemory memory_;
};

std::vector<std::int32_t> all_samples() {
  std::vector<std::int32_t> samples(kSamples);
  std::iota(samples.begin(), samples.end(), 0);
  return samples;
}

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
