// The update of an evolution strategy, one launch a phase: members' losses, shaping, gradient,
// optimiser. The phases are those of kernels/step; nothing here waits for the host.
#include <algorithm>

#include "kernels/cuda/cuda_machines.cuh"
#include "kernels/cuda/memory.cuh"
#include "kernels/step/es_gradient.h"
#include "kernels/step/lane_workers.h"

namespace spikelane::SPIKELANE_ISA {

constexpr int kSumThreads = 128;  // that share a member's samples
constexpr int kShapeThreads = 256;
constexpr int kDrawWorkers = 8, kQuads = 32;  // blocks of draws, and parameters by four, at once
constexpr int kStepThreads = 256;

/// The threads of a block that have the same parameters.
struct SharedQuad : CudaLanes {
  static __device__ __forceinline__ int worker() { return threadIdx.x / kQuads; }
  static __device__ __forceinline__ int n_workers() { return kDrawWorkers; }
  static __device__ __forceinline__ void sync() { __syncthreads(); }
};

// a block a member
__global__ void __launch_bounds__(kSumThreads) sum_up_kernel(MemberScoresArgs a) {
  __shared__ double room[kSumThreads];
  const LaneWorkers<Block> team;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * a.n_samples;
  const double loss = mean_loss(team, a.losses + first, a.n_samples, room);
  unsigned long long n_counted = 0;
  for (int i = team.worker(); i < a.n_samples; i += team.n_workers())
    n_counted +=
        static_cast<unsigned>(a.is_correct ? a.is_correct[first + i] : a.lengths[first + i]);
  if (n_counted > 0) atomicAdd(a.scores.n_counted, n_counted);
  if (!team.is_leader()) return;
  a.scores.losses[blockIdx.x] = loss;
  const bool is_finite = own_abs(loss) < __builtin_huge_val();
  if (!is_finite || *a.scores.first_not_finite != ~0ull) atomicOr(a.scores.is_lost, 1);
}

// each block some draws; z-scores are found anew in each
__global__ void __launch_bounds__(kShapeThreads) shape_kernel(EsUpdateArgs a) {
  __shared__ double room[kShapeThreads];
  const LaneWorkers<Block> team;
  const int begin = static_cast<int>(blockIdx.x) * kShapeThreads;
  shape_draws(team, a.shaping, begin, min(begin + kShapeThreads, a.gradient.n_draws), room);
}

__device__ __forceinline__ const SearchedTensorView* tensor_of(const EsUpdateArgs& a, int64_t i) {
  for (int k = 0; k < a.n_tensors; ++k)
    if (i >= a.tensors[k].begin && i < a.tensors[k].end) return a.tensors + k;
  return nullptr;
}

__global__ void __launch_bounds__(kDrawWorkers* kQuads) gradient_kernel(EsUpdateArgs a) {
  __shared__ double rooms[kQuads][kDrawWorkers * 4 + 1];  // odd: neighbours use other banks
  const LaneWorkers<SharedQuad> team;
  const int i_quad = static_cast<int>(threadIdx.x) % kQuads;
  const int64_t first = (static_cast<int64_t>(blockIdx.x) * kQuads + i_quad) * 4;
  double sum[4];
  const MemberNoise noise{a.gradient.seed, a.gradient.update, a.gradient.is_sign};
  share_gradient<4>(team, a.gradient, first, noise, rooms[i_quad], sum);
  if (!team.is_leader()) return;
  for (int k = 0; k < 4; ++k) {
    const SearchedTensorView* tensor = tensor_of(a, first + k);
    if (tensor && !tensor->has_factors)
      a.gradient_out[first + k] = static_cast<float>(sum[k] / tensor->divisor);
  }
}

__global__ void __launch_bounds__(kStepThreads) step_kernel(EsUpdateArgs a) {
  if (*a.is_lost) return;
  const int64_t worker = static_cast<int64_t>(blockIdx.x) * kStepThreads + threadIdx.x;
  for (int k = 0; k < a.n_tensors; ++k) {
    const SearchedTensorView& tensor = a.tensors[k];
    const int64_t begin = tensor.begin + worker, stride = int64_t{gridDim.x} * kStepThreads;
    if (*a.shaping.is_flat)
      decay_entries(tensor.step, a.gradient_out, a.mean, a.first, a.second, begin, tensor.end,
                    stride);
    else
      step_entries(tensor.step, a.gradient_out, a.mean, a.first, a.second, begin, tensor.end,
                   stride);
  }
}

}  // namespace spikelane::SPIKELANE_ISA

namespace spikelane::cuda {

using namespace SPIKELANE_ISA;

static const NamedKernel named_kernels[] = {{"update, means of losses", pointer_of(sum_up_kernel)},
                                            {"update, shaping", pointer_of(shape_kernel)},
                                            {"update, gradient", pointer_of(gradient_kernel)},
                                            {"update, optimiser", pointer_of(step_kernel)}};

static unsigned blocks_for(int64_t n, int64_t n_each) {
  return static_cast<unsigned>(std::max<int64_t>(1, (n + n_each - 1) / n_each));
}

const char* sum_up_members(const MemberScoresArgs* args) {
  launch(sum_up_kernel, static_cast<unsigned>(args->n_members), kSumThreads, 0, *args);
  return text_of(cudaGetLastError(), "launching the sums of losses");
}

const char* update_es(const EsUpdateArgs* args) {
  const EsUpdateArgs& a = *args;
  launch(shape_kernel, blocks_for(a.gradient.n_draws, kShapeThreads), kShapeThreads, 0, a);
  const unsigned n_gradient_blocks = blocks_for(a.n_parameters, 4 * kQuads);
  launch(gradient_kernel, n_gradient_blocks, kDrawWorkers * kQuads, 0, a);
  if (a.rank > 0)
    if (const char* error = update_low_rank(args)) return error;
  launch(step_kernel, std::min(blocks_for(a.n_parameters, kStepThreads), 1024u), kStepThreads, 0,
         a);
  return text_of(cudaGetLastError(), "launching an update");
}

}  // namespace spikelane::cuda
