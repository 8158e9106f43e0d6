// Source `crossing`: a series of values 0..255 as spikes at the steps where it crosses thresholds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/run/task.h"

namespace spikelane {

inline constexpr int kCrossingUnits = 79;

/// Appends the events of `series`, one value a step from step 0 on, by step, then unit. The
/// thresholds are those of the LSNN papers (Bellec et al. 2018, 2020), k/39 of 255, k = 0..38: unit
/// 2k fires at the last step before the series reaches threshold k from below, unit 2k + 1 before
/// it falls below it again, unit 78 wherever the value is 255. "At or above" means
/// 39 * value >= 255 * k in integers, which agrees with the published floating-point recipe for
/// every value. Units 0 and 1 therefore never fire.
void append_crossing_events(std::span<const std::uint8_t> series, std::vector<InputEvent>& events);

}  // namespace spikelane
