// Small recurrent nets for the tests of KeRNL's regression: the same net as an engine's plan and as
// the double oracle's AlifNet.
#pragma once

#include <numeric>

#include "engine/learning/kernl_regression.h"
#include "kernels/reference/regression_oracle.h"
#include "tests/reference/random_net.h"

namespace spikelane::test {

/// hidden (alif, recurrent) and a readout of one neuron that nothing looks at.
struct RegressionNet {
  NetworkDescription network;
  Dataset data;
  std::vector<float> weights;  // (I+N, N)
  std::unique_ptr<const Plan> plan;
  AlignedMemory block;
  std::vector<std::int32_t> samples;

  const float* parameters() const { return reinterpret_cast<const float*>(block.data()); }
  EncodedInputs inputs() const { return EncodedInputs(*plan, data, samples); }

  /// Trials of the first n_steps steps of x (T, B, I).
  RegressionNet(const reference::AlifNet& net, const reference::Series& x, int n_steps) {
    PopulationDescription hidden, output;
    hidden.name = "hidden";
    hidden.model = NeuronModel::kAlif;
    hidden.n = net.n;
    hidden.beta = net.alpha;
    hidden.resistance = net.resistance;
    hidden.threshold = net.b0;
    hidden.adaptation = net.beta;
    hidden.adaptation_decay = net.rho;
    if (net.adaptation == reference::AdaptationGain::kOne)
      hidden.adaptation_scaling = AdaptationScaling::kWholeSpikes;
    if (net.reset == reference::AlifReset::kSubtractThreshold)
      hidden.alif_reset = AlifResetKind::kSubtract;
    hidden.v_reset = {net.v_reset};
    hidden.refractory_steps = {net.t_refractory};
    hidden.synaptic_decay = {net.delta};
    output.name = "output";
    output.model = NeuronModel::kReadout;
    output.n = 1;
    output.beta = {0.9};
    network.n_inputs = net.n_inputs;
    network.populations = {hidden, output};
    network.projections = {{"input", "hidden", {}, false, {}, {}, {}},
                           {"hidden", "hidden", {}, false, {}, {}, {}},
                           {"hidden", "output", {}, false, {}, {}, {}}};
    data.n_samples = x.n_samples;
    data.n_steps = n_steps;
    data.n_inputs = net.n_inputs;
    data.offsets = {0};
    for (int b = 0; b < x.n_samples; ++b) {
      for (int t = 0; t < n_steps; ++t)
        for (int i = 0; i < net.n_inputs; ++i)
          if (x.row(t, b)[i] != 0.0) data.events.push_back({t, i});
      data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
      data.labels.push_back(0);
    }
    PlanOptions options;
    options.layout = LayoutChoice::kNeuronLanes;
    plan = compile_plan(network, LossConfig{}, n_steps, options);
    std::vector<float> logical(static_cast<std::size_t>(plan->n_parameters()), 0.0f);
    for (std::size_t i = 0; i < net.weights.size(); ++i)
      logical[i] = static_cast<float>(net.weights[i]);
    weights.assign(logical.begin(),
                   logical.begin() + static_cast<std::ptrdiff_t>(net.weights.size()));
    block = AlignedMemory(static_cast<std::size_t>(plan->n_block_floats()) * sizeof(float));
    plan->fill_block(logical.data(), reinterpret_cast<float*>(block.data()));
    samples.resize(static_cast<std::size_t>(x.n_samples));
    std::iota(samples.begin(), samples.end(), 0);
  }
};

/// psi (T, B, N) as the engine takes given noise: (B, T, n_padded).
inline std::vector<float> padded_noise(const reference::Series& psi, int n_steps, int n_padded) {
  std::vector<float> noise(static_cast<std::size_t>(psi.n_samples * n_steps * n_padded));
  for (int b = 0; b < psi.n_samples; ++b)
    for (int t = 0; t < n_steps; ++t)
      for (int i = 0; i < psi.n; ++i)
        noise[static_cast<std::size_t>((b * n_steps + t) * n_padded + i)] =
            static_cast<float>(psi.row(t, b)[i]);
  return noise;
}

}  // namespace spikelane::test
