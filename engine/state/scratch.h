// Scratch: what one team needs beside the State while it steps. Nothing in it outlives a window.
#pragma once

#include <vector>

#include "engine/plan/plan.h"
#include "engine/state/aligned_memory.h"

namespace spikelane {

class Scratch {
 public:
  /// For windows of at most `max_window` steps, with a tile and a member's block of its own when
  /// `has_tile` (fused trials that keep no State).
  Scratch(const Plan& plan, int max_window, bool has_tile);

  const ScratchView& view() const { return view_; }
  char* tile() const { return tile_; }                 // (tile_bytes)
  float* block() const { return block_; }              // (n_block_floats)
  const char* base() const { return memory_.data(); }  // what all pointers of the view lie in
  std::size_t n_bytes() const { return memory_.size(); }

 private:
  AlignedMemory memory_;
  std::vector<SignalBuffer> signals_;
  ScratchView view_{};
  char* tile_ = nullptr;
  float* block_ = nullptr;
};

}  // namespace spikelane
