#include "tasks/sources/rate.h"

#include <cstddef>

#include "kernels/core/random.h"

namespace spikelane {

namespace {

constexpr int kBlocks =
    4;  // Philox blocks at a time, as many as a vector of the base ISA has lanes

// words 4 * first_block .. + 16 of the key: out[j][i] is word j of block i
inline void draw_words(std::uint32_t first_block, const RandomKey& key,
                       std::uint32_t (&out)[4][kBlocks]) {
#pragma omp simd
  for (int i = 0; i < kBlocks; ++i) {
    const PhiloxWords<std::uint32_t> words =
        philox_block(first_block + static_cast<std::uint32_t>(i), key);
    out[0][i] = words.w0;
    out[1][i] = words.w1;
    out[2][i] = words.w2;
    out[3][i] = words.w3;
  }
}

}  // namespace

void append_rate_events(std::span<const std::uint8_t> series, int n_units, const RateKey& key,
                        std::vector<InputEvent>& events) {
  // each step has room for all units, and is cut back to those that fired
  const int n_padded = (n_units + 4 * kBlocks - 1) / (4 * kBlocks) * (4 * kBlocks);
  std::vector<InputEvent> fired(static_cast<std::size_t>(n_padded));
  for (std::size_t t = 0; t < series.size(); ++t) {
    if (series[t] == 0) continue;
    // 0x01010101 = floor(2^32 / 255); 255 gives the largest word, so that it always fires
    const std::uint32_t threshold = series[t] * 0x01010101u;
    const auto step = static_cast<std::int32_t>(t);
    const RandomKey at{key.seed, static_cast<std::uint32_t>(t), key.epoch, Stream::kInput,
                       key.sample};
    InputEvent* out = fired.data();
    for (int unit = 0; unit < n_units;) {
      std::uint32_t words[4][kBlocks];
      draw_words(static_cast<std::uint32_t>(unit) / 4, at, words);
      // written without branches, kept where it fired
      for (int i = 0; i < kBlocks; ++i)
        for (int j = 0; j < 4; ++j, ++unit) {
          *out = {step, unit};
          out += words[j][i] <= threshold && unit < n_units ? 1 : 0;
        }
    }
    events.insert(events.end(), fired.data(), out);
  }
}

}  // namespace spikelane
