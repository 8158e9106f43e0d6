// What the lists of small scenes are written with.
#pragma once

#include <string>
#include <vector>

#include "tasks/scenes/scenes.h"

namespace spikelane {

ProjectionDescription with_bias(ProjectionDescription projection, double low, double high);

/// n different numbers from `low` towards `high`, without `high` itself.
std::vector<double> spread(int n, double low, double high);

LossConfig loss_of(LogitKind logits, double scale = 1.0);

struct SceneSizes {
  int n_members, n_samples, n_steps, n_inputs;
};

/// How a scene's inputs are drawn: random_events, single_events or dense_values.
enum class SceneInputs { kRandom, kSingle, kDense };

/// The shape of a scene's inputs; as many classes as its last population has neurons.
InputShape shape_of(const Scene& scene);

class SceneList {
 public:
  std::vector<Scene> scenes;

  /// The last of the populations is the output. A scene's seed comes from its name, so that a new
  /// scene in the list leaves the others as they are. `rate` is of random inputs.
  Scene& add(const std::string& name, SceneSizes sizes,
             std::vector<PopulationDescription> populations,
             std::vector<ProjectionDescription> projections, LossConfig loss,
             SceneInputs inputs = SceneInputs::kRandom, double rate = 0.15);
};

void add_alif_scenes(SceneList& list);

}  // namespace spikelane
