// Which training samples a generation sees: the same for all its members.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spikelane {

/// Consecutive slices of a permutation of the training set, a new permutation an epoch. What
/// does not fill a slice at an epoch's end is left out of that epoch. A pure function of the
/// constructor's arguments and the update: nothing of it needs to be saved.
class Minibatches {
 public:
  /// 0 <= batch <= n_train, n_train >= 1. A batch of 0 or n_train is the whole training set in its
  /// own order, every time.
  Minibatches(std::uint64_t seed, int n_train, int batch);

  int size() const { return batch_; }

  /// The epoch, from 0, that `update` belongs to.
  std::uint32_t epoch_of(std::int64_t update) const {
    return static_cast<std::uint32_t>(update / n_batches());
  }

  /// Indices (batch) into the training set for `update`, which counts from 0. Valid until the next
  /// call. Costs a permutation when the epoch differs from the last call's.
  std::span<const std::int32_t> at(std::int64_t update);

 private:
  // updates an epoch
  std::int64_t n_batches() const { return static_cast<std::int64_t>(order_.size()) / batch_; }

  std::uint64_t seed_;
  int batch_;
  std::int64_t epoch_ = -1;          // that order_ belongs to; -1: none, order_ is 0, 1, 2, ...
  std::vector<std::int32_t> order_;  // (n_train)
};

/// A random permutation of 0 .. n-1: Fisher and Yates' shuffle from the top down. Position i takes
/// part with j = floor(word * (i + 1) / 2^32); words are Philox4x32-10's of stream shuffle,
/// c2 = epoch, in order, those skipped that would make some j likelier (Lemire 2019).
void shuffle_epoch(std::uint64_t seed, std::uint32_t epoch, std::span<std::int32_t> order);

}  // namespace spikelane
