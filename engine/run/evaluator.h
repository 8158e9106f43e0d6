// Evaluator: whole trials of many members on one batch, cut over threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/device/device_trials.h"
#include "engine/state/encoded_inputs.h"
#include "engine/state/scratch.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

/// What the trials gave, (M, B).
struct TrialScores {
  std::vector<double> losses;
  std::vector<std::uint8_t> is_correct;
};

/// The first member, in order, whose state stopped being finite.
struct NotFiniteRow {
  int member = -1;  // -1: none
  int sample = 0, population = 0, step = 0;
};

class Evaluator {
 public:
  /// All must outlive it. Memory: one tile, one block and one signal buffer a thread.
  Evaluator(const Plan& plan, const KernelTable& kernels, ThreadPool& pool);

  /// Runs members 0 .. n_members-1 on all samples of `inputs`, which must have labels, and sizes
  /// `scores` for them. `fill_block` writes a member's parameters and is called from several
  /// threads, perhaps more than once a member. Throws RunError when a state stops being finite.
  void run(int n_members, const std::function<void(int, float*)>& fill_block,
           const EncodedInputs& inputs, TrialScores& scores);

  /// Members first .. first+n-1 alone, into their rows of `scores`, which is large enough. `shared`
  /// are the weights of all members, where the plan has a rank.
  void run(int first, int n, const std::function<void(int, float*)>& fill_block,
           const EncodedInputs& inputs, TrialScores& scores, const float* shared = nullptr);
  /// The same for members as they are after begin_update; a CUDA device draws them itself.
  void run(int first, int n, const Members& members, const EncodedInputs& inputs,
           TrialScores& scores);

  /// True where a CUDA device runs the trials. Then members can be run in two halves: what start
  /// queues, mean losses (n) and the number of correct samples, stays on the device for whoever
  /// queues more, and finish waits for it. It throws as run does, once `before_throwing` has made
  /// the members' mean what it is on the device.
  bool runs_on_device() const { return cuda_ != nullptr; }
  const MemberScoresView& start(int first, int n, const Members& members,
                                const EncodedInputs& inputs);
  /// Starts to copy the inputs of the next call of start beside the trials that are queued.
  void prepare(const EncodedInputs& inputs);
  void finish(const Members& members, const EncodedInputs& inputs, std::span<double> losses,
              std::int64_t* n_correct, const std::function<void()>& before_throwing);

 private:
  void launch(int first, int n, const Members* members,
              const std::function<void(int, float*)>& fill_block, const EncodedInputs& inputs,
              const float* shared);
  void throw_if_lost(const std::function<void(int, float*)>& fill_block,
                     const EncodedInputs& inputs, const float* shared) const;
  void run_on_device(int first, int n, const Members* members,
                     const std::function<void(int, float*)>& fill_block,
                     const EncodedInputs& inputs, TrialScores& scores, const float* shared);
  void throw_not_finite(const NotFiniteRow& row, const std::function<void(int, float*)>& fill_block,
                        const EncodedInputs& inputs, const float* shared) const;

  const Plan& plan_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  const CudaFunctions* cuda_;             // the device, where it was chosen
  std::vector<Scratch> scratch_;          // one a thread; none where a device runs the trials
  std::unique_ptr<DeviceTrials> device_;  // for as many members and samples as the last call had
  int first_device_member_ = 0, n_device_members_ = 0, n_device_samples_ = 0;
  bool device_draws_ = false;
  std::uint64_t device_inputs_ = 0, prepared_inputs_ = 0;  // the inputs that it has, and will have
};

}  // namespace spikelane
