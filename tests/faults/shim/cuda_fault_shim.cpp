// Loaded into the program by LD_PRELOAD: a CUDA device that goes wrong as $SPIKELANE_CUDA_FAULT
// says, whether the runtime behind it has a real device or not.
//   launch=N   from launch N on (the first is 1) none starts: cudaErrorLaunchOutOfResources
//   lost=N     the device is lost in launch N: that launch and all calls after it say so
// A graph is one launch, and its capture is another.
#include <dlfcn.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using Error = int;
constexpr Error kLaunchOutOfResources = 701, kLaunchFailure = 719;

struct Extent {
  unsigned x, y, z;
};

// the library is loaded by dlopen, so the next in line (RTLD_NEXT) does not know it
template <class Function>
Function* real(const char* name) {
  void* runtime = dlopen("libcudart.so.13", RTLD_NOW | RTLD_NOLOAD);
  void* found = runtime ? dlsym(runtime, name) : nullptr;
  if (!found) {
    std::fprintf(stderr, "no %s in libcudart.so.13\n", name);
    std::abort();
  }
  return reinterpret_cast<Function*>(found);
}

long fault_at(const char* name) {
  const char* fault = std::getenv("SPIKELANE_CUDA_FAULT");
  const std::size_t n = std::strlen(name);
  return fault && std::strncmp(fault, name, n) == 0 ? std::atol(fault + n) : 0;
}

long n_launches = 0;
Error last = 0;
bool is_lost = false;

Error lost() { return last = kLaunchFailure; }

// whether the next launch is not to be, and what it says
bool goes_wrong(Error* error) {
  ++n_launches;
  const long fails_at = fault_at("launch="), is_lost_at = fault_at("lost=");
  if (fails_at > 0 && n_launches >= fails_at) {
    *error = last = kLaunchOutOfResources;
    return true;
  }
  // it starts; what comes of it is heard later
  if (is_lost_at > 0 && n_launches >= is_lost_at) is_lost = true;
  return is_lost;
}

}  // namespace

extern "C" {

Error __cudaLaunchKernel(void* kernel, Extent grid, Extent block, void** arguments, size_t n_shared,
                         void* stream) {
  static auto* const launch =
      real<Error(void*, Extent, Extent, void**, size_t, void*)>("__cudaLaunchKernel");
  Error error = 0;
  return goes_wrong(&error) ? error : launch(kernel, grid, block, arguments, n_shared, stream);
}

Error cudaGraphLaunch(void* graph, void* stream) {
  static auto* const launch = real<Error(void*, void*)>("cudaGraphLaunch");
  Error error = 0;
  return goes_wrong(&error) ? error : launch(graph, stream);
}

Error cudaGetLastError() {
  static auto* const get = real<Error()>("cudaGetLastError");
  if (last == 0) return get();
  const Error error = last;
  last = 0;
  return error;
}

Error cudaStreamSynchronize(void* stream) {
  static auto* const wait = real<Error(void*)>("cudaStreamSynchronize");
  return is_lost ? lost() : wait(stream);
}

Error cudaMemcpyAsync(void* to, const void* from, size_t n, int kind, void* stream) {
  static auto* const copy = real<Error(void*, const void*, size_t, int, void*)>("cudaMemcpyAsync");
  return is_lost ? lost() : copy(to, from, n, kind, stream);
}

Error cudaMemsetAsync(void* to, int byte, size_t n, void* stream) {
  static auto* const fill = real<Error(void*, int, size_t, void*)>("cudaMemsetAsync");
  return is_lost ? lost() : fill(to, byte, n, stream);
}

Error cudaMalloc(void** memory, size_t n) {
  static auto* const allocate = real<Error(void**, size_t)>("cudaMalloc");
  return is_lost ? lost() : allocate(memory, n);
}

Error cudaFree(void* memory) {
  static auto* const release = real<Error(void*)>("cudaFree");
  return is_lost ? lost() : release(memory);
}
}
