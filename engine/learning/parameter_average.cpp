#include "engine/learning/parameter_average.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace spikelane {

ParameterAverage::ParameterAverage(double decay, std::span<const float> start) : decay_(decay) {
  if (is_on()) values_.assign(start.begin(), start.end());
}

void ParameterAverage::add(std::span<const float> parameters, std::int64_t update) {
  if (!is_on()) return;
  assert(parameters.size() == values_.size());
  const auto n = static_cast<double>(update);
  const auto share = static_cast<float>(1.0 - std::min(decay_, (n + 1.0) / (n + 10.0)));
  for (std::size_t i = 0; i < values_.size(); ++i)
    values_[i] = std::fma(share, parameters[i] - values_[i], values_[i]);
}

void ParameterAverage::visit_state(StateVisitor& visitor) {
  if (is_on()) visitor.array("average", std::span<float>(values_));
}

}  // namespace spikelane
