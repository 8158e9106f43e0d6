// Learning by KeRNL and e-prop on a CUDA device: what KernlEvaluator and KernlOnline go through
// where the CUDA backend was chosen. Both hand over the args that the CPU's kernels take; pointers
// are replaced by those of copies.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/device/device_views.h"
#include "engine/learning/kernl_memory.h"
#include "engine/learning/sums.h"
#include "kernels/cuda/kernl_args.h"

namespace spikelane {

/// Where the host wants what a batch gave: arrays of the whole batch.
struct KernlResults {
  double* losses;            // (B)
  std::uint8_t* is_correct;  // (B)
  std::int32_t* n_spikes;    // (parts, learned neurons)
};

/// Whole trials of a batch with their gradients, in parts of kSumBlock samples.
class DeviceKernlTrials {
 public:
  /// For batches of `n_samples`, of whose parts n_parts_at_once run in one launch. Throws RunError
  /// where the device has too little memory.
  DeviceKernlTrials(const CudaFunctions& cuda, const Plan& plan, const KernlRule& rule,
                    const KernlConfig& config, int n_samples, int n_parts_at_once,
                    bool takes_error);

  /// These do not wait. The batch that parts are taken of next, with its weights and its rule: all
  /// is copied.
  void set_batch(const KernlTrialArgs& batch);
  void run(int first_part, int n_parts);
  /// Adds the gradients of the last run to the sums over parts, or begins them.
  void add_to_sums(bool is_first);

  /// These wait, once, for results of some parts that have run, and return the first of them whose
  /// state is not finite. With the sums over all parts, (stride of a part), laid out as a member's
  /// block:
  std::optional<NotFinite> read_sums(int n_parts, const KernlResults& results, double* sums);
  /// With the gradients of the last run, whose parts they are, (parts, stride of a part):
  std::optional<NotFinite> read_gradients(const KernlResults& results, float* gradients);

 private:
  std::optional<NotFinite> read_results(int first_part, int n_parts, const KernlResults& results);

  const CudaFunctions& cuda_;
  const Plan& plan_;
  CudaGrid grid_{};
  DeviceScratch scratch_;
  DeviceMemory views_memory_, memory_, batch_memory_;
  StagedCopies staged_{cuda_, 2};
  ReturnedCopies returned_{cuda_};
  CudaKernlTrialArgs args_{};
  double* sums_ = nullptr;
};

/// Rows that learn while they act: their state stays on the device, with traces and histories.
class DeviceKernlOnline {
 public:
  DeviceKernlOnline(const CudaFunctions& cuda, const Plan& plan, int n_rows);

  int n_blocks() const { return grid_.n_blocks; }
  /// Memory for the arrays of rows, blocks and gradients, whose views follow.
  char* take(std::size_t n_bytes);
  void set_views(std::span<const KernlOnlineRow> rows, std::span<const HistoryView> histories,
                 std::span<const KernlScratch> kernl, std::span<const KernlOnlineScratch> online);

  /// These do not wait. State as in `tiles`, all that was taken zero.
  void reset(const char* tiles);
  /// Steps of the rows of some parts. Inputs are copied where they are not those of `inputs_number`
  /// already (0: they always are), n_input_steps of them.
  void run(const KernlOnlineArgs& all, int first_part, int end_part, int n_input_steps,
           std::uint64_t inputs_number, float* gradients, std::int64_t stride);

  /// These wait, once each, and return what was the first since the reset that was not finite.
  std::optional<NotFinite> read_tiles(char* tiles);
  /// Sums over the parts' gradients (parts, stride), which are zero then.
  std::optional<NotFinite> take_sums(float* gradients, std::int64_t stride,
                                     std::vector<double>& sums);
  /// The parts' gradients themselves, likewise.
  std::optional<NotFinite> take_gradients(float* gradients, std::int64_t stride,
                                          std::vector<float>& copy);
  std::size_t n_bytes() const { return state_memory_.size() + memory_.size(); }

 private:
  std::optional<NotFinite> wait_for_returned();

  const CudaFunctions& cuda_;
  const Plan& plan_;
  CudaGrid grid_{};
  DeviceScratch scratch_;
  DeviceMemory plan_memory_, state_memory_, memory_, views_memory_, inputs_memory_, rule_memory_;
  StagedCopies staged_{cuda_, 4};  // a block of steps takes one, the first of a trial three
  ReturnedCopies returned_{cuda_};
  std::vector<NotFinite> not_finite_;  // of parts, as they came back
  CudaKernlOnlineArgs args_{};
  int n_rows_, n_parts_;
  char* tiles_ = nullptr;
  double* sums_ = nullptr;
  std::uint64_t inputs_number_ = 0;  // of those that it has
  std::int64_t at_inputs_ = 0, at_labels_ = 0;
};

}  // namespace spikelane
