// The kernels of the library, told by number.
#include "kernels/cuda/memory.cuh"

namespace spikelane::cuda {

const NamedKernel*& NamedKernel::newest() {
  static const NamedKernel* kernel = nullptr;
  return kernel;
}

NamedKernel::NamedKernel(const char* name, const void* kernel)
    : name_(name), kernel_(kernel), before_(newest()) {
  newest() = this;
}

bool describe_kernel(int i, CudaKernelInfo* info) {
  const NamedKernel* named = NamedKernel::newest();
  for (; named && i > 0; --i) named = named->before_;
  if (!named || i < 0) return false;
  *info = {named->name_, 0, 0, 0, 0};
  cudaFuncAttributes attributes;
  if (text_of(cudaFuncGetAttributes(&attributes, named->kernel_), named->name_)) return true;
  info->n_registers = attributes.numRegs;
  info->n_static_shared_bytes = static_cast<int>(attributes.sharedSizeBytes);
  info->n_local_bytes = static_cast<int>(attributes.localSizeBytes);
  info->n_max_threads = attributes.maxThreadsPerBlock;
  return true;
}

}  // namespace spikelane::cuda
