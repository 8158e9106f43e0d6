// What a data task hands to the engine. Tasks fill it (tasks/*), the runner reads it; neither knows
// the other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace spikelane {

/// One input spike, known beforehand.
struct InputEvent {
  std::int32_t step;  // 0 .. T-1
  std::int32_t unit;  // 0 .. I-1
};

/// Makes a sample's events when they are asked for: where all of them would not fit the memory, or
/// each epoch has others.
class EventSource {
 public:
  virtual ~EventSource() = default;
  /// Clears `events` and writes those of `sample` in `epoch`, by step, then unit; no event twice. A
  /// pure function of its arguments, called from any thread.
  virtual void write(int sample, std::uint32_t epoch, std::vector<InputEvent>& events) const = 0;
  /// XXH64 of what the events are made from.
  virtual std::uint64_t fingerprint() const = 0;
};

/// Samples of one split. Inputs are events (binary), stored or made on demand, or dense values.
struct Dataset {
  int n_samples = 0, n_steps = 0, n_inputs = 0;
  bool is_dense = false;
  std::vector<InputEvent> events;     // sample b: events[offsets[b]] .. events[offsets[b+1]-1], by
                                      // step, then unit; no event twice
  std::vector<std::int64_t> offsets;  // (B + 1)
  std::shared_ptr<const EventSource> source;  // where set, `events` and `offsets` are empty
  std::vector<float> values;                  // (B, T, I) when is_dense
  std::vector<std::int32_t> labels;           // (B), empty when the task has none
};

class ClosedLoop;

struct TaskData {
  int n_classes = 0;  // 0: no labels
  Dataset train, test;
  bool tests_on_training_samples = false;  // no samples are held out
  std::string model_fingerprint;           // of a simulator's model; "" where there is none
  std::vector<std::string> warnings;       // what the user should know of these data
  std::shared_ptr<const ClosedLoop> loop;  // control tasks; then there are no data sets
};

}  // namespace spikelane
