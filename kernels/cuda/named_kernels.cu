// The kernels of the library, told by number.
#include <utility>

#include "kernels/cuda/memory.cuh"

namespace spikelane::cuda {

NamedKernel*& NamedKernel::newest() {
  static NamedKernel* kernel = nullptr;
  return kernel;
}

NamedKernel::NamedKernel(const char* name, const void* kernel)
    : name_(name), kernel_(kernel), before_(newest()) {
  newest() = this;
}

static thread_local bool are_kept = false;
static thread_local std::vector<NotedLaunch> kept;

void keep_launches() { are_kept = true; }

std::vector<NotedLaunch> take_kept_launches() {
  are_kept = false;
  return std::exchange(kept, {});
}

void note_launch(const NotedLaunch& launch) {
  if (are_kept) {
    kept.push_back(launch);
    return;
  }
  NamedKernel* named = NamedKernel::newest();
  while (named && named->kernel_ != launch.kernel) named = named->before_;
  if (!named) return;
  ++named->n_launches_;
  named->n_blocks_ = launch.n_blocks;
  named->n_threads_ = launch.n_threads;
  named->n_shared_bytes_ = static_cast<int>(launch.n_shared_bytes);
}

bool describe_kernel(int i, CudaKernelInfo* info) {
  const NamedKernel* named = NamedKernel::newest();
  for (; named && i > 0; --i) named = named->before_;
  if (!named || i < 0) return false;
  *info = {};
  info->name = named->name_;
  info->n_launches = named->n_launches_;
  info->n_blocks = named->n_blocks_;
  info->n_threads = named->n_threads_;
  info->n_shared_bytes = named->n_shared_bytes_;
  cudaFuncAttributes attributes;
  if (text_of(cudaFuncGetAttributes(&attributes, named->kernel_), named->name_)) return true;
  info->n_registers = attributes.numRegs;
  info->n_static_shared_bytes = static_cast<int>(attributes.sharedSizeBytes);
  info->n_local_bytes = static_cast<int>(attributes.localSizeBytes);
  info->n_max_threads = attributes.maxThreadsPerBlock;
  if (info->n_threads > 0)
    text_of(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                &info->n_resident_blocks, named->kernel_, info->n_threads,
                static_cast<size_t>(info->n_shared_bytes)),
            named->name_);
  return true;
}

}  // namespace spikelane::cuda
