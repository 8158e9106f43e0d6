// What a kernel sees: plain structs of numbers and pointers, made from the Plan and the State by
// the engine. No member functions, so that objects compiled for different ISAs can share them.
//
// A *tile* is what one team steps at a time: 16 samples of one member (sample lanes) or one row
// (neuron lanes). The State is a list of tiles of equal size; a tile's fields lie at fixed offsets
// (fields.h). So "fused trial" and "single step" are the same function on the same memory, called
// with a window [t_begin, t_end) of T steps or of one.
#pragma once

#include <stdint.h>

#include "kernels/core/models.h"
#include "kernels/step/fields.h"

namespace spikelane {

constexpr int kLanes = 16;        // samples of a tile, and the grain of a vector operation
constexpr int kGrain = 32;        // inner extents are padded to it (neuron lanes)
constexpr int kFlushPeriod = 16;  // decaying state is cleared of tiny values after t % 16 == 15
constexpr int kInputSource = -1;
constexpr int kMaxListedUnits = 65536;  // what SpikeEntry can name
constexpr int kMaxCodes = 32;           // distinct sets of simultaneous spikes a table can hold

enum class Layout : int { kNeuronLanes, kSampleLanes };
enum class Logit : int { kCounts, kFirstSpike, kFinal, kMax, kMean };
enum class Loss : int { kCrossEntropy, kCountHinge, kMeanSquaredError };

/// The filtered spikes of one source with one decay: what a readout reads. z = kappa*z + s.
struct TraceView {
  int source;       // population, or kInputSource
  int n, n_padded;  // presynaptic neurons
  float kappa;
  TraceOffsets at;
  int64_t source_trace;  // offset of the source's synaptic trace, which enters in place of its
                         // spikes, or -1
};

/// Where a projection's low-rank noise lies in a member's own block (low_rank.h), in floats.
struct LowRankView {
  int64_t scale;  // one number
  int64_t b;      // (n_pre, r)
  int64_t a;      // (r, a_stride)
  int a_stride;
};

/// One delay of a projection: a spike of step u is heard in step u + steps.
struct DelayView {
  int steps;
  int first_row;  // its weights are the rows from here on, n_pre of them
};

struct ProjectionView {
  int source, target;
  int is_recurrent;
  int n_pre, n_post, n_post_padded;
  int64_t weight;       // (n_pre, n_post) offset into the weights, in floats
  int weight_stride;    // floats from one presynaptic row to the next
  const int* trace_of;  // (n_post) trace that readout neuron i reads; null for spiking targets
  int single_trace;     // the one trace of all readout neurons, or -1 when they differ
  int first_trace, n_traces;  // readouts: its traces, one for each kappa
  float delta;                // decay of the source's synaptic trace; 0: spikes drive the target
  int place;                  // among its target's projections
  const DelayView* delays;    // (n_delays) the largest first; where n_delays is 0, null
  int n_delays;               // 0: as always, 1 step where it is recurrent, else none
  int first_heard;            // place of its first list among those of its target (ScratchView)
  LowRankView low_rank;       // where the plan has a rank
  ProjectionOffsets at;
};

/// What an `alif` neuron has beside beta (its alpha) and threshold (its b0), (n_padded) each.
struct AlifView {
  const float *input_gain, *adaptation, *rho, *b_gain, *v_reset, *t_refractory;
  int subtracts;  // a spike takes B from v; else v becomes v_reset
};

/// A ring of what a source sent, for those who hear it late: step t lies in slot t mod n_slots.
struct KeptSpikes {
  int n_slots;     // a power of two greater than max_delay; 0: nothing is kept
  int max_delay;   // steps
  int64_t at;      // offset of slot 0 in the tile, in bytes
  int64_t stride;  // bytes from one slot to the next
};

struct PopulationView {
  Model model;
  Reset reset;
  int reset_delay;
  int n, n_padded;
  int is_uniform;          // beta and threshold are the same for all neurons
  const float* beta;       // (n_padded) decay a step
  const float* threshold;  // (n_padded)
  float gain;
  AlifView alif;
  float delta;                        // decay of its synaptic trace, or 0
  const ProjectionView* projections;  // incoming, in list order
  int n_projections;
  int64_t bias;     // offset into the member's parameters, or -1
  int n_heard;      // delays of all its projections: lists of spikes that it hears in a step
  int keeps_input;  // the first of those who hear the input late: keeps the input of its step
  KeptSpikes kept;  // its own spikes, (n_slots, n_padded/16) 16 bits each
  FieldOffsets at;
  int is_output;
  int feeds_recurrent;  // some projection reads them a step later
  int needs_list;       // somebody reads its spikes as lists (not as codes or through only_trace)
  int only_trace;       // the one trace of its spikes when a fast path may advance it, else -1
  int may_use_table;    // one incoming projection and parameters that the table path knows
};

struct PlanView {
  Layout layout;
  int layer_major;  // no recurrence: each population runs its whole window alone
  int n_inputs;
  int n_populations, n_traces;
  KeptSpikes kept_input;  // (n_slots, n_inputs) floats
  const PopulationView* populations;
  const TraceView* traces;
  int output;   // index of the output population
  int n_steps;  // T
  Logit logit;
  int window;  // kMean: steps T-window .. T-1
  float inverse_window;
  float scale;  // of the logits
  Loss loss;
  float margin;
  int64_t tile_bytes;
  int rank;  // of the members' noise: weights are shared and a block has factors; 0: none of it
};

/// Spikes of one unit in one step: bit l of `lanes` is sample l of the tile.
struct SpikeEntry {
  uint16_t unit;
  uint16_t lanes;
};

/// The inputs of one tile. Exactly one of dense / (entries) / (units) is set; codes come on top.
struct InputView {
  int first_step;              // the step that the first entry of each array below stands for
  const float* dense;          // sample lanes (T, I, 16); neuron lanes (T, I)
  const int32_t* step_begin;   // (T + 1) into entries (sample lanes) or units (neuron lanes)
  const SpikeEntry* entries;   // ascending unit within a step
  const int32_t* units;        // ascending within a step
  const uint8_t* codes;        // (T, 16) which set of units fires in sample l, or null
  const uint32_t* code_units;  // bit u: unit u belongs to the code; (n_codes)
  int n_codes;
  int n_lanes;  // samples really there, 1..16; 1 in neuron lanes
};

/// Where a state stopped being finite. population is -1 while all is well.
struct NotFinite {
  int population, tile, lane, step;
};

/// Spikes of one population within a window: what the next population reads. Sample lanes only.
struct SignalBuffer {
  uint16_t* masks;      // (window, n) bit l is sample l
  int32_t* step_begin;  // (window + 1) into entries
  SpikeEntry* entries;  // (window * n) at most
  uint8_t* codes;       // (window, 16) the set of neurons that fired, for n <= 4; else null
};

/// What a window leaves behind of an `alif` population for learning: neuron lanes, one row.
struct HistoryView {
  float* h;             // (n_padded/16, window, 16) pseudo-derivative of each step
  float* s;             // (n_padded/16, window, 16) S of each step, or null
  int32_t* step_begin;  // (window + 1) into units
  int32_t* units;       // (window * n at most) who fired, ascending within a step
  Surrogate surrogate;
  float gamma;
  int window;      // steps that there is room for
  int first_step;  // that its first entry stands for
};

/// What the regression adds to the current of one population, and where that current without the
/// addition is kept; neuron lanes, a row for each of kFlushPeriod steps (kFlushPeriod, n_padded),
/// or null.
struct CurrentTap {
  int population;
  const float* added;
  float* kept;
};

/// Working memory of one team; sizes follow from the plan (engine/plan/scratch.h).
struct ScratchView {
  SignalBuffer* signals;  // (n_populations), sample lanes
  float* table;           // (largest n padded, kMaxCodes), sample lanes
  int32_t* fired;  // (n_populations, fired_stride) indices of the last step's spikes, neuron lanes
  int32_t* n_fired;        // (n_populations)
  int64_t fired_stride;    // largest n padded
  int32_t* nonzero;        // (largest n padded, inputs too) who has a trace, neuron lanes
  float* logits;           // (O padded, 16)
  uint8_t* uses_table;     // (n_populations) chosen for the tile at hand
  float* factor_sums;      // c' of a population's projections: neuron lanes (place, r); sample
                           // lanes (place, window, r, 16); null where the plan has no rank
  int factor_window;       // steps of it in sample lanes
  HistoryView* histories;  // (n_populations), or null: nothing is recorded
  CurrentTap* tap;         // or null
  int32_t* heard;          // (n_heard, heard_stride) units whose spikes a population hears late
  int32_t* heard_end;      // (n_heard) how many they are
  int64_t heard_stride;
};

/// One array of a record: (rows, row_steps, n), either spikes or floats.
struct RecordFieldView {
  int64_t at;  // the field in a tile, in bytes
  int n;
  uint8_t* spikes;  // 0 and 1, or null
  float* floats;
};

/// What is written of each step after it.
struct RecordView {
  const RecordFieldView* fields;
  int n_fields;
  int first_step;     // that a row's first entry stands for
  int64_t row_steps;  // steps from one row to the next
};

/// A member's trials, or one window of them, over consecutive tiles.
struct TrialArgs {
  const PlanView* plan;
  const float* parameters;  // one member's block, laid out as the offsets say
  const float* shared;      // weights that all members share, or null: they are in `parameters`
  const InputView* inputs;  // (n_tiles)
  int n_tiles;
  int t_begin, t_end;
  int first_tile;       // number of the first one, for messages
  int resets, scores;   // tiles are reset before the window; logits and losses are taken after it
  char* tiles;          // 64-byte aligned
  int64_t tile_stride;  // bytes; 0: one tile's memory is used again and again
  const ScratchView* scratch;
  const int32_t* labels;  // (samples of these tiles) or null: then no losses
  double* losses;         // (samples of these tiles)
  uint8_t* is_correct;    // (samples of these tiles)
  float* logits;          // (samples of these tiles, O) or null
  NotFinite* not_finite;
  const RecordView* record;  // or null
  int64_t record_row;        // of the first sample of these tiles
};

}  // namespace spikelane
