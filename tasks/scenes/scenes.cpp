#include "tasks/scenes/scenes.h"

#include "kernels/core/random.h"

namespace spikelane {

PopulationDescription leaky(const char* name, int n, double beta) {
  PopulationDescription population;
  population.name = name;
  population.n = n;
  population.beta = {beta};
  return population;
}

PopulationDescription alif(const char* name, int n, double alpha) {
  PopulationDescription population = leaky(name, n, alpha);
  population.model = NeuronModel::kAlif;
  population.resistance = {1.0 / (1.0 - alpha)};
  return population;
}

PopulationDescription readout(const char* name, int n, double kappa, double gain) {
  PopulationDescription population = leaky(name, n, kappa);
  population.model = NeuronModel::kReadout;
  population.gain = gain;
  return population;
}

InitDescription uniform(double low, double high) {
  InitDescription init;
  init.kind = InitKind::kUniform;
  init.low = low;
  init.high = high;
  return init;
}

ProjectionDescription weights(const char* from, const char* to, double low, double high) {
  ProjectionDescription projection;
  projection.from = from;
  projection.to = to;
  projection.init = uniform(low, high);
  return projection;
}

std::vector<float> scene_parameters(const Scene& scene, const Plan& plan, int member) {
  const RandomKey key{scene.seed, 0, 0, Stream::kInit, static_cast<std::uint32_t>(member)};
  std::vector<float> parameters(static_cast<std::size_t>(plan.n_parameters()));
  for (const TensorPlan& tensor : plan.tensors()) {
    const auto low = static_cast<float>(tensor.init.low);
    const auto range = static_cast<float>(tensor.init.high - tensor.init.low);
    for (std::int64_t i = tensor.logical.begin; i < tensor.logical.end; ++i)
      parameters[static_cast<std::size_t>(i)] = low + range * random_uniform(i, key);
  }
  return parameters;
}

// what a sample's inputs at one step are drawn from; the index is the unit
static RandomKey input_key(const InputShape& shape, int sample, int t) {
  return {shape.seed, static_cast<std::uint32_t>(t), 0, Stream::kInput,
          static_cast<std::uint32_t>(sample)};
}

static Dataset without_inputs(const InputShape& shape) {
  Dataset data;
  data.n_samples = shape.n_samples;
  data.n_steps = shape.n_steps;
  data.n_inputs = shape.n_inputs;
  const RandomKey key{shape.seed, 0, 0, Stream::kEnvironment, 0};
  for (int sample = 0; sample < shape.n_samples; ++sample)
    data.labels.push_back(static_cast<std::int32_t>(random_word(sample, key) %
                                                    static_cast<std::uint32_t>(shape.n_classes)));
  return data;
}

Dataset random_events(const InputShape& shape, double rate, int first_busy, double busy_rate) {
  Dataset data = without_inputs(shape);
  data.offsets.push_back(0);
  for (int sample = 0; sample < shape.n_samples; ++sample) {
    const auto bound = static_cast<float>(sample < first_busy ? rate : busy_rate);
    for (int t = 0; t < shape.n_steps; ++t)
      for (int unit = 0; unit < shape.n_inputs; ++unit)
        if (random_uniform(unit, input_key(shape, sample, t)) < bound)
          data.events.push_back({t, unit});
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  return data;
}

Dataset single_events(const InputShape& shape) {
  Dataset data = without_inputs(shape);
  data.offsets.push_back(0);
  std::vector<std::int32_t> steps(static_cast<std::size_t>(shape.n_inputs));
  for (int sample = 0; sample < shape.n_samples; ++sample) {
    for (int unit = 0; unit < shape.n_inputs; ++unit)
      steps[static_cast<std::size_t>(unit)] =
          static_cast<std::int32_t>(random_word(unit, input_key(shape, sample, 0)) %
                                    static_cast<std::uint32_t>(shape.n_steps));
    for (int t = 0; t < shape.n_steps; ++t)
      for (int unit = 0; unit < shape.n_inputs; ++unit)
        if (steps[static_cast<std::size_t>(unit)] == t) data.events.push_back({t, unit});
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  return data;
}

Dataset dense_values(const InputShape& shape) {
  Dataset data = without_inputs(shape);
  data.is_dense = true;
  for (int sample = 0; sample < shape.n_samples; ++sample)
    for (int t = 0; t < shape.n_steps; ++t)
      for (int unit = 0; unit < shape.n_inputs; ++unit) {
        const float u = random_uniform(unit, input_key(shape, sample, t));
        data.values.push_back(u < 0.75f ? 0.0f : (u - 0.75f) * 6.0f - 0.5f);
      }
  return data;
}

}  // namespace spikelane
