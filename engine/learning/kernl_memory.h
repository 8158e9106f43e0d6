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

  /// What one thread's would take, scratch and tile left out: mostly T times the neurons and T
  /// times the presynaptic neurons.
  static std::size_t n_bytes_of_trial(const Plan& plan, const KernlRule& rule,
                                      const KernlConfig& config, bool takes_error);

  struct Views {
    std::vector<HistoryView> histories;  // (populations)
    KernlScratch kernl{};
  };
  /// Where everything lies in n_bytes_of_trial bytes from `data` on, which may be a device's.
  static Views views_in(char* data, const Plan& plan, const KernlRule& rule,
                        const KernlConfig& config, bool takes_error);

  /// The scratch of the trial, with its histories; and that of the gradient.
  const ScratchView& scratch() const { return scratch_view_; }
  const KernlScratch& kernl() const { return views_.kernl; }
  char* tile() const { return scratch_.tile(); }
  std::size_t n_bytes() const { return scratch_.n_bytes() + memory_.size(); }

 private:
  template <class Take>
  static void place(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
                    bool takes_error, Views& views, const Take& take);

  Scratch scratch_;
  ScratchView scratch_view_;
  AlignedMemory memory_;
  Views views_;
};

}  // namespace spikelane
