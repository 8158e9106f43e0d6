// Who the threads of a CUDA team are and how they wait for one another: a half-warp (16 samples of
// a tile), a warp (a row of a small net) or a block (a row of a larger one). The only place where
// thread numbers are known, beside the launches.
#pragma once

#include "kernels/core/isa.h"
#include "kernels/step/views.h"

namespace spikelane::SPIKELANE_ISA {

/// What all three share: lanes are the 16 threads of a half-warp.
struct CudaLanes {
  static __device__ __forceinline__ uint32_t half_warp_mask() {
    return 0xffffu << (threadIdx.x & 16u);
  }
  static __device__ __forceinline__ uint32_t lanes_where(bool m) {
    return __ballot_sync(half_warp_mask(), m) >> (threadIdx.x & 16u) & 0xffffu;
  }
  static __device__ __forceinline__ void count(int32_t* counter) { atomicAdd(counter, 1); }
  static __device__ __forceinline__ bool claim(int* value, int from, int to) {
    return atomicCAS(value, from, to) == from;
  }
};

struct HalfWarp : CudaLanes {
  static __device__ __forceinline__ int worker() { return threadIdx.x & 15; }
  static __device__ __forceinline__ int n_workers() { return 16; }
  static __device__ __forceinline__ void sync() { __syncwarp(half_warp_mask()); }
};

struct Warp : CudaLanes {
  static __device__ __forceinline__ int worker() { return threadIdx.x & 31; }
  static __device__ __forceinline__ int n_workers() { return 32; }
  static __device__ __forceinline__ void sync() { __syncwarp(); }
};

struct Block : CudaLanes {
  static __device__ __forceinline__ int worker() { return threadIdx.x; }
  static __device__ __forceinline__ int n_workers() { return blockDim.x; }
  static __device__ __forceinline__ void sync() { __syncthreads(); }
};

}  // namespace spikelane::SPIKELANE_ISA
