// The running mean of the parameters over updates: a stand-in for the last ones with less of the
// updates' noise in it (Polyak averaging).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/state/saved_state.h"

namespace spikelane {

class ParameterAverage {
 public:
  /// decay 0: no mean is kept. It starts at `start` (P).
  ParameterAverage(double decay, std::span<const float> start);

  bool is_on() const { return decay_ > 0.0; }
  /// After update `update` (0 the first): mean = fma(1 - d, parameters - mean, mean), with d the
  /// decay, but at most (update + 1) / (update + 10), so that the start is soon forgotten.
  void add(std::span<const float> parameters, std::int64_t update);

  /// (P), empty where none is kept.
  const std::vector<float>& values() const { return values_; }
  /// The array "average", where a mean is kept.
  void visit_state(StateVisitor& visitor);

 private:
  double decay_;
  std::vector<float> values_;
};

}  // namespace spikelane
