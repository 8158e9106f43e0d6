// What libspikelane_cuda.so offers: a table of functions and the structs they take, without any
// CUDA header. The program loads the library when the CUDA backend is asked for, so it needs no
// CUDA to run without it. kernels/cuda/cuda_library.h loads it; engine/device fills the structs.
//
// All pointers in the *Args structs are to device memory. Every function returns null, or a text
// that says what went wrong; the text lives until the thread's next call.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/step/episode_view.h"
#include "kernels/step/es_gradient_view.h"
#include "kernels/step/es_shaping.h"
#include "kernels/step/kernl_view.h"
#include "kernels/step/optimiser_step.h"
#include "kernels/step/views.h"

namespace spikelane {

struct CudaKernlTrialArgs;  // kernels/cuda/kernl_args.h
struct CudaKernlOnlineArgs;
struct CudaRegressionArgs;
struct CudaRegressionUpdateArgs;
struct CudaPartSumArgs;

struct CudaDeviceInfo {
  char name[256];
  int compute_capability;  // 90 is 9.0
  int n_multiprocessors;
  size_t n_bytes, n_free_bytes;
};

/// How one tensor of a member comes about: the mean, the mean + scale*eps, a constant, base +
/// scale*eps, or base + scale*uniform. Noise of low rank: numbers of a factor, or what their
/// product is multiplied by, +-scale.
enum class TensorDraw : int {
  kMean,
  kPerturbed,
  kConstant,
  kNormal,
  kUniform,
  kFactor,
  kFactorScale
};
struct TensorDrawView {
  TensorDraw draw;
  int n_columns;
  int64_t begin, end;   // in the flat vector of all parameters
  int64_t block_begin;  // of the first row in a member's block
  int block_stride;
  float base, scale;
};

/// The members of one generation, drawn where they are needed (engine/learning/members.h).
struct MemberDrawView {
  const float* mean;  // (P) flat and logical
  const TensorDrawView* tensors;
  int n_tensors;
  int is_antithetic;
  int is_sign;  // noise is +1 or -1 instead of normal
  uint64_t seed;
  uint32_t update;
};

/// One launch: trials, or windows of them, of n_members * n_tiles tiles.
struct CudaTrialArgs {
  const PlanView* plan;
  const InputView* inputs;  // (n_tiles), or (members, n_tiles)
  int has_own_inputs;       // each member has inputs of its own
  int first_member, n_members, n_tiles, n_samples;
  int t_begin, t_end, resets, scores;
  const float* blocks;  // (M, block_stride) parameters, or null: they are drawn
  int64_t block_stride, n_block_floats;
  MemberDrawView members;
  const float* shared;         // weights of all members, or null (TrialArgs)
  float* block_slots;          // (blocks of the grid, block_stride), or null: in shared memory
  int n_table_floats;          // a team's table in shared memory, or 0: it stays in the scratch
  char* tiles;                 // (M, n_tiles) tiles, or null: each team has one for itself
  char* tile_slots;            // (teams) tiles
  const ScratchView* scratch;  // (teams)
  const int32_t* labels;       // (B) or null
  double* losses;              // (M, B)
  uint8_t* is_correct;         // (M, B)
  float* logits;               // (M, B, O) or null
  NotFinite* not_finite;       // (M, n_tiles)
  unsigned long long* first_not_finite;  // the lowest number of an item in it, or all ones
  const RecordView* record;              // rows are (M, B); or null
};

/// Closed loops with a built-in environment, beside the CudaTrialArgs of their members: losses are
/// minus the returns.
struct CudaEpisodeArgs {
  int built_in;  // which environment
  const LoopView* loop;
  RandomKey key;
  int64_t n_frame_floats;
  float* frames;   // (teams, n_frame_floats)
  double* states;  // (teams, lanes, n_state), and so on: as in EpisodeArgs
  float *observations, *actions;
  int32_t* lengths;   // (M, B)
  uint8_t* ends;      // (M, B)
  int64_t* n_spikes;  // (M, B, populations), or null
};

/// What the members of a generation gave, for the host and for the update: in device memory.
struct MemberScoresView {
  double* losses;                        // (M) means over samples
  unsigned long long* n_counted;         // correct samples of all members, or their control steps
  int* is_lost;                          // 1: a loss or a state is not finite; then no update
  unsigned long long* first_not_finite;  // as in CudaTrialArgs
};

/// Losses (M, B) of trials or episodes, to be summed up, with either of the others (M, B).
struct MemberScoresArgs {
  const double* losses;
  const uint8_t* is_correct;
  const int32_t* lengths;
  int n_members, n_samples;
  MemberScoresView scores;
};

/// A tensor that is searched, and what becomes of its entries.
struct SearchedTensorView {
  int64_t begin, end;  // in the flat vector of all parameters
  double divisor;      // of the sums
  int has_factors;     // noise of low rank
  FactorView factors;
  OptimiserStep step;
};

/// An update of an evolution strategy: shaping, gradient, optimiser.
struct EsUpdateArgs {
  ShapingView shaping;
  GradientView gradient;  // its coefficients are those of `shaping`
  const SearchedTensorView* tensors;
  int n_tensors;
  int rank;  // of the noise, 0: full
  int64_t n_parameters;
  float *mean, *gradient_out, *first, *second;  // (P); state vectors or any others
  const int* is_lost;                           // nothing is changed where it is 1
};

/// A field of whole numbers in the tiles of a state, (n, n_lanes) in each tile.
struct CudaCountArgs {
  const char* tiles;  // (n_tiles, tile_bytes); n_member_tiles of them hold n_samples samples
  int64_t n_tiles, tile_bytes, at;
  int n_member_tiles, n_samples, n, n_lanes;
};

/// kWork: all launches, and the copies in order with them. kUpload: copies to the device that may
/// run beside them.
enum class CudaStream : int { kWork, kUpload };

/// How a launch is cut; made by plan_trials.
struct CudaGrid {
  int n_blocks, n_threads, n_teams_per_block;
  int n_shared_bytes;
  int n_teams() const { return n_blocks * n_teams_per_block; }
};

/// What a kernel takes of a multiprocessor, as the runtime reports it, and how it was launched.
struct CudaKernelInfo {
  const char* name;
  int n_registers, n_static_shared_bytes, n_local_bytes, n_max_threads;
  int64_t n_launches;                       // so far; the rest is of the last one, 0 without one
  int n_blocks, n_threads, n_shared_bytes;  // dynamic shared memory
  int n_resident_blocks;                    // of a multiprocessor at once
};

struct CudaFunctions {
  const char* (*count_devices)(int* n);
  const char* (*describe_device)(int device, CudaDeviceInfo* info);

  const char* (*allocate)(size_t n_bytes, void** memory);
  void (*release)(void* memory);
  const char* (*allocate_pinned)(size_t n_bytes, void** memory);
  void (*release_pinned)(void* memory);
  /// In order with the launches; copies from pinned memory return before they are done.
  const char* (*copy_in)(void* to, const void* from, size_t n_bytes);
  const char* (*copy_out)(void* to, const void* from, size_t n_bytes);
  const char* (*fill)(void* to, int byte, size_t n_bytes);
  /// Waits for all that was launched and copied, uploads aside.
  const char* (*wait)();

  /// From pinned memory.
  const char* (*copy_in_on)(CudaStream stream, void* to, const void* from, size_t n_bytes);
  const char* (*make_event)(void** event);
  void (*release_event)(void* event);
  /// The event comes when all that is on the stream by now is over.
  const char* (*record_event)(CudaStream stream, void* event);
  /// The host waits for it; what comes later on the stream does.
  const char* (*wait_event)(void* event);
  const char* (*wait_event_on)(CudaStream stream, void* event);
  /// What is asked for between the two goes into a graph, on this thread and the stream of work;
  /// launch_graph does it, each time anew.
  const char* (*begin_graph)();
  const char* (*end_graph)(void** graph);
  const char* (*launch_graph)(void* graph);
  void (*release_graph)(void* graph);
  /// Waits for the sum over all samples.
  const char* (*sum_counts)(const CudaCountArgs* args, int64_t* sum);

  /// Cuts `n_items` (members * tiles) over the device. `n_block_floats`: of a member's parameters
  /// where they are to be drawn, else 0; `n_table_floats`: of a team's table. Says in
  /// `has_shared_block` and `has_shared_table` whether they fit shared memory.
  const char* (*plan_trials)(Layout layout, int is_closed_loop, int n_largest, int n_members,
                             int n_tiles, int64_t n_block_floats, int64_t n_table_floats,
                             CudaGrid* grid, int* has_shared_block, int* has_shared_table);
  /// `records`: the args have a record.
  const char* (*run_trials)(Layout layout, int records, const CudaTrialArgs* args,
                            const CudaGrid* grid);

  /// Cuts n_parts parts of a batch over the device, for a net whose largest population has
  /// n_largest neurons.
  const char* (*plan_kernl)(int n_largest, int n_parts, int is_online, CudaGrid* grid);
  /// The args lie on the host.
  const char* (*run_kernl_trials)(const CudaKernlTrialArgs* args, const CudaGrid* grid);
  const char* (*run_kernl_online)(const CudaKernlOnlineArgs* args, const CudaGrid* grid);
  const char* (*sum_parts)(const CudaPartSumArgs* args);
  /// The same for a regression: samples, the scoring of their last steps, the gradient from the
  /// parts' sums, the update.
  const char* (*plan_regression)(int n_largest, int n_parts, CudaGrid* grid);
  const char* (*run_regression)(const CudaRegressionArgs* args, const CudaGrid* grid);
  const char* (*score_regression)(const CudaRegressionArgs* args, const CudaGrid* grid);
  const char* (*find_regression_gradient)(const CudaRegressionUpdateArgs* args, int n_rows);
  const char* (*update_regression)(const CudaRegressionUpdateArgs* args, int n_rows);

  const char* (*run_episodes)(Layout layout, const CudaTrialArgs* args, const CudaEpisodeArgs* loop,
                              const CudaGrid* grid);
  /// Writes the weights that members with noise of low rank share, from the mean: `members` lists
  /// their tensors. Arguments of these three are read before they return.
  const char* (*place_shared)(const MemberDrawView* members, float* shared);
  /// Sums up trials, after run_trials.
  const char* (*sum_up_members)(const MemberScoresArgs* args);
  const char* (*update_es)(const EsUpdateArgs* args);
  /// The kernels by number, from 0; false beyond the last.
  bool (*describe_kernel)(int i, CudaKernelInfo* info);
};

}  // namespace spikelane

/// The one symbol of the library.
extern "C" const spikelane::CudaFunctions* spikelane_cuda_functions();
