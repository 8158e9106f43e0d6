// The CUDA backend as tests use it: the fastest CPU table with the device's functions in it.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/cpu/kernel_table.h"
#include "kernels/cuda/cuda_library.h"
#include "tests/skip.h"

namespace spikelane::test {

/// Null, and the running test is noted as skipped with the reason, where there is no device.
inline const KernelTable* cuda_kernels_or_skip() {
  std::string why;
  const CudaFunctions* cuda = find_cuda(&why);
  if (!cuda) {
    note_skip("no CUDA device, and no emulator of one in $SPIKELANE_CUDA_EMULATOR: " + why);
    return nullptr;
  }
  return with_cuda(*find_kernels(""), *cuda);
}

/// Launches so far of the kernels whose names begin with `head`; there must be a device.
inline std::int64_t n_launches_of(const std::string& head) {
  std::int64_t n = 0;
  CudaKernelInfo info;
  for (int i = 0; find_cuda(nullptr)->describe_kernel(i, &info); ++i)
    if (std::string(info.name).starts_with(head)) n += info.n_launches;
  return n;
}

}  // namespace spikelane::test
