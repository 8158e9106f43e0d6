// Working memory of one thread that computes KeRNL's gradients by whole trials: the history of one
// row, its merged events, and the filtered error where it cannot be made on the way.
#pragma once

#include <vector>

#include "engine/learning/kernl_rule.h"
#include "engine/state/scratch.h"

namespace spikelane {

class KernlMemory {
 public:
  /// Plan and rule must outlive it. `takes_error`: errors are given step by step.
  KernlMemory(const Plan& plan, const KernlRule& rule, const KernlConfig& config, bool takes_error);

  /// The scratch of the trial, with its histories; and that of the gradient.
  const ScratchView& scratch() const { return scratch_view_; }
  const KernlScratch& kernl() const { return kernl_; }
  char* tile() const { return scratch_.tile(); }
  std::size_t n_bytes() const { return scratch_.n_bytes() + memory_.size(); }

 private:
  Scratch scratch_;
  ScratchView scratch_view_;
  std::vector<HistoryView> histories_;
  KernlScratch kernl_{};
  AlignedMemory memory_;
};

}  // namespace spikelane
