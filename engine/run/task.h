// What a data task hands to the engine. Tasks fill it (tasks/*), the runner reads it; neither knows
// the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace spikelane {

/// One input spike, known beforehand.
struct InputEvent {
  std::int32_t step;  // 0 .. T-1
  std::int32_t unit;  // 0 .. I-1
};

/// Samples of one split. Inputs are either events (binary) or dense values, never both.
struct Dataset {
  int n_samples = 0, n_steps = 0, n_inputs = 0;
  bool is_dense = false;
  std::vector<InputEvent> events;     // sample b: events[offsets[b]] .. events[offsets[b+1]-1], by
                                      // step, then unit; no event twice
  std::vector<std::int64_t> offsets;  // (B + 1)
  std::vector<float> values;          // (B, T, I) when is_dense
  std::vector<std::int32_t> labels;   // (B), empty when the task has none
};

struct TaskData {
  int n_classes = 0;  // 0: no labels
  Dataset train, test;
};

}  // namespace spikelane
