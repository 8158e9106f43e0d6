// The nearest-neighbour ceiling: by hand, and against a plain search.
#include "tasks/randman/nearest_neighbour.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tasks/randman/randman.h"

namespace spikelane {
namespace {

// samples given as lists of events
Dataset dataset(int n_steps, int n_inputs, const std::vector<std::vector<InputEvent>>& samples,
                const std::vector<std::int32_t>& labels) {
  Dataset data;
  data.n_samples = static_cast<int>(samples.size());
  data.n_steps = n_steps;
  data.n_inputs = n_inputs;
  data.offsets.push_back(0);
  for (const auto& sample : samples) {
    data.events.insert(data.events.end(), sample.begin(), sample.end());
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  data.labels = labels;
  return data;
}

}  // namespace

TEST_CASE("nearest neighbour: cases counted by hand") {
  TaskData data;
  data.n_classes = 2;
  data.train = dataset(100, 2, {{{10, 0}, {20, 1}}, {{50, 0}, {60, 1}}}, {0, 1});
  // near the first, near the second, exactly between (the first counts)
  data.test =
      dataset(100, 2, {{{12, 0}, {22, 1}}, {{49, 0}, {70, 1}}, {{30, 0}, {40, 1}}}, {0, 1, 1});
  REQUIRE(nearest_neighbour_ceiling(data));
  CHECK(*nearest_neighbour_ceiling(data) == doctest::Approx(2.0 / 3.0));

  // a silent unit counts as one that fires after the trial
  data.test = dataset(100, 2, {{{50, 0}}, {{20, 1}}}, {1, 0});
  CHECK(*nearest_neighbour_ceiling(data) == doctest::Approx(0.5));

  // merged spikes: one spike at 30 stands for two there
  data.train = dataset(100, 1, {{{30, 0}}, {{10, 0}, {90, 0}}}, {0, 1});
  data.test = dataset(100, 1, {{{29, 0}, {31, 0}}, {{11, 0}, {80, 0}}}, {0, 1});
  CHECK(*nearest_neighbour_ceiling(data) == 1.0);
}

TEST_CASE("nearest neighbour: a sample is not its own neighbour") {
  TaskData data;
  data.train = dataset(100, 1, {{{10, 0}}, {{11, 0}}, {{90, 0}}, {{91, 0}}}, {0, 1, 1, 1});
  data.test = data.train;
  CHECK(*nearest_neighbour_ceiling(data) == 0.5);
  data.train = data.test = dataset(100, 1, {{{10, 0}}}, {0});
  CHECK(!nearest_neighbour_ceiling(data));
}

TEST_CASE("nearest neighbour: nothing to say without labels or spike times") {
  TaskData data;
  CHECK(!nearest_neighbour_ceiling(data));
  data.train = dataset(10, 1, {{{1, 0}}}, {});
  data.test = dataset(10, 1, {{{2, 0}}}, {});
  CHECK(!nearest_neighbour_ceiling(data));
  data.train.labels = data.test.labels = {0};
  CHECK(nearest_neighbour_ceiling(data));
  data.train.is_dense = data.test.is_dense = true;
  CHECK(!nearest_neighbour_ceiling(data));
}

TEST_CASE("nearest neighbour: equal to a plain search over the raw steps") {
  RandmanConfig config;
  config.n_classes = 4;
  config.n_units = 3;
  config.dim_manifold = 2;
  config.n_spikes = 2;
  config.n_samples_per_class = 60;
  config.n_steps = 1000;
  config.n_test = 80;
  const RandmanSpikes spikes = make_randman_spikes(config);
  const int n_train = 160, n_units = 3;
  int n_right = 0;
  for (int sample = n_train; sample < 240; ++sample) {
    long nearest = -1;
    int label = -1;
    for (int other = 0; other < n_train; ++other) {
      long distance = 0;
      for (int unit = 0; unit < n_units; ++unit) {
        const auto at = [&](int s, int k) { return spikes.steps[s * 6 + k * n_units + unit]; };
        const auto [a0, a1] = std::minmax({at(sample, 0), at(sample, 1)});
        const auto [b0, b1] = std::minmax({at(other, 0), at(other, 1)});
        distance += static_cast<long>(a0 - b0) * (a0 - b0) + static_cast<long>(a1 - b1) * (a1 - b1);
      }
      if (nearest < 0 || distance < nearest) nearest = distance, label = spikes.labels[other];
    }
    n_right += label == spikes.labels[sample] ? 1 : 0;
  }
  CHECK(n_right > 40);
  CHECK(*nearest_neighbour_ceiling(make_randman(config)) == n_right / 80.0);
}

TEST_CASE("nearest neighbour: the original's data cannot be told apart by spike times") {
  // 3 units, two-dimensional manifolds, seed 12: 55 to 57 %, by which samples are held out
  RandmanConfig config;
  config.n_units = 3;
  config.dim_manifold = 2;
  const auto ceiling = nearest_neighbour_ceiling(make_randman(config));
  REQUIRE(ceiling);
  CHECK(*ceiling == doctest::Approx(0.564));
}

}  // namespace spikelane
