// What a scene asks of a CUDA device, counted: the kernels it launches, operations and bytes, and
// the bound that follows from the device's published rates.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/state/encoded_inputs.h"
#include "kernels/cuda/cuda_functions.h"
#include "tools/bench_scenes.h"

namespace spikelane {

/// Device memory that trials must read or write at least once; what stays in the caches and in
/// shared memory is not in it.
struct DeviceTraffic {
  const Plan& plan;
  const EncodedInputs* inputs = nullptr;  // read once
  int n_members = 1, n_samples = 1;
  bool draws = false;             // parameters are drawn in the kernel, from one mean
  bool scores = true;             // losses are written
  bool keeps_state = false;       // the state of all rows is read and written
  double n_learning_bytes = 0.0;  // a rule's: histories, traces, sums of gradients, tensors
};

/// Counts launches; without a device it does nothing.
class DeviceUse {
 public:
  explicit DeviceUse(const KernelTable& kernels);

  bool has_device() const { return cuda_ != nullptr; }

  /// Runs one repetition and counts what it launches.
  template <class Work>
  void count(Work work) {
    if (cuda_) begin();
    work();
    if (cuda_) end();
  }

  /// Fills in the device's columns, with `n_operations` as they stand, and its bound in place of
  /// the CPU's. The traffic comes `n_times` in a repetition.
  void describe(SceneResult& result, const DeviceTraffic& traffic, double n_sample_steps,
                double n_times = 1.0) const;

 private:
  void begin();
  void end();
  double bytes_of(const DeviceTraffic& traffic) const;

  const CudaFunctions* cuda_;
  std::vector<std::int64_t> n_launches_;  // of each kernel, before
  std::vector<BenchKernel> kernels_;
  std::int64_t n_dynamic_bytes_ = 0;  // the most shared memory that a launch asked for
};

}  // namespace spikelane
