#include "kernels/cuda/cuda_library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <vector>

namespace spikelane {
namespace {

struct Found {
  const CudaFunctions* functions = nullptr;
  std::string why;
};

#if !defined(SPIKELANE_HAS_CUDA)
Found look() { return {nullptr, "this program was built without nvcc"}; }
#else
// $SPIKELANE_CUDA_LIBRARY; beside this program; where it was built; where the loader looks
std::vector<std::string> places() {
  std::vector<std::string> paths;
  if (const char* path = std::getenv("SPIKELANE_CUDA_LIBRARY")) return {path};
  char program[PATH_MAX];
  if (const ssize_t n = ::readlink("/proc/self/exe", program, sizeof program); n > 0) {
    const std::string path(program, static_cast<std::size_t>(n));
    const std::string folder = path.substr(0, path.rfind('/'));
    paths.push_back(folder + "/libspikelane_cuda.so");
    paths.push_back(folder + "/../lib/libspikelane_cuda.so");
  }
  paths.push_back("libspikelane_cuda.so");
  return paths;
}

Found look() {
  Found found;
  void* library = nullptr;
  for (const std::string& path : places()) {
    library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library) break;
    // the first that is there but does not load says why: a missing libcudart, say
    const char* error = ::dlerror();
    if (found.why.empty() || ::access(path.c_str(), R_OK) == 0) found.why = error ? error : path;
  }
  if (!library) return found;
  using Get = const CudaFunctions* (*)();
  const auto get = reinterpret_cast<Get>(::dlsym(library, "spikelane_cuda_functions"));
  if (!get) {
    found.why = "libspikelane_cuda.so is of another version";
    return found;
  }
  const CudaFunctions* functions = get();
  int n_devices = 0;
  const char* error = functions->count_devices(&n_devices);
  if (error || n_devices == 0) {
    found.why = error ? error : "there is no CUDA device";
    return found;
  }
  found.functions = functions;
  found.why.clear();
  return found;
}
#endif

}  // namespace

const CudaFunctions* find_cuda(std::string* why) {
  static const Found found = look();
  if (why) *why = found.why;
  return found.functions;
}

namespace {

struct DeviceTable {
  KernelTable table;
  const CudaFunctions* cuda;
};

std::mutex tables_mutex;

// one an instruction set at most; their places do not change
std::deque<DeviceTable>& device_tables() {
  static std::deque<DeviceTable> tables;
  return tables;
}

}  // namespace

const KernelTable* with_cuda(const KernelTable& cpu, const CudaFunctions& cuda) {
  const std::lock_guard lock(tables_mutex);
  for (const DeviceTable& known : device_tables())
    if (known.table.run_tiles == cpu.run_tiles) return &known.table;
  device_tables().push_back({cpu, &cuda});
  return &device_tables().back().table;
}

const CudaFunctions* cuda_of(const KernelTable& kernels) {
  const std::lock_guard lock(tables_mutex);
  for (const DeviceTable& known : device_tables())
    if (&known.table == &kernels) return known.cuda;
  return nullptr;
}

}  // namespace spikelane
