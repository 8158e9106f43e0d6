// Memory, copies and devices: the library's functions that launch nothing of ours.
#include <cstdio>

#include "kernels/cuda/memory.cuh"

namespace spikelane::cuda {

const char* text_of(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return nullptr;
  static thread_local char text[300];
  std::snprintf(text, sizeof text, "%s: %s (%s)", what, cudaGetErrorString(error),
                cudaGetErrorName(error));
  cudaGetLastError();  // it has been reported
  return text;
}

static const char* count_devices(int* n) {
  *n = 0;
  return text_of(cudaGetDeviceCount(n), "looking for CUDA devices");
}

static const char* describe_device(int device, CudaDeviceInfo* info) {
  cudaDeviceProp properties;
  if (const char* error =
          text_of(cudaGetDeviceProperties(&properties, device), "asking for a device's properties"))
    return error;
  std::snprintf(info->name, sizeof info->name, "%s", properties.name);
  info->compute_capability = properties.major * 10 + properties.minor;
  info->n_multiprocessors = properties.multiProcessorCount;
  info->n_bytes = properties.totalGlobalMem;
  return text_of(cudaMemGetInfo(&info->n_free_bytes, &info->n_bytes), "asking for free memory");
}

static const char* allocate(size_t n_bytes, void** memory) {
  *memory = nullptr;
  const cudaError_t error = cudaMalloc(memory, n_bytes);
  if (error != cudaErrorMemoryAllocation) return text_of(error, "taking device memory");
  cudaGetLastError();
  size_t n_free = 0, n_all = 0;
  cudaMemGetInfo(&n_free, &n_all);
  static thread_local char text[200];
  std::snprintf(text, sizeof text,
                "the run needs %.1f MiB of device memory more, and %.1f of %.1f MiB are free",
                static_cast<double>(n_bytes) / 1048576.0, static_cast<double>(n_free) / 1048576.0,
                static_cast<double>(n_all) / 1048576.0);
  return text;
}
static void release(void* memory) { cudaFree(memory); }

static const char* allocate_pinned(size_t n_bytes, void** memory) {
  *memory = nullptr;
  return text_of(cudaMallocHost(memory, n_bytes), "taking pinned memory");
}
static void release_pinned(void* memory) { cudaFreeHost(memory); }

static const char* copy_in_on(CudaStream which, void* to, const void* from, size_t n_bytes) {
  return text_of(cudaMemcpyAsync(to, from, n_bytes, cudaMemcpyHostToDevice, stream(which)),
                 "copying to the device");
}
static const char* copy_in(void* to, const void* from, size_t n_bytes) {
  return copy_in_on(CudaStream::kWork, to, from, n_bytes);
}
static const char* copy_out(void* to, const void* from, size_t n_bytes) {
  return text_of(cudaMemcpyAsync(to, from, n_bytes, cudaMemcpyDeviceToHost, stream()),
                 "copying from the device");
}
static const char* fill(void* to, int byte, size_t n_bytes) {
  return text_of(cudaMemsetAsync(to, byte, n_bytes, stream()), "filling device memory");
}
static const char* wait() {
  return text_of(cudaStreamSynchronize(stream()), "waiting for the device");
}

}  // namespace spikelane::cuda

extern "C" __attribute__((visibility("default"))) const spikelane::CudaFunctions*
spikelane_cuda_functions() {
  using namespace spikelane::cuda;
  static const spikelane::CudaFunctions functions = {count_devices,
                                                     describe_device,
                                                     allocate,
                                                     release,
                                                     allocate_pinned,
                                                     release_pinned,
                                                     copy_in,
                                                     copy_out,
                                                     fill,
                                                     wait,
                                                     copy_in_on,
                                                     make_event,
                                                     release_event,
                                                     record_event,
                                                     wait_event,
                                                     wait_event_on,
                                                     begin_graph,
                                                     end_graph,
                                                     launch_graph,
                                                     release_graph,
                                                     sum_counts,
                                                     plan_trials,
                                                     run_trials,
                                                     plan_kernl,
                                                     run_kernl_trials,
                                                     run_kernl_online,
                                                     sum_parts,
                                                     plan_regression,
                                                     run_regression,
                                                     score_regression,
                                                     find_regression_gradient,
                                                     update_regression,
                                                     run_episodes,
                                                     place_shared,
                                                     sum_up_members,
                                                     update_es,
                                                     describe_kernel};
  return &functions;
}
