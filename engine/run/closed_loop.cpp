#include "engine/run/closed_loop.h"

#include <cstddef>
#include <string>
#include <utility>

#include "engine/config/problems.h"

namespace spikelane {

static double value_of(const std::vector<double>& values, std::size_t i) {
  return values.size() == 1 ? values[0] : values[i];
}

static void check_lengths(const ObservationConfig& config, int n_observations) {
  Problems problems;
  const auto check = [&](const char* key, const std::vector<double>& values) {
    if (values.size() != 1 && values.size() != static_cast<std::size_t>(n_observations))
      problems.add(
          std::string("task.observation.") + key, "an array of " + std::to_string(values.size()),
          "one number, or one for each of the " + std::to_string(n_observations) + " observations");
  };
  if (config.coding == ObservationKind::kGaussian) {
    check("low", config.low);
    check("high", config.high);
    check("width", config.width);
  } else {
    check("scale", config.scale);
  }
  problems.throw_if_any();
}

ClosedLoop::ClosedLoop(const ControlConfig& config, const TaskPort& port, DrawState drawing,
                       std::shared_ptr<const void> model, int built_in)
    : config_(config), model_(std::move(model)), draw_(drawing), built_in_(built_in) {
  const ObservationConfig& observation = config_.observation;
  check_lengths(observation, port.n_observations);
  const bool is_gaussian = observation.coding == ObservationKind::kGaussian;
  const auto n_fields = static_cast<std::size_t>(observation.n_fields);
  for (std::size_t i = 0; i < static_cast<std::size_t>(port.n_observations); ++i) {
    if (!is_gaussian) {
      inverse_scale_.push_back(static_cast<float>(1.0 / value_of(observation.scale, i)));
      continue;
    }
    const double low = value_of(observation.low, i), high = value_of(observation.high, i);
    const double distance = (high - low) / static_cast<double>(n_fields - 1);
    inverse_scale_.push_back(static_cast<float>(1.0 / (value_of(observation.width, i) * distance)));
    for (std::size_t k = 0; k < n_fields; ++k)
      centres_.push_back(static_cast<float>(low + distance * static_cast<double>(k)));
  }
  view_.port = port;
  view_.observation = {static_cast<ObservationCoding>(observation.coding), port.n_observations,
                       observation.n_fields, inverse_scale_.data(), centres_.data()};
  const ActionCoding coding = port.is_discrete                      ? ActionCoding::kArgmax
                              : config_.squash == ActionKind::kTanh ? ActionCoding::kTanh
                                                                    : ActionCoding::kClip;
  view_.action = {coding, port.n_actions, static_cast<float>(config_.action_scale)};
  view_.control_steps = config_.control_steps;
  view_.max_steps = config_.max_steps;
}

}  // namespace spikelane
