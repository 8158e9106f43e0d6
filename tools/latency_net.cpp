#include "tools/latency_net.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "tasks/scenes/scenes.h"

namespace spikelane {

namespace {

/// Marsaglia's xorshift, 24 bits of each number, in -a .. a.
class Xorshift {
 public:
  float next(float a) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return a * (static_cast<float>(state_ >> 40) * (2.0f / 16777216) - 1.0f);
  }

 private:
  std::uint64_t state_ = 1;
};

}  // namespace

LatencyNet make_latency_net(int n) {
  LatencyNet net;
  net.network.n_inputs = LatencyNet::kInputs;
  // the output is the sum of the weights of who fired in this very step
  net.network.populations = {leaky("hidden", n, 0.9),
                             readout("output", LatencyNet::kOutputs, 0.0, 1.0)};
  ProjectionDescription projection;
  for (const auto& [from, to] :
       {std::pair{"input", "hidden"}, {"hidden", "hidden"}, {"hidden", "output"}}) {
    projection.from = from;
    projection.to = to;
    net.network.projections.push_back(projection);
  }
  Xorshift random;
  const float scale = 1.0f / std::sqrt(static_cast<float>(n));
  for (int i = 0; i < LatencyNet::kInputs * n; ++i) net.parameters.push_back(random.next(1.0f));
  for (int i = 0; i < n * n; ++i) net.parameters.push_back(random.next(scale));
  for (int i = 0; i < n * LatencyNet::kOutputs; ++i) net.parameters.push_back(random.next(scale));
  for (auto& row : net.feedback)
    for (float& weight : row) weight = random.next(1.7f);
  return net;
}

void LatencyNet::feel(const float* outputs, int stride, float* inputs) const {
  for (int i = 0; i < kInputs; ++i) inputs[i] = 1.0f;
  for (int o = 0; o < kOutputs; ++o)
    for (int i = 0; i < kInputs; ++i) inputs[i] += outputs[o * stride] * feedback[o][i];
}

}  // namespace spikelane
