#include "tasks/sources/rate.h"

#include <cstddef>

#include "kernels/core/random.h"

namespace spikelane {

void append_rate_events(std::span<const std::uint8_t> series, int n_units, const RateKey& key,
                        std::vector<InputEvent>& events) {
  const std::uint32_t n_blocks = (static_cast<std::uint32_t>(n_units) + 3) / 4;
  for (std::size_t t = 0; t < series.size(); ++t) {
    if (series[t] == 0) continue;
    // 0x01010101 = floor(2^32 / 255); 255 gives the largest word, so that it always fires
    const std::uint32_t threshold = series[t] * 0x01010101u;
    const auto step = static_cast<std::int32_t>(t);
    const RandomKey at{key.seed, static_cast<std::uint32_t>(t), key.epoch, Stream::kInput,
                       key.sample};
    // room for a whole block more, written without branches, then cut back to what fired
    const std::size_t begin = events.size();
    events.resize(begin + 4 * static_cast<std::size_t>(n_blocks));
    InputEvent* const first = events.data() + begin;
    InputEvent* out = first;
    for (std::uint32_t block = 0; block < n_blocks; ++block) {
      const PhiloxWords<std::uint32_t> words = philox_block(block, at);
      const std::uint32_t word[4] = {words.w0, words.w1, words.w2, words.w3};
      for (int j = 0; j < 4; ++j) {
        const int unit = static_cast<int>(4 * block) + j;
        *out = {step, unit};
        out += word[j] <= threshold && unit < n_units ? 1 : 0;
      }
    }
    events.resize(begin + static_cast<std::size_t>(out - first));
  }
}

}  // namespace spikelane
