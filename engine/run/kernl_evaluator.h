// KernlEvaluator: whole trials of a batch and their weight gradient, cut over threads, or over the
// blocks of a CUDA device where that was chosen.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/learning/kernl_memory.h"
#include "engine/learning/kernl_rule.h"
#include "engine/run/part_sums.h"
#include "engine/state/encoded_inputs.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

/// What the trials gave.
struct KernlScores {
  std::vector<double> losses;  // (B)
  std::vector<std::uint8_t> is_correct;
  std::vector<float> gradient;         // flat and logical (P), of the mean loss over the batch
  std::vector<std::int64_t> n_spikes;  // of each learned neuron, all samples and steps
};

/// What config.max_memory_mib leaves for gradients beside the histories of `n_threads` threads; a
/// CUDA device counts as one.
/// Throws UserError where that is not even one gradient, saying what is needed.
double n_bytes_for_gradients(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
                             int n_threads, bool takes_error = false);

struct CudaFunctions;
class DeviceKernlTrials;

class KernlEvaluator {
 public:
  /// `plan`, `rule`, `config`, `kernels` and `pool` must outlive it. Memory: a history and a tile a
  /// thread, and a member's block for each 8 samples of the largest batch so far, as many at a time
  /// as config.max_memory_mib allows. Throws as n_bytes_for_gradients.
  KernlEvaluator(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
                 const KernelTable& kernels, ThreadPool& pool, bool takes_error = false);
  ~KernlEvaluator();

  /// Runs all samples of `inputs` with the parameters `block` (n_block_floats). Errors come from
  /// the loss and the labels, or with takes_error from `given_error` (B, T, n_padded), at each
  /// step, for the one population that learns. Throws RunError when a state is not finite; `update`
  /// is for that message.
  void run(const EncodedInputs& inputs, const float* block, std::int64_t update,
           KernlScores& scores, const float* given_error = nullptr);

  /// Cuts the batches that follow over ranks, parts of 8 samples each; all ranks have all scores
  /// afterwards.
  void use_ranks(Ranks& ranks);

  std::size_t n_bytes() const;

 private:
  void run_part(std::int64_t part, std::int64_t slot, int thread, const KernlTrialArgs& batch,
                std::int64_t update);
  void set_device_batch(const KernlTrialArgs& batch, std::int64_t n_parts);
  void run_on_device(std::int64_t first_part, std::int64_t n_parts, bool is_first, bool is_last,
                     std::int64_t update, KernlScores& scores);
  template <class Write>
  void take_device_sums(const Write& write);
  [[noreturn]] void throw_not_finite(const NotFinite& at, std::int64_t update) const;
  void share_scores(std::int64_t first_part, std::span<const std::int64_t> cut,
                    KernlScores& scores);

  const Plan& plan_;
  const KernlRule& rule_;
  const KernlConfig& config_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  PartSums part_sums_;
  const bool takes_error_;
  const CudaFunctions* cuda_;                  // the device, where it was chosen
  std::vector<KernlMemory> memories_;          // one a thread; none where a device runs the trials
  std::unique_ptr<DeviceKernlTrials> device_;  // for batches as large as the last one
  int n_device_samples_ = 0;
  std::int64_t n_parts_at_once_ = 1;  // of a rank: that the memory allowed has room for
  AlignedMemory gradients_;           // (parts of 8 samples, block)
  std::vector<double> sums_;          // (P) of the parts before, where not all run at once; from
                                      // a device (block) of all parts
  std::int64_t stride_;               // of a part, in floats
  Ranks* ranks_ = &one_rank();
  std::vector<std::int32_t> n_spikes_;  // (parts, learned neurons)
};

}  // namespace spikelane
