// What the learning kernels of KeRNL and e-prop see: plain structs, made by engine/learning.
//
// A neuron's *fast* filter has the decay k of its membrane; a *slow* one, driven by h times the
// fast trace, stands for its adaptation (design, section 7):
//   fast_ij(t) = k_i fast_ij(t-1) + a_i(t) z_j(t)
//   slow_ij(t) = (rho_i - coupling_i h_i(t)) slow_ij(t-1) + h_i(t) fast_ij(t)
//   dW_ij      = sum_t L_i(t) fast_ij(t) + L'_i(t) slow_ij(t-1)
// e-prop for ALIF: coupling = g*beta, L' = -g*beta*L with g the factor of a spike in b. KeRNL: no
// coupling, L and L' from sensitivity tensors. Constants of the membrane, (1-alpha)*R_m, are left
// out of gradients.
#pragma once

#include "kernels/step/views.h"

namespace spikelane {

/// Where the pseudo-derivative h sits. kError: a = 1, the error carries h. kTrace: a = h. kSeed:
/// a = S(t), the error carries h, and a population's own spikes enter z in the same step, as in the
/// original cell. kSeedPlain: the same without any h.
enum class DerivativePlace : int { kError, kTrace, kSeed, kSeedPlain };

/// One population that learns. All arrays are padded to n_padded, 64-byte aligned.
struct LearnedView {
  int population;
  int n, n_padded;
  DerivativePlace place;
  int has_slow;
  const float* decay;             // (n) k of the fast filter
  const float* slow_decay;        // (n)
  const float* slow_coupling;     // (n)
  const float* slow_gain;         // (n) L' = slow_gain * L where there is no slow_sensitivity
  const float* sensitivity;       // (n, n_padded) [target][source], M transposed; null: identity
  const float* slow_sensitivity;  // (n, n_padded) likewise, or null
  float delta;                    // synaptic decay of the sources that have a trace
  const float* feedback;          // (O, n_padded) what a unit of error does to each neuron
  const float* rate_error;        // (n) acts in every step, beside the loss's error
  const float* slow_rate_error;   // (n) the same for the slow filter
};

struct KernlView {
  const LearnedView* learned;  // (n_learned)
  int n_learned;
  const float* signal;  // (T) how much of the loss's error acts on step u: the readout's own filter
  float kappa;          // of that filter, for errors that come step by step
  float error_scale;    // d(logit before the softmax)/d(z or its sum, times weight)
  int window;           // the loss reads the readout in the last `window` steps
  int reads_sums;       // the readout's weights see the window's sums of z, not its last value
  int trains_readout;
};

/// Working memory of one thread; sizes follow from plan and rule (engine/learning/kernl_memory.h).
struct KernlScratch {
  // events of one learned population: [0] as they come, [1] those that pass a synaptic trace
  int32_t* step_begin[2];  // (T + 1)
  int32_t* rows[2];        // where the event's row of weights begins in the block
  float* signals[2];       // (n_padded/16, T, 16) L and L', where they are not made on the way
  float* error;            // (n_padded) of one step
  int32_t* nonzero;        // (n_padded)
  float* output_error;     // (O padded)
  float* source;           // (n_padded) l: the sample's error fed back
};

/// Trials of some samples and the sum of their gradients, samples ascending.
struct KernlTrialArgs {
  TrialArgs trial;  // neuron lanes, one tile's memory, resets and scores
  const KernlView* rule;
  const KernlScratch* kernl;
  float* gradient;           // (block) sums, added to
  int32_t* n_spikes;         // (sum of learned n) added to
  const float* given_error;  // (samples, T, n_padded) error at each step in place of the loss's,
                             // for the one learned population, or null
};

/// One row's traces of one learned population; rows lie as the block's weights do.
struct KernlOnlineRow {
  float *fast, *slow, *read;  // (block)
  float* h;                   // (n_padded/16, K + 1, 16) of its history: the step before, the block
  float* q;                   // (n_padded/16, K, 16) error fed back at each step of the block
};

/// Working memory of one thread between two blocks.
struct KernlOnlineScratch {
  float* coefficients;   // (4, 3, n_padded) of the four sums on fast, slow and read
  float* events;         // (4, K, n_padded) what an event of each step adds to them
  int32_t* event_begin;  // (largest n_pre + 1)
  int32_t* event_next;   // (largest n_pre)
  int32_t* event_steps;  // (largest n_pre * K)
  float* event_values;   // (I * K) what dense inputs were in those steps, or null
};

/// Steps of some rows that learn while they act.
struct KernlOnlineArgs {
  TrialArgs trial;  // neuron lanes, a tile a row; [t_begin, t_end) lies in one block
  const KernlView* rule;
  const KernlScratch* kernl;  // output_error alone
  const KernlOnlineScratch* online;
  const KernlOnlineRow* rows;  // (rows, n_learned)
  HistoryView* histories;      // (rows, n_populations)
  int k_steps;                 // K
  int t_trial_end;             // T, or the step after which traces are wanted
  float* gradient;             // (block) sums, added to
  const float* given_error;    // (rows, n_padded) of the one step at hand, or null: from the loss
  // in two calls: a step whose error is not known yet, and the error of the step that was run last
  int defers_error;           // the block's end waits for the second call; readouts get their value
  const float* output_error;  // (rows, O padded) of the readouts: nothing is stepped; or null
};

}  // namespace spikelane
