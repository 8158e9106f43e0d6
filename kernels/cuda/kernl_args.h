// What the library's functions for KeRNL and e-prop take. Pointers are to device memory.
#pragma once

#include <stdint.h>

#include "kernels/step/kernl_view.h"

namespace spikelane {

/// One launch: trials with their gradients. A block takes a part of the batch at a time, sample
/// after sample, as a thread of the CPU does.
struct CudaKernlTrialArgs {
  KernlTrialArgs batch;  // all samples; what belongs to a block or a part stands below
  int n_samples_of_part;
  int first_part, n_parts;     // of this launch
  const ScratchView* scratch;  // (blocks)
  HistoryView* histories;      // (blocks, populations)
  const KernlScratch* kernl;   // (blocks)
  char* tiles;                 // (blocks)
  float* gradients;            // (n_parts, stride) written
  int64_t stride;              // floats of a part's
  int32_t* n_spikes;           // (parts of the batch, n_neurons) written
  int n_neurons;
  NotFinite* not_finite;  // (parts of the batch)
};

/// One launch: steps of rows that learn while they act, a block a part of them.
struct CudaKernlOnlineArgs {
  KernlOnlineArgs batch;  // all rows; what belongs to a block or a part stands below
  int n_rows_of_part;
  int first_part, n_parts;           // of this launch
  const ScratchView* scratch;        // (blocks)
  const KernlScratch* kernl;         // (blocks)
  const KernlOnlineScratch* online;  // (blocks)
  float* gradients;                  // (all parts, stride) added to
  int64_t stride;
  NotFinite* not_finite;  // (all parts)
};

/// Sums over parts ascending, in double: what a batch's gradient is made of.
struct CudaPartSumArgs {
  const float* parts;  // (n_parts, stride)
  int64_t stride;
  int n_parts;
  int is_first;  // else the sums of the parts before are there
  double* sums;  // (stride)
};

}  // namespace spikelane
