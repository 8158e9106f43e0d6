#include "tasks/scenes/scene_list.h"

#include "engine/state/hash.h"

namespace spikelane {

ProjectionDescription with_bias(ProjectionDescription projection, double low, double high) {
  projection.has_bias = true;
  projection.bias_init = uniform(low, high);
  return projection;
}

std::vector<double> spread(int n, double low, double high) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(low + (high - low) * i / n);
  return values;
}

LossConfig loss_of(LogitKind logits, double scale) {
  LossConfig loss;
  loss.logits = logits;
  loss.scale = scale;
  return loss;
}

InputShape shape_of(const Scene& scene) {
  return {scene.n_samples, scene.n_steps, scene.network.n_inputs,
          scene.network.populations.back().n, scene.seed};
}

Scene& SceneList::add(const std::string& name, SceneSizes sizes,
                      std::vector<PopulationDescription> populations,
                      std::vector<ProjectionDescription> projections, LossConfig loss,
                      SceneInputs inputs, double rate) {
  Scene& scene = scenes.emplace_back();
  scene.name = name;
  scene.network = {sizes.n_inputs, std::move(populations), std::move(projections)};
  scene.loss = loss;
  scene.n_members = sizes.n_members;
  scene.n_samples = sizes.n_samples;
  scene.n_steps = sizes.n_steps;
  StateHash seed;
  seed.add(std::string_view(name));
  scene.seed = seed.value();
  const InputShape shape = shape_of(scene);
  if (inputs == SceneInputs::kRandom)
    scene.inputs = random_events(shape, rate, scene.n_samples, rate);
  else
    scene.inputs = inputs == SceneInputs::kSingle ? single_events(shape) : dense_values(shape);
  return scene;
}

}  // namespace spikelane
