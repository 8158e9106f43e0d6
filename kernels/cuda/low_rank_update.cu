// Noise of low rank: the weights that members share, and the gradient from their factors.
#include <algorithm>

#include "kernels/cuda/cuda_machines.cuh"
#include "kernels/cuda/draw_member.cuh"
#include "kernels/cuda/memory.cuh"
#include "kernels/step/lane_workers.h"
#include "kernels/step/low_rank_gradient.h"

namespace spikelane::SPIKELANE_ISA {

constexpr int kThreads = 256, kEntries = kFactorTile * kFactorTile / kThreads;

__global__ void __launch_bounds__(kThreads) place_shared_kernel(MemberDrawView a, float* shared) {
  const int64_t worker = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (int i = 0; i < a.n_tensors; ++i)
    draw_tensor(a.tensors[i], a, 0, worker, static_cast<int64_t>(gridDim.x) * kThreads, shared);
}

// a row of blocks for each tensor, a block one square after the other
__global__ void __launch_bounds__(kThreads) low_rank_gradient_kernel(EsUpdateArgs a) {
  extern __shared__ __align__(64) double left[];
  const SearchedTensorView& tensor = a.tensors[blockIdx.y];
  if (!tensor.has_factors) return;
  const FactorView& factors = tensor.factors;
  auto* right = reinterpret_cast<float*>(left + kFactorTile * 8 * factors.rank);
  const auto n_rows = static_cast<int>((tensor.end - tensor.begin) / factors.n_columns);
  const int n_across = (factors.n_columns + kFactorTile - 1) / kFactorTile;
  const int n_down = (n_rows + kFactorTile - 1) / kFactorTile;
  const int64_t n_tiles = static_cast<int64_t>(n_across) * n_down;
  for (int64_t tile = blockIdx.x; tile < n_tiles; tile += gridDim.x)
    share_low_rank<kEntries>(LaneWorkers<Block>(), a.gradient, factors,
                             static_cast<int>(tile / n_across) * kFactorTile, n_rows,
                             static_cast<int>(tile % n_across) * kFactorTile, tensor.divisor, left,
                             right, a.gradient_out + tensor.begin);
}

}  // namespace spikelane::SPIKELANE_ISA

namespace spikelane::cuda {

using namespace SPIKELANE_ISA;

static const NamedKernel named_kernels[] = {
    {"low rank, common weights", pointer_of(place_shared_kernel)},
    {"low rank, gradient", pointer_of(low_rank_gradient_kernel)}};

const char* place_shared(const MemberDrawView* members, float* shared) {
  note_launch(pointer_of(place_shared_kernel), 256, kThreads, 0);
  place_shared_kernel<<<256, kThreads, 0, stream()>>>(*members, shared);
  return text_of(cudaGetLastError(), "launching the members' common weights");
}

const char* update_low_rank(const EsUpdateArgs* args) {
  // as many squares as the largest tensor may have, up to what a device runs at once
  const int64_t n_squares = args->n_parameters / (kFactorTile * kFactorTile) + 1;
  const dim3 grid(static_cast<unsigned>(std::min<int64_t>(n_squares + 64, 1024)),
                  static_cast<unsigned>(args->n_tensors));
  const size_t n_bytes = static_cast<size_t>(kFactorTile) * 8 * args->rank * (8 + 4);
  note_launch(pointer_of(low_rank_gradient_kernel), static_cast<int>(grid.x * grid.y), kThreads,
              static_cast<int64_t>(n_bytes));
  low_rank_gradient_kernel<<<grid, kThreads, n_bytes, stream()>>>(*args);
  return text_of(cudaGetLastError(), "launching the gradient of low-rank noise");
}

}  // namespace spikelane::cuda
