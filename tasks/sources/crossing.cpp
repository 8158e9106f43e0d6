#include "tasks/sources/crossing.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

namespace spikelane {

namespace {

constexpr int kThresholds = 39;
constexpr int kTouchUnit = 78;

// how many thresholds a value is at or above
constexpr std::array<std::uint8_t, 256> make_levels() {
  std::array<std::uint8_t, 256> levels{};
  for (int value = 0; value < 256; ++value)
    for (int k = 0; k < kThresholds; ++k) levels[value] += 39 * value >= 255 * k ? 1 : 0;
  return levels;
}

constexpr std::array<std::uint8_t, 256> kLevels = make_levels();

}  // namespace

void append_crossing_events(std::span<const std::uint8_t> series, std::vector<InputEvent>& events) {
  if (series.empty()) return;
  // The steps with events are few and lie at random, so most of the time would go into branches
  // that are guessed wrong: no branch finds them, and runs of units are written in whole pieces.
  constexpr int kPiece = 8;
  struct Change {
    std::int32_t step;
    std::uint8_t value, next;
  };
  static thread_local std::vector<Change> changes;
  changes.resize(series.size());
  std::size_t n_changes = 0, n = 0;
  for (std::size_t t = 0; t < series.size(); ++t) {
    const std::uint8_t value = series[t];
    const std::uint8_t next = t + 1 < series.size() ? series[t + 1] : value;
    changes[n_changes] = {static_cast<std::int32_t>(t), value, next};
    n_changes += value != next || value == 255 ? 1 : 0;
  }
  for (std::size_t i = 0; i < n_changes; ++i)
    n += static_cast<std::size_t>(std::abs(kLevels[changes[i].next] - kLevels[changes[i].value])) +
         (changes[i].value == 255 ? 1 : 0);
  const std::size_t begin = events.size();
  events.resize(begin + n + kPiece);
  InputEvent* out = events.data() + begin;
  for (std::size_t i = 0; i < n_changes; ++i) {
    const auto [step, value, next] = changes[i];
    const int level = kLevels[value], next_level = kLevels[next];
    const int first = 2 * std::min(level, next_level) + (next_level < level ? 1 : 0);
    const int n_units = std::abs(next_level - level);
    for (int k = 0; k < n_units; k += kPiece)
      for (int j = 0; j < kPiece; ++j) out[k + j] = {step, first + 2 * (k + j)};
    out += n_units;
    if (value == 255) *out++ = {step, kTouchUnit};
  }
  events.resize(begin + n);
}

}  // namespace spikelane
