// The random numbers of the programs that first made the Randman data: numpy's RandomState and
// torch's CPU generator. Both are MT19937 seeded by init_genrand, which is std::mt19937; what is
// made of its 32-bit words differs. Only for data that must equal the original's: everything else
// draws from the engine's counter-based generator.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace spikelane {

/// numpy.random.RandomState(seed) with a scalar seed 0 .. 2^32-1.
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : words_(seed) {}

  /// One element of randint(0, bound, size=..., dtype=int64): 64-bit words, masked, rejected. For
  /// bound > 2^32, where numpy takes the 64-bit path.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t last = bound - 1, mask = mask_of(last);
    std::uint64_t value;
    do {
      // high word first
      const std::uint64_t high = words_();
      value = (high << 32 | words_()) & mask;
    } while (value > last);
    return value;
  }

  /// One element of rand(...): 53 bits in [0, 1).
  double uniform() {
    const double high = static_cast<double>(words_() >> 5);
    const double low = static_cast<double>(words_() >> 6);
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }

  /// shuffle(order) of a one-dimensional array: from the end, with a masked 32-bit draw each.
  void shuffle(std::vector<std::int32_t>& order) {
    for (std::size_t i = order.size(); i-- > 1;) {
      const std::uint64_t mask = mask_of(i);
      std::uint64_t j;
      do {
        j = words_() & mask;
      } while (j > i);
      std::swap(order[i], order[j]);
    }
  }

 private:
  // the smallest 2^n - 1 that is not below `last`
  static std::uint64_t mask_of(std::uint64_t last) {
    std::uint64_t mask = last;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    return mask;
  }

  std::mt19937 words_;
};

/// torch.manual_seed(seed) on the CPU, of which only the low 32 bits count.
class TorchRandom {
 public:
  explicit TorchRandom(std::uint64_t seed) : words_(static_cast<std::uint32_t>(seed)) {}

  /// One element of torch.rand(...), float32: 24 bits in [0, 1).
  float uniform() { return static_cast<float>(words_() & 0xffffffU) * 0x1p-24F; }

 private:
  std::mt19937 words_;
};

}  // namespace spikelane
