// Reductions whose order does not matter for the bits, by Thrust: sums of whole numbers.
#include <thrust/execution_policy.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/system_error.h>
#include <thrust/transform_reduce.h>

#include "kernels/cuda/memory.cuh"

namespace spikelane::cuda {
namespace {

// Thrust's working memory: one block that stays, made larger where it is too small
class WorkingMemory {
 public:
  using value_type = char;
  char* allocate(std::ptrdiff_t n) {
    if (n > n_bytes_) {
      cudaFree(memory_);
      memory_ = nullptr;
      n_bytes_ = 0;
      const cudaError_t error = cudaMalloc(&memory_, static_cast<size_t>(n));
      if (error != cudaSuccess) throw thrust::system_error(error, thrust::cuda_category());
      n_bytes_ = n;
    }
    return static_cast<char*>(memory_);
  }
  void deallocate(char*, size_t) {}

 private:
  void* memory_ = nullptr;
  std::ptrdiff_t n_bytes_ = 0;
};

struct CountAt {
  CudaCountArgs a;
  __device__ long long operator()(long long i) const {
    const long long n_entries = static_cast<long long>(a.n) * a.n_lanes;
    const long long tile = i / n_entries, entry = i % n_entries;
    const long long sample = tile % a.n_member_tiles * a.n_lanes + entry % a.n_lanes;
    if (sample >= a.n_samples) return 0;
    const char* field = a.tiles + tile * a.tile_bytes + a.at;
    return static_cast<long long>(reinterpret_cast<const float*>(field)[entry]);
  }
};

}  // namespace

const char* sum_counts(const CudaCountArgs* args, int64_t* sum) {
  static WorkingMemory memory;
  const thrust::counting_iterator<long long> first(0);
  const long long n = static_cast<long long>(args->n_tiles) * args->n * args->n_lanes;
  try {
    *sum = thrust::transform_reduce(thrust::cuda::par(memory).on(stream(CudaStream::kWork)), first,
                                    first + n, CountAt{*args}, 0LL, thrust::plus<long long>());
  } catch (const thrust::system_error& error) {
    return text_of(static_cast<cudaError_t>(error.code().value()), "summing counts");
  }
  return nullptr;
}

}  // namespace spikelane::cuda
