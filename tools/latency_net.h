// The net of the latency scenes: that of floor/w4floor.cpp, the same neurons, the same weights from
// the same generator; and the world around it, what its outputs do to its inputs.
#pragma once

#include <vector>

#include "engine/network/description.h"

namespace spikelane {

struct LatencyNet {
  static constexpr int kInputs = 16, kOutputs = 4;
  NetworkDescription network;
  std::vector<float> parameters;  // input -> hidden, hidden -> hidden, hidden -> output
  float feedback[kOutputs][kInputs];

  /// The inputs of a step from the outputs of the step before, `stride` apart.
  void feel(const float* outputs, int stride, float* inputs) const;
};

/// `n` recurrent neurons.
LatencyNet make_latency_net(int n);

}  // namespace spikelane
