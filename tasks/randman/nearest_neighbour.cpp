#include "tasks/randman/nearest_neighbour.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace spikelane {

namespace {

int most_spikes_of_a_unit(const Dataset& data) {
  int most = 0;
  std::vector<int> n_of_unit(data.n_inputs);
  for (int sample = 0; sample < data.n_samples; ++sample) {
    std::fill(n_of_unit.begin(), n_of_unit.end(), 0);
    for (auto e = data.offsets[sample]; e < data.offsets[sample + 1]; ++e) {
      most = std::max(most, ++n_of_unit[data.events[e].unit]);
    }
  }
  return most;
}

// spike steps as a table (I * n_spikes, B), samples innermost so that distances are vectorised
std::vector<float> features_of(const Dataset& data, int n_spikes) {
  const std::size_t n_samples = data.n_samples;
  std::vector<float> features(n_samples * data.n_inputs * n_spikes);
  std::vector<int> n_of_unit(data.n_inputs);
  std::vector<float> last(data.n_inputs);
  for (std::size_t sample = 0; sample < n_samples; ++sample) {
    std::fill(n_of_unit.begin(), n_of_unit.end(), 0);
    std::fill(last.begin(), last.end(), static_cast<float>(data.n_steps));
    const auto put = [&](int unit, float step) {
      const std::size_t row = static_cast<std::size_t>(unit) * n_spikes + n_of_unit[unit]++;
      features[row * n_samples + sample] = step;
    };
    for (auto e = data.offsets[sample]; e < data.offsets[sample + 1]; ++e) {
      const InputEvent& event = data.events[e];
      last[event.unit] = static_cast<float>(event.step);
      put(event.unit, last[event.unit]);
    }
    for (int unit = 0; unit < data.n_inputs; ++unit) {
      while (n_of_unit[unit] < n_spikes) put(unit, last[unit]);
    }
  }
  return features;
}

bool is_same_data(const Dataset& a, const Dataset& b) {
  return a.n_samples == b.n_samples && a.labels == b.labels && a.offsets == b.offsets &&
         std::equal(a.events.begin(), a.events.end(), b.events.begin(), b.events.end(),
                    [](const InputEvent& x, const InputEvent& y) {
                      return x.step == y.step && x.unit == y.unit;
                    });
}

}  // namespace

std::optional<double> nearest_neighbour_ceiling(const TaskData& data) {
  const Dataset &train = data.train, &test = data.test;
  if (train.is_dense || test.is_dense || train.labels.empty() || test.labels.empty()) return {};
  const bool leave_one_out = is_same_data(train, test);
  if (leave_one_out && train.n_samples < 2) return {};

  const int n_spikes = std::max(most_spikes_of_a_unit(train), most_spikes_of_a_unit(test));
  const std::vector<float> known = features_of(train, n_spikes),
                           asked = features_of(test, n_spikes);
  const std::size_t n_train = train.n_samples, n_test = test.n_samples;
  const std::size_t n_features = static_cast<std::size_t>(train.n_inputs) * n_spikes;
  // whole numbers, exact in float below 2^24: the order of the sum does not matter
  std::vector<float> distance(n_train);
  std::size_t n_right = 0;
  for (std::size_t sample = 0; sample < n_test; ++sample) {
    std::fill(distance.begin(), distance.end(), 0.0F);
    for (std::size_t row = 0; row < n_features; ++row) {
      const float step = asked[row * n_test + sample];
      const float* steps = known.data() + row * n_train;
      for (std::size_t i = 0; i < n_train; ++i) {
        distance[i] += (steps[i] - step) * (steps[i] - step);
      }
    }
    if (leave_one_out) distance[sample] = std::numeric_limits<float>::infinity();
    const auto nearest = std::min_element(distance.begin(), distance.end()) - distance.begin();
    n_right += train.labels[nearest] == test.labels[sample] ? 1 : 0;
  }
  return static_cast<double>(n_right) / static_cast<double>(n_test);
}

}  // namespace spikelane
