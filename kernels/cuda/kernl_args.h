// What the library's functions for KeRNL and e-prop take. Pointers are to device memory.
#pragma once

#include <stdint.h>

#include "kernels/step/kernl_regression_view.h"
#include "kernels/step/kernl_view.h"
#include "kernels/step/optimiser_step.h"

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

/// One launch: samples of a regression, or the scoring of their last steps. A block takes a part of
/// the batch at a time.
struct CudaRegressionArgs {
  RegressionArgs batch;  // all samples; what belongs to a block or a part stands below
  int n_samples_of_part;
  int first_part, n_parts;                   // of this launch
  const ScratchView* scratch;                // (blocks), then (blocks) of copies that spike
  char* tiles;                               // likewise
  const RegressionScratch* scratch_of_rule;  // (blocks)
  float* sums;                               // (all parts of 8 samples, stride) written
  NotFinite* not_finite;                     // (all parts)
};

/// The regression's gradient, and the update that it gives: M and g, flat and logical, and what the
/// kernels read of them.
struct CudaRegressionUpdateArgs {
  const RegressionView* rule;
  const float* sums;  // (parts of 8 samples)
  int n_parts;
  double n_terms;                                 // scored values
  float *parameters, *gradient, *first, *second;  // state vectors or any others
  int steps;  // else the kernels' arrays are made anew from what the parameters are
  OptimiserStep step_of_tensor, step_of_filter;
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
