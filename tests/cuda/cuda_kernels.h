// The CUDA backend as tests use it: the fastest CPU table with the device's functions in it.
#pragma once

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

}  // namespace spikelane::test
