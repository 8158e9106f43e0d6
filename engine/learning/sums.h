// The one order in which numbers of members or samples are added, so that threads and ranks, which
// own whole blocks, cannot change a bit.
#pragma once

#include <cstddef>
#include <span>

namespace spikelane {

/// Members or samples in one block of a sum.
inline constexpr std::size_t kSumBlock = 8;

/// value(0) + ... + value(n - 1) in double: blocks of 8, ascending inside from +0, then the blocks'
/// sums ascending from +0. The last block may be shorter. n = 0 gives +0.
template <class Value>
double tree_sum_blocks_of_8(std::size_t n, const Value& value) {
  double total = 0.0;
  for (std::size_t begin = 0; begin < n; begin += kSumBlock) {
    const std::size_t end = n - begin < kSumBlock ? n : begin + kSumBlock;
    double block = 0.0;
    for (std::size_t i = begin; i < end; ++i) block += value(i);
    total += block;
  }
  return total;
}

inline double tree_sum_blocks_of_8(std::span<const double> values) {
  return tree_sum_blocks_of_8(values.size(), [&](std::size_t i) { return values[i]; });
}

/// Their mean, 0 of none.
inline double mean_of(std::span<const double> values) {
  return values.empty() ? 0.0 : tree_sum_blocks_of_8(values) / static_cast<double>(values.size());
}

}  // namespace spikelane
