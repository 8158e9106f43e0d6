// A net for tests of KeRNL's gradients: two alif populations one after the other, the first
// recurrent, all parameters different.
#pragma once

#include <numeric>
#include <vector>

#include "engine/learning/kernl_rule.h"
#include "tasks/scenes/scenes.h"

namespace spikelane::test {

struct Net {
  NetworkDescription network;
  LossConfig loss;
  Dataset data;
  std::vector<float> logical;
};

inline constexpr int kSteps = 61, kSamples = 11, kInputs = 9, kHidden = 37, kOutputs = 4;

inline Net make_net() {
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
    net.network.projections.push_back({from, to, init, has_bias, init, SignalKind::kTrace, {}});
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

/// A member's block, aligned as kernels want it.
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

inline std::vector<std::int32_t> all_samples() {
  std::vector<std::int32_t> samples(kSamples);
  std::iota(samples.begin(), samples.end(), 0);
  return samples;
}

}  // namespace spikelane::test
