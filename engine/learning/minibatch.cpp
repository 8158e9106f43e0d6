#include "engine/learning/minibatch.h"

#include <cassert>
#include <cstddef>
#include <numeric>
#include <utility>

#include "kernels/core/random.h"

namespace spikelane {

void shuffle_epoch(std::uint64_t seed, std::uint32_t epoch, std::span<std::int32_t> order) {
  const RandomKey key{seed, 0, epoch, Stream::kShuffle, 0};
  PhiloxWords<std::uint32_t> block{};
  std::uint64_t n_words = 0;
  const auto next_word = [&] {
    const std::uint64_t k = n_words++;
    if (k % 4 == 0) block = philox_block(static_cast<std::uint32_t>(k / 4), key);
    return k % 4 == 0 ? block.w0 : k % 4 == 1 ? block.w1 : k % 4 == 2 ? block.w2 : block.w3;
  };
  for (std::size_t i = order.size(); i-- > 1;) {
    const auto bound = static_cast<std::uint32_t>(i + 1);
    const std::uint32_t n_unfair = (0u - bound) % bound;  // 2^32 mod bound
    std::uint64_t product;
    do product = static_cast<std::uint64_t>(next_word()) * bound;
    while (static_cast<std::uint32_t>(product) < n_unfair);
    std::swap(order[i], order[static_cast<std::size_t>(product >> 32)]);
  }
}

Minibatches::Minibatches(std::uint64_t seed, int n_train, int batch)
    : seed_(seed), batch_(batch == 0 ? n_train : batch), order_(static_cast<std::size_t>(n_train)) {
  assert(n_train >= 1 && 0 <= batch && batch <= n_train);
  std::iota(order_.begin(), order_.end(), 0);
}

std::span<const std::int32_t> Minibatches::at(std::int64_t update) {
  assert(update >= 0);
  const auto size = static_cast<std::size_t>(batch_);
  if (size == order_.size()) return order_;
  const std::int64_t epoch = update / n_batches();
  if (epoch != epoch_) {
    std::iota(order_.begin(), order_.end(), 0);
    shuffle_epoch(seed_, static_cast<std::uint32_t>(epoch), order_);
    epoch_ = epoch;
  }
  return std::span(order_).subspan(static_cast<std::size_t>(update % n_batches()) * size, size);
}

}  // namespace spikelane
