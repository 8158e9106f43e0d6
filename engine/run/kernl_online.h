// KernlOnline: rows that learn while they act (kernels/step/kernl_online.h). State, traces and the
// buffers of one block of K steps; nothing in it grows with time. Where the CUDA backend was chosen
// all of that lies on the device, but not for a host's rows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/learning/kernl_rule.h"
#include "engine/run/part_sums.h"
#include "engine/state/encoded_inputs.h"
#include "engine/state/saved_state.h"
#include "engine/state/scratch.h"
#include "engine/state/state.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

class DeviceKernlOnline;

class KernlOnline {
 public:
  /// For `n_rows` rows; all must outlive it. Sources of learned populations have no synaptic trace.
  /// With a host, inputs and errors come from calls of act and learn, without an end of the trial.
  KernlOnline(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
              const KernelTable& kernels, ThreadPool& pool, int n_rows, bool has_host = false);
  ~KernlOnline();

  /// Cuts the rows over ranks, parts of 8 each, for run, take_gradient, score and n_spikes, which
  /// all ranks then call; only without a host.
  void use_ranks(Ranks& ranks);

  /// Before the first step: states and traces are zero; a gradient not yet taken is dropped.
  void reset();

  /// The next n_steps steps, at most up to the end of the block. Errors come from the loss of the
  /// readout's value at each step that the loss reads, with the labels of `inputs`. Traces and
  /// gradient are brought up to the block's end where it, or the trial, ends. Throws RunError when
  /// a state is not finite; with a device that is thrown by take_gradient, or whoever else waits
  /// for it first.
  void run(const EncodedInputs& inputs, const float* block, int n_steps);

  /// One step with the caller's input spikes, (rows, I) of 0 and 1, and error fed back to each
  /// neuron of the one learned population, (rows, n). Allocates, locks and logs nothing with one
  /// thread.
  void step(const float* block, std::span<const float> x, std::span<const float> error);

  /// With a host: one step with inputs x, (rows, I); readouts have their value afterwards.
  /// Allocates, locks and logs nothing with one thread.
  void act(const float* block, std::span<const float> x);
  /// With a host: the error of the readouts, (rows, O), at the step that act has taken last; at
  /// most once a step, zero where it is not called. True where a block of K steps is over, or the
  /// trial ends with this step (reset follows): its gradient is complete and weights may change.
  /// Errors of a block's last step that are not given are taken as zero by the next act.
  bool learn(const float* block, std::span<const float> error, bool ends_trial = false);
  bool has_learned() const { return has_learned_; }
  /// With a host: one row as before its first step, while the others go on. What it has done in the
  /// block at hand still counts in the gradient; its spikes until now no longer in n_spikes.
  void reset_row(const float* block, int row);
  /// With a host: traces, histories and what has not been taken of the gradient.
  void visit_state(StateVisitor& visitor);
  /// The State and what visit_state saw have been put back; the next step is t.
  void set_t(int t);

  int t() const { return t_; }
  int k_steps() const { return k_steps_; }
  /// Adds to `gradient`, flat and logical (P), the sum over rows so far, and starts anew: parts of
  /// 8 rows ascending, in double.
  void take_gradient(std::span<float> gradient);
  /// Losses and correctness of the trial that has ended, (rows).
  void score(const EncodedInputs& inputs, const float* block, std::vector<double>& losses,
             std::vector<std::uint8_t>& is_correct);
  /// Spikes of each learned neuron since the reset, all rows.
  std::vector<std::int64_t> n_spikes() const;
  const State& state() const;
  State& edit_state() { return state_; }
  /// The trace of `filter` (0 fast, 1 slow, 2 after the readout) of one row, as the weights lie in
  /// a block; at a block's end. Not of a device.
  std::span<const float> traces(int row, int filter) const;
  std::size_t n_bytes() const;

 private:
  // of all rows, without what belongs to a team or a part
  KernlOnlineArgs args_for(const InputView* inputs, const float* block, int n_steps);
  /// Rows of one part of 8.
  void run_rows(int begin, int end, int thread, const KernlOnlineArgs& all);
  void run_part(int part, int thread, const KernlOnlineArgs& all);
  void run_frame(const KernlOnlineArgs& all);
  void run_on_device(const KernlOnlineArgs& all, int n_input_steps, std::uint64_t inputs_number);
  [[noreturn]] void throw_not_finite(const NotFinite& at) const;
  void place_memory();
  template <class Take>
  void place_rows(std::int64_t n_largest, const Take& take);
  template <class Take>
  void place_frames(std::int64_t n_largest, const Take& take);

  const Plan& plan_;
  const KernlRule& rule_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  int n_rows_, n_parts_, k_steps_;
  int t_ = 0;
  PartSums part_sums_;
  Ranks* ranks_ = &one_rank();
  std::vector<std::int64_t> cut_;  // parts of each rank
  mutable State state_;
  mutable bool is_state_stale_ = false;        // the device has gone on
  std::unique_ptr<DeviceKernlOnline> device_;  // where it was chosen; never with a host
  int n_teams_;                                // threads, or blocks of the device
  std::vector<Scratch> scratch_;               // one a thread
  AlignedMemory memory_;
  // from here to gradients_ all points to the device, where there is one
  std::vector<KernlOnlineRow> rows_;        // (rows, learned)
  std::vector<HistoryView> histories_;      // (rows, populations)
  std::vector<KernlOnlineScratch> online_;  // one a team
  std::vector<KernlScratch> kernl_;         // one a team
  std::vector<double> sums_;                // (stride) from a device
  std::vector<float> gradients_copy_;       // (parts, stride) from a device, with several ranks
  float* gradients_ = nullptr;              // (parts, stride)
  float* given_error_ = nullptr;            // (rows, n_padded)
  std::int32_t* frame_units_ = nullptr;     // (rows, K, I) the caller's spikes in this block
  std::int32_t* frame_begin_ = nullptr;     // (rows, K + 1)
  std::vector<InputView> frame_views_;
  bool has_host_, has_learned_ = true;
  float* frame_values_ = nullptr;  // (rows, K, I) with a host
  float* output_error_ = nullptr;  // (rows, O padded) with a host
  std::int64_t stride_;            // floats of a block, in whole vectors
  SurrogateKind surrogate_;
  double gamma_;
};

}  // namespace spikelane
