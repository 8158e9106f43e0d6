// Launches of KeRNL and e-prop, and how they are cut.
#include <algorithm>

#include "kernels/cuda/kernl_kernels.cuh"
#include "kernels/cuda/memory.cuh"

namespace spikelane::cuda {

using namespace SPIKELANE_ISA;

static const NamedKernel named_kernels[] = {
    {"KeRNL, whole trials", pointer_of(run_kernl_trials_kernel)},
    {"KeRNL, online", pointer_of(run_kernl_online_kernel)},
    {"KeRNL, sums of gradients", pointer_of(sum_parts_kernel)}};

const char* plan_parts(const void* kernel, int n_largest, int n_parts, CudaGrid* grid) {
  int device = 0, n_multiprocessors = 0, n_resident = 0;
  if (const char* error = text_of(cudaGetDevice(&device), "choosing a device")) return error;
  cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device);
  *grid = {0, std::min(256, (n_largest + 31) / 32 * 32), 1, 0};
  if (const char* error = text_of(
          cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n_resident, kernel, grid->n_threads, 0),
          "counting resident blocks"))
    return error;
  // as many blocks as run at once: each has memory of its own and takes one part after another
  grid->n_blocks = std::min(n_parts, std::max(1, n_resident) * n_multiprocessors);
  return nullptr;
}

const char* plan_kernl(int n_largest, int n_parts, int is_online, CudaGrid* grid) {
  return plan_parts(
      is_online ? pointer_of(run_kernl_online_kernel) : pointer_of(run_kernl_trials_kernel),
      n_largest, n_parts, grid);
}

const char* run_kernl_trials(const CudaKernlTrialArgs* args, const CudaGrid* grid) {
  launch(run_kernl_trials_kernel, grid->n_blocks, grid->n_threads, 0, *args);
  return text_of(cudaGetLastError(), "launching trials with gradients");
}

const char* run_kernl_online(const CudaKernlOnlineArgs* args, const CudaGrid* grid) {
  launch(run_kernl_online_kernel, grid->n_blocks, grid->n_threads, 0, *args);
  return text_of(cudaGetLastError(), "launching steps that learn");
}

const char* sum_parts(const CudaPartSumArgs* args) {
  constexpr int kThreads = 256, kMostBlocks = 1024;
  const auto n_blocks =
      static_cast<unsigned>(std::clamp<int64_t>(args->stride / kThreads, 1, kMostBlocks));
  launch(sum_parts_kernel, n_blocks, kThreads, 0, *args);
  return text_of(cudaGetLastError(), "launching sums of gradients");
}

}  // namespace spikelane::cuda
