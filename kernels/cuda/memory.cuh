// What the library's sources share: the stream, error texts, and the launches that the table names.
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/cuda_functions.h"

namespace spikelane::cuda {

/// The one stream that all copies and launches go through.
cudaStream_t stream();

/// Null, or a text that lives until the thread's next error.
const char* text_of(cudaError_t error, const char* what);

const char* plan_trials(Layout layout, int n_largest, int n_members, int n_tiles,
                        int64_t n_block_floats, int64_t n_table_floats, CudaGrid* grid,
                        int* has_shared_block, int* has_shared_table);
const char* run_trials(Layout layout, const CudaTrialArgs* args, const CudaGrid* grid);
const char* plan_kernl(int n_largest, int n_parts, int is_online, CudaGrid* grid);
const char* run_kernl_trials(const CudaKernlTrialArgs* args, const CudaGrid* grid);
const char* run_kernl_online(const CudaKernlOnlineArgs* args, const CudaGrid* grid);
const char* sum_parts(const CudaPartSumArgs* args);
/// The kernels, each compiled in a file of its own.
using TrialKernel = void (*)(const CudaTrialArgs*);
TrialKernel sample_lane_trials();
TrialKernel warp_trials();
TrialKernel block_trials();

constexpr int kMaxTeams = 16;  // of a block

/// A kernel that describe_kernel tells of: the source that launches it keeps one for each of its
/// own. kernels/cuda/named_kernels.cu
class NamedKernel {
 public:
  NamedKernel(const char* name, const void* kernel);

 private:
  friend bool describe_kernel(int i, CudaKernelInfo* info);
  static const NamedKernel*& newest();
  const char* name_;
  const void* kernel_;
  const NamedKernel* before_;
};

bool describe_kernel(int i, CudaKernelInfo* info);

}  // namespace spikelane::cuda
