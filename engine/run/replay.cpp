#include "engine/run/replay.h"

namespace spikelane {

std::vector<float> input_frame(const Plan& plan, const EncodedInputs& inputs, int sample, int t) {
  const int n_lanes = plan.lanes_per_tile(), n_inputs = plan.view().n_inputs;
  const InputView& tile = inputs.tiles()[static_cast<std::size_t>(sample / n_lanes)];
  const int lane = sample % n_lanes;
  std::vector<float> frame(static_cast<std::size_t>(n_inputs), 0.0f);
  if (tile.dense) {
    for (int i = 0; i < n_inputs; ++i)
      frame[static_cast<std::size_t>(i)] =
          tile.dense[(std::int64_t{t} * n_inputs + i) * n_lanes + lane];
    return frame;
  }
  for (int k = tile.step_begin[t]; k < tile.step_begin[t + 1]; ++k) {
    if (n_lanes == 1)
      frame[static_cast<std::size_t>(tile.units[k])] = 1.0f;
    else if ((tile.entries[k].lanes >> lane) & 1)
      frame[tile.entries[k].unit] = 1.0f;
  }
  return frame;
}

int find_not_finite_step(const Plan& plan, const float* block, const float* shared,
                         const EncodedInputs& inputs, int sample, int* population) {
  reference::Twin twin(plan.view(), block, shared);
  for (int t = 0; t < inputs.n_steps(); ++t) {
    twin.step(input_frame(plan, inputs, sample, t));
    const int found = twin.not_finite_population();
    if (found < 0) continue;
    *population = found;
    return t;
  }
  return inputs.n_steps() - 1;
}

}  // namespace spikelane
