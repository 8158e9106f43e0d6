#include "tasks/sources/crossing.h"

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
  // counted first: then the room is made once, and filled without asking for more
  std::size_t n = series.back() == 255 ? 1 : 0;
  for (std::size_t t = 0; t + 1 < series.size(); ++t)
    n += static_cast<std::size_t>(std::abs(kLevels[series[t + 1]] - kLevels[series[t]])) +
         (series[t] == 255 ? 1 : 0);
  const std::size_t begin = events.size();
  events.resize(begin + n);
  InputEvent* out = events.data() + begin;
  for (std::size_t t = 0; t < series.size(); ++t) {
    const auto step = static_cast<std::int32_t>(t);
    const std::uint8_t value = series[t];
    const std::uint8_t next = t + 1 < series.size() ? series[t + 1] : value;
    if (next != value) {
      const int level = kLevels[value], next_level = kLevels[next];
      for (int k = level; k < next_level; ++k) *out++ = {step, 2 * k};
      for (int k = next_level; k < level; ++k) *out++ = {step, 2 * k + 1};
    }
    if (value == 255) *out++ = {step, kTouchUnit};
  }
}

}  // namespace spikelane
