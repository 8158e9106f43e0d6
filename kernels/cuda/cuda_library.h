// Loads libspikelane_cuda.so, which lies beside the program or where the loader looks.
#pragma once

#include <string>

#include "kernels/cpu/kernel_table.h"
#include "kernels/cuda/cuda_functions.h"

namespace spikelane {

/// The library's functions when it is there and has at least one device that works; else null, and
/// `why` says what is missing. The answer is found once.
const CudaFunctions* find_cuda(std::string* why);

/// `cpu` with the device's functions in it; lives as long as the program.
const KernelTable* with_cuda(const KernelTable& cpu, const CudaFunctions& cuda);

}  // namespace spikelane
