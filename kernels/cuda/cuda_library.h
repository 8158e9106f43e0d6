// Loads libspikelane_cuda.so, which lies beside the program or where the loader looks.
#pragma once

#include <string>

#include "kernels/cpu/kernel_table.h"
#include "kernels/cuda/cuda_functions.h"

namespace spikelane {

/// The library's functions when it is there and has at least one device that works; else null, and
/// `why` says what is missing. The answer is found once.
const CudaFunctions* find_cuda(std::string* why);

/// A copy of `cpu` that stands for the device: Evaluator and Simulation run there when they are
/// given it, and all else on the CPU. Lives as long as the program.
const KernelTable* with_cuda(const KernelTable& cpu, const CudaFunctions& cuda);

/// The device that `kernels` stands for, or null.
const CudaFunctions* cuda_of(const KernelTable& kernels);

}  // namespace spikelane
