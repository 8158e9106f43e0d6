// Simulation: R rows whose state is kept and can be read between windows of steps: evaluation with
// records, closed loops, the scenes of tests and benchmarks.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/device/device_record.h"
#include "engine/device/device_trials.h"
#include "engine/state/encoded_inputs.h"
#include "engine/state/scratch.h"
#include "engine/state/state.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

/// What is recorded of a trial: arrays (R, T, n), and how much of them a device may hold at once.
struct RecordArrays {
  std::vector<RecordFieldView> fields;
  std::size_t n_device_bytes;
};

class Simulation {
 public:
  /// `plan`, `kernels` and `pool` must outlive it. Windows are at most `max_window` steps long.
  Simulation(const Plan& plan, const KernelTable& kernels, ThreadPool& pool, int n_members,
             int n_samples, int max_window);

  /// A member's parameters, flat and logical (plan.n_parameters()).
  void set_parameters(int member, std::span<const float> logical);
  /// The same in the kernels' form (plan.n_block_floats()), to be written; and where the plan has
  /// a rank, the weights of all members, which must outlive the simulation.
  float* block(int member) {
    are_blocks_new_ = true;
    return blocks_ + member * block_stride_;
  }
  void set_shared(const float* shared) {
    shared_ = shared;
    are_blocks_new_ = true;
  }
  void reset();

  /// The next n_steps steps of all rows with inputs known beforehand; all members see the same
  /// samples. n_steps <= max_window and t() + n_steps <= inputs.n_steps(). Throws RunError with the
  /// lowest row whose state stopped being finite. `record` gets these steps' entries, as the state
  /// is after each step.
  void run(const EncodedInputs& inputs, int n_steps, const RecordArrays* record = nullptr);

  /// One step of all rows with the caller's inputs, (R, I), rows as (member, sample). Allocates,
  /// locks and logs nothing; on a CUDA device the first one captures a graph.
  void step(std::span<const float> x);

  int t() const { return t_; }
  /// Goes on from a state that has been put back.
  void set_t(int t) { t_ = t; }
  /// The state after the last window; on a CUDA device it is copied from there first.
  const State& state() const;
  /// Sum of the spikes of population p since the reset over all rows; the plan must keep counts.
  std::int64_t count_spikes(int p) const;
  /// The same to be changed before the next window.
  State& edit_state();
  const Plan& plan() const { return plan_; }

  /// Scores of the trial that has just ended (t() == T), (M, B); logits (M, B, O) when not null.
  void score(const EncodedInputs& inputs, std::vector<double>* losses,
             std::vector<std::uint8_t>* is_correct, std::vector<float>* logits);

 private:
  // without the mark of new parameters: threads read blocks side by side
  const float* read_block(int member) const { return blocks_ + member * block_stride_; }
  void run_window_on_device(const InputView* tiles, bool shares_tiles, int n_steps,
                            std::uint64_t number, DeviceRecord* record = nullptr);
  void record_on_device(const EncodedInputs& inputs, int n_steps, const RecordArrays& record);
  void run_window(const InputView* tiles, bool shares_tiles, int n_steps, std::uint64_t number = 0,
                  const RecordView* record = nullptr);
  void step_once();
  void bring_to_device();
  [[noreturn]] void throw_not_finite(int member, const NotFinite& at) const;
  void throw_if_lost(const std::optional<DeviceTrials::Lost>& lost) const;

  const Plan& plan_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  int n_members_, n_samples_, max_window_;
  int t_ = 0;
  mutable State state_;
  std::vector<Scratch> scratch_;  // one a thread
  std::int64_t block_stride_;
  AlignedMemory block_memory_;
  float* blocks_;
  const float* shared_ = nullptr;
  bool list_spikes(std::span<const float> x);
  const float* step_frame(std::size_t tile) const;

  // where a CUDA device steps the rows: the state above is a copy that is made when it is asked for
  std::unique_ptr<DeviceTrials> device_;
  std::uint64_t device_inputs_ = 0;  // EncodedInputs that it has; 0 for a step's
  mutable bool is_state_stale_ = false;
  bool are_blocks_new_ = true, is_state_edited_ = false;

  AlignedMemory step_inputs_;          // (M, tiles, I, lanes)
  std::vector<InputView> step_views_;  // (M, tiles)
  // neuron lanes: who fires in a step whose inputs are all 0 or 1
  std::vector<std::int32_t> step_units_;  // (R, I)
  std::vector<std::int32_t> step_begin_;  // (R, 2)
};

}  // namespace spikelane
