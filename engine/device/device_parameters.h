// DeviceParameters: parameters that learn on a CUDA device, with their gradient and the optimiser's
// state vectors. They stay there and come back when somebody looks.
#pragma once

#include <cstdint>
#include <span>

#include "engine/device/device_memory.h"
#include "engine/learning/optimiser.h"

namespace spikelane {

class DeviceParameters {
 public:
  /// Room for n parameters. Both must outlive it; throws RunError where the device has too little
  /// memory.
  DeviceParameters(const CudaFunctions& cuda, Optimiser& optimiser, std::int64_t n);

  /// These wait. Parameters (P) and the optimiser's vectors, from the host and back to it.
  void write(std::span<const float> parameters);
  void read(std::span<float> parameters);
  void write_gradient(std::span<const float> gradient);
  void read_gradient(std::span<float> gradient);

  /// On the device, (P) each; a state vector that the optimiser has not got is not looked at.
  float* values() const { return values_; }
  float* gradient() const { return gradient_; }
  float* first() const { return first_ ? first_ : values_; }
  float* second() const { return second_ ? second_ : values_; }
  std::size_t n_bytes() const { return memory_.size(); }

 private:
  template <class Copy>
  void for_each_vector(const Copy& copy);

  const CudaFunctions& cuda_;
  Optimiser& optimiser_;
  DeviceMemory memory_;
  float *values_ = nullptr, *gradient_ = nullptr, *first_ = nullptr, *second_ = nullptr;
};

}  // namespace spikelane
