// What the phases need said where nvcc compiles them too: bit counts, and loops to leave alone or
// to unroll.
#pragma once

#include <stdint.h>

#include "kernels/core/isa.h"

#if defined(__CUDACC__)
#undef SPIKELANE_INLINE
#define SPIKELANE_INLINE __host__ __device__ __forceinline__
// before a loop that nvcc shall not unroll: rare work, whose copies would only be longer to load
#define SPIKELANE_ROLLED _Pragma("unroll 1")
#else
#define SPIKELANE_ROLLED
#endif

// before a loop of at most 32 rounds whose arrays shall be registers
#if defined(__CUDACC__) || defined(__clang__)
#define SPIKELANE_UNROLLED _Pragma("unroll")
#else
#define SPIKELANE_UNROLLED _Pragma("GCC unroll 32")
#endif

namespace spikelane::SPIKELANE_ISA {

/// The number of the lowest set bit of a word that is not 0.
SPIKELANE_INLINE int lowest_bit(uint32_t a) {
#if defined(__CUDA_ARCH__)
  return __ffs(static_cast<int>(a)) - 1;
#else
  return __builtin_ctz(a);
#endif
}

/// How many bits are set.
SPIKELANE_INLINE int count_bits(uint32_t a) {
#if defined(__CUDA_ARCH__)
  return __popc(a);
#else
  return __builtin_popcount(a);
#endif
}

}  // namespace spikelane::SPIKELANE_ISA
