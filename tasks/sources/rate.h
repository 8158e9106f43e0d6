// Source `rate`: independent random spike trains whose probability follows a series of values
// 0..255.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/run/task.h"

namespace spikelane {

/// Which random numbers a sample's trains are made of.
struct RateKey {
  std::uint64_t seed;
  std::uint32_t epoch;
  std::uint32_t sample;  // below 2^24
};

/// Appends the events of `n_units` trains over `series`, one value a step from step 0 on, by step,
/// then unit: each unit fires at step t with probability series[t] / 255, which is exact to 2^-32.
/// Unit i fires where value > 0 and word i of the counter RNG (stream input, step t, update =
/// epoch, member = sample; kernels/core/random.h) is at most value * 0x01010101.
void append_rate_events(std::span<const std::uint8_t> series, int n_units, const RateKey& key,
                        std::vector<InputEvent>& events);

}  // namespace spikelane
