// What the kernels of KeRNL's regression see: a copy of the net gets noise psi, and the filtered
// noise, times the sensitivity M, predicts how far the copy has moved from the true net. Plain
// structs, made by engine/learning/kernl_regression.h; design, section 7.
//
// One sample, step by step, for each filter f with k_f = exp(-g_f):
//   true net   by its own spikes
//   copy       current + P(psi),   P(psi)_i = sum_j psi_j W_rec[j, i]   (fma, j ascending from +0)
//   Gamma_f = k_f*(Gamma_f - Theta_f);   Theta_f = (k_f*Theta_f) + psi      (d Theta / d g)
// In a scored step:
//   target = v^ - v, or (v^ - B^) - (v - B);   d = (target - Theta_0 M_0) - Theta_1 M_1
//   loss = sum d^2;   dM_f[j, i] = sum Theta_j d_i;   dg_f[j] = sum (d M_f^T)_j Gamma_j
// Products with M: one accumulator an entry, fma, inner index ascending from +0; sums over scored
// rows likewise. d^2 is summed in double, blocks of 32 halved, blocks ascending. Factors -2/n come
// later, in the engine.
#pragma once

#include "kernels/step/views.h"

namespace spikelane {

constexpr int kMaxFilters = 2;
constexpr int kNoiseSteps = 16;  // drawn and multiplied together; kFlushPeriod, so tiny values
                                 // are cleared between such blocks

/// One filter; arrays are padded and 64-byte aligned.
struct RegressionFilterView {
  float* decay;        // (n_padded) k
  float* sensitivity;  // (n, n_padded) [source, target]
  float* transposed;   // (n, n_padded) [target, source]
};

struct RegressionView {
  int population, n, n_padded;
  int recurrent;  // which of the population's projections comes from itself
  int is_spiking_copy;
  int is_distance;  // the target is the distance to the threshold
  int is_every_step;
  int is_sign_noise;
  float noise_std;
  uint64_t seed;
  int n_filters;
  RegressionFilterView filters[kMaxFilters];
};

/// Scored rows, (rows, n_padded) each: steps of one sample, or last steps of several.
struct RegressionRows {
  float* target;
  float* theta[kMaxFilters];
  float* Gamma[kMaxFilters];
};

/// Sums over scored rows, added to.
struct RegressionSums {
  float* sensitivity[kMaxFilters];  // (n, n_padded)
  float* filter[kMaxFilters];       // (n_padded)
};

/// Working memory of one team; rows are (kNoiseSteps, n_padded).
struct RegressionScratch {
  float *psi, *drive, *current;            // noise, P(psi), the true net's current
  float *v, *b, *v_copy, *threshold_copy;  // of scored steps; b is the one before the step
  RegressionRows rows;                     // where every step is scored
  float *predicted, *error, *back;
  double* squares;    // (kNoiseSteps, n_padded/32) the error's, in blocks of 32
  float* copy_state;  // (3, n_padded) v, b, refractory of a filtered copy
  uint32_t* words;    // (kNoiseSteps, n_padded/32) signs of the noise
  char* copy_tile;    // of a spiking copy, with a scratch of its own
  const ScratchView* copy_scratch;
};

/// Samples one after the other, each the true net and its copy.
struct RegressionArgs {
  TrialArgs trial;  // neuron lanes, one tile's memory, resets
  const RegressionView* rule;
  const RegressionScratch* scratch;
  uint32_t update;
  const float* given_noise;  // (samples, T, n_padded) in place of drawn noise, or null
  RegressionRows rows;       // last step only: what is scored, a row a sample
  // every step: sums over samples and steps, and the samples' losses
  RegressionSums sums;
  double* losses;  // (samples) added to
};

/// Rows to score: losses[row] gets the row's sum of squares.
struct RegressionScoreArgs {
  const RegressionView* rule;
  const RegressionScratch* scratch;
  const RegressionRows* rows;
  int n_rows;
  const RegressionSums* sums;
  double* losses;   // added to
  int loss_stride;  // 1: a loss a row; 0: one for all rows
};

}  // namespace spikelane
