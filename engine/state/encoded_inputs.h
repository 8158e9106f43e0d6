// Inputs of one batch in the form kernels read: per tile, per step, who fires.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/plan/plan.h"
#include "engine/run/task.h"

namespace spikelane {

/// Made once a batch and read by all members.
class EncodedInputs {
 public:
  /// The samples `indices` of `data`, in that order, as tiles of the plan's layout. `epoch` matters
  /// where the events are made anew each epoch.
  EncodedInputs(const Plan& plan, const Dataset& data, std::span<const std::int32_t> indices,
                std::uint32_t epoch = 0);

  std::span<const InputView> tiles() const { return views_; }
  int n_samples() const { return n_samples_; }
  /// Tells these inputs from all others that this process has made; never 0.
  std::uint64_t number() const { return number_; }
  int n_steps() const { return n_steps_; }
  /// The labels of the batch, (n_samples); empty without labels.
  const std::vector<std::int32_t>& labels() const { return labels_; }

 private:
  void encode_dense(const Dataset& data, std::span<const std::int32_t> indices, int n_lanes);
  void encode_rows(const Dataset& data, std::span<const std::int32_t> indices, std::uint32_t epoch);
  void encode_tiles(const Dataset& data, std::span<const std::int32_t> indices, std::uint32_t epoch,
                    bool wants_codes);

  int n_samples_ = 0, n_steps_ = 0;
  std::uint64_t number_ = 0;
  std::vector<std::int32_t> labels_;
  std::vector<InputView> views_;
  std::vector<std::int32_t> step_begin_;  // (tiles, T + 1)
  std::vector<SpikeEntry> entries_;
  std::vector<std::int32_t> units_;
  std::vector<std::uint8_t> codes_;        // (tiles, T, 16)
  std::vector<std::uint32_t> code_units_;  // (tiles, kMaxCodes)
  std::vector<float> dense_;               // (tiles, T, I, lanes)
};

}  // namespace spikelane
