#include "engine/device/device_parameters.h"

#include "engine/state/aligned_memory.h"

namespace spikelane {

DeviceParameters::DeviceParameters(const CudaFunctions& cuda, Optimiser& optimiser, std::int64_t n)
    : cuda_(cuda), optimiser_(optimiser) {
  const std::size_t n_vectors = optimiser.state().vectors.size();
  const auto place = [&](const auto& take) {
    take(values_, n);
    take(gradient_, n);
    if (n_vectors > 0) take(first_, n);
    if (n_vectors > 1) take(second_, n);
  };
  memory_ = DeviceMemory(cuda, bytes_of_arrays(place));
  point_arrays(memory_.data(), place);
}

template <class Copy>
void DeviceParameters::for_each_vector(const Copy& copy) {
  if (first_) copy(first_, optimiser_.vector(0));
  if (second_) copy(second_, optimiser_.vector(1));
}

void DeviceParameters::write(std::span<const float> parameters) {
  check_cuda(cuda_.copy_in(values_, parameters.data(), parameters.size_bytes()));
  for_each_vector([&](float* device, std::span<const float> host) {
    check_cuda(cuda_.copy_in(device, host.data(), host.size_bytes()));
  });
  check_cuda(cuda_.wait());
}

void DeviceParameters::read(std::span<float> parameters) {
  check_cuda(cuda_.copy_out(parameters.data(), values_, parameters.size_bytes()));
  for_each_vector([&](const float* device, std::span<float> host) {
    check_cuda(cuda_.copy_out(host.data(), device, host.size_bytes()));
  });
  check_cuda(cuda_.wait());
}

void DeviceParameters::write_gradient(std::span<const float> gradient) {
  check_cuda(cuda_.copy_in(gradient_, gradient.data(), gradient.size_bytes()));
  check_cuda(cuda_.wait());
}

void DeviceParameters::read_gradient(std::span<float> gradient) {
  check_cuda(cuda_.copy_out(gradient.data(), gradient_, gradient.size_bytes()));
  check_cuda(cuda_.wait());
}

}  // namespace spikelane
