// KeRNL's regression on a CUDA device: what KernlRegression goes through where the CUDA backend was
// chosen. M, g and the optimiser's vectors stay there, and so do gradient and sums.
#pragma once

#include <optional>
#include <span>

#include "engine/device/device_parameters.h"
#include "engine/device/device_views.h"
#include "kernels/cuda/kernl_args.h"

namespace spikelane {

class DeviceRegression {
 public:
  /// All must outlive it. Of `rule` everything but its arrays is taken. Throws RunError where the
  /// device has too little memory.
  DeviceRegression(const CudaFunctions& cuda, const Plan& plan, const RegressionView& rule,
                   Optimiser& optimiser);

  /// M and g, flat.
  DeviceParameters& parameters() { return parameters_; }
  /// Writes them, with the optimiser's vectors, and what the kernels read of them. Waits.
  void write(std::span<const float> parameters);

  /// Runs and scores the samples of some parts of 8 of the batch: inputs, weights and noise are
  /// those of the host. Does not wait.
  void run(const RegressionArgs& batch, int first_part, int end_part);
  /// These wait, once each. The losses of the last run's samples, to where they are in the batch's
  /// (B), and where it is not null to `sums` those of its parts; returns the first part whose state
  /// is not finite.
  std::optional<NotFinite> read_losses(std::span<double> losses, float* sums);
  /// What was scored of them, where only last steps are, likewise (B, n_padded).
  void read_rows(const RegressionRows& rows);

  /// Queues the gradient from the sums of all n_parts parts.
  void find_gradient(int n_parts, double n_terms);
  /// Queues an update with that gradient, one step a tensor; the optimiser does not count it.
  void update(std::span<const OptimiserStep> steps);

  std::size_t n_bytes() const {
    return parameters_.n_bytes() + memory_.size() + room_memory_.size();
  }

 private:
  void make_room(int n_samples);
  template <class T>
  void ask_of_samples(T* to, const T* from, std::int64_t n);
  int n_rows() const { return rule_.n_filters * (rule_.n + 1); }

  const CudaFunctions& cuda_;
  const Plan& plan_;
  RegressionView rule_;  // its arrays are on the device
  DeviceParameters parameters_;
  DeviceMemory memory_, constants_memory_, room_memory_, views_memory_, batch_memory_;
  StagedCopies staged_{cuda_, 2};
  ReturnedCopies returned_{cuda_};
  DeviceScratch scratch_;
  CudaGrid grid_{};
  CudaRegressionArgs args_{};
  CudaRegressionUpdateArgs update_{};
  const PlanView* device_plan_ = nullptr;
  int n_samples_ = 0;                      // that there is room for
  int first_sample_ = 0, end_sample_ = 0;  // of the last run
};

}  // namespace spikelane
