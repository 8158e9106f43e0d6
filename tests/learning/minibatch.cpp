// Minibatches: each epoch is a permutation, and a pure function of seed and update.
#include "engine/learning/minibatch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

namespace spikelane {
namespace {

std::vector<std::int32_t> batch_at(Minibatches& batches, std::int64_t update) {
  const auto batch = batches.at(update);
  return {batch.begin(), batch.end()};
}

std::vector<std::int32_t> counted(int n) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

TEST_SUITE("learning") {
  TEST_CASE("an epoch takes no sample twice and differs from the next") {
    Minibatches batches(12, 103, 10);
    CHECK(batches.size() == 10);
    std::vector<std::vector<std::int32_t>> epochs(3);
    for (std::int64_t update = 0; update < 30; ++update)
      for (std::int32_t b : batch_at(batches, update))
        epochs[static_cast<std::size_t>(update / 10)].push_back(b);
    for (std::vector<std::int32_t>& epoch : epochs) {
      CHECK(epoch.size() == 100);
      std::vector<std::int32_t> sorted = epoch;
      std::sort(sorted.begin(), sorted.end());
      CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
      CHECK(sorted.front() >= 0);
      CHECK(sorted.back() < 103);
      CHECK(epoch != sorted);
    }
    CHECK(epochs[0] != epochs[1]);
    CHECK(epochs[1] != epochs[2]);
  }

  TEST_CASE("an update knows its epoch") {
    const Minibatches batches(12, 103, 10), all(12, 7, 0);
    for (std::int64_t update : {0, 9, 10, 19, 20, 1005}) {
      CHECK(batches.epoch_of(update) == update / 10);
      CHECK(all.epoch_of(update) == update);
    }
  }

  TEST_CASE("a shuffle is a permutation, for any size") {
    for (int n : {1, 2, 3, 4, 5, 31, 64, 1000}) {
      std::vector<std::int32_t> order = counted(n);
      shuffle_epoch(7, 3, order);
      std::sort(order.begin(), order.end());
      CHECK(order == counted(n));
    }
  }

  TEST_CASE("a shuffle is the one that a second program makes") {
    // Philox4x32-10 and the shuffle, written again in Python from the header's text
    std::vector<std::int32_t> order = counted(12);
    shuffle_epoch(0x123456789abcdef, 5, order);
    CHECK(order == std::vector<std::int32_t>{4, 0, 7, 6, 5, 2, 8, 1, 3, 11, 10, 9});
  }

  TEST_CASE("all orders of three are about equally likely") {
    int n_seen[27] = {};
    const int n_shuffles = 6000;
    for (int epoch = 0; epoch < n_shuffles; ++epoch) {
      std::vector<std::int32_t> order = counted(3);
      shuffle_epoch(99, static_cast<std::uint32_t>(epoch), order);
      ++n_seen[order[0] * 9 + order[1] * 3 + order[2]];
    }
    // 1000 expected of each, standard deviation 29
    for (int code : {5, 7, 11, 15, 19, 21}) {
      CHECK(n_seen[code] > 850);
      CHECK(n_seen[code] < 1150);
    }
  }

  TEST_CASE("a batch depends on seed and update, not on what was asked before") {
    Minibatches straight(5, 50, 7), jumping(5, 50, 7), other(6, 50, 7);
    std::vector<std::vector<std::int32_t>> all;
    for (std::int64_t update = 0; update < 40; ++update) all.push_back(batch_at(straight, update));
    for (std::int64_t update : {39, 0, 13, 12, 6, 7, 39})
      CHECK(batch_at(jumping, update) == all[static_cast<std::size_t>(update)]);
    CHECK(batch_at(other, 0) != all[0]);
  }

  TEST_CASE("the whole training set comes in its own order") {
    for (int batch : {0, 9}) {
      Minibatches batches(5, 9, batch);
      CHECK(batches.size() == 9);
      CHECK(batch_at(batches, 0) == counted(9));
      CHECK(batch_at(batches, 4) == counted(9));
    }
  }
}

}  // namespace spikelane
