// What the library's sources share: the stream, error texts, and the launches that the table names.
#pragma once

#include <cuda_runtime.h>

#include <vector>

#include "kernels/cuda/cuda_functions.h"

namespace spikelane::cuda {

cudaStream_t stream(CudaStream which = CudaStream::kWork);

/// Null, or a text that lives until the thread's next error.
const char* text_of(cudaError_t error, const char* what);

const char* make_event(void** event);
void release_event(void* event);
const char* record_event(CudaStream which, void* event);
const char* wait_event(void* event);
const char* wait_event_on(CudaStream which, void* event);
const char* begin_graph();
const char* end_graph(void** graph);
const char* launch_graph(void* graph);
void release_graph(void* graph);
const char* sum_counts(const CudaCountArgs* args, int64_t* sum);

const char* plan_trials(Layout layout, int is_closed_loop, int n_largest, int n_members,
                        int n_tiles, int64_t n_block_floats, int64_t n_table_floats, CudaGrid* grid,
                        int* has_shared_block, int* has_shared_table);
const char* run_trials(Layout layout, int records, const CudaTrialArgs* args, const CudaGrid* grid);
const char* plan_kernl(int n_largest, int n_parts, int is_online, CudaGrid* grid);
const char* run_kernl_trials(const CudaKernlTrialArgs* args, const CudaGrid* grid);
const char* run_kernl_online(const CudaKernlOnlineArgs* args, const CudaGrid* grid);
const char* sum_parts(const CudaPartSumArgs* args);
/// Blocks of up to 256 threads that take one part after another.
const char* plan_parts(const void* kernel, int n_largest, int n_parts, CudaGrid* grid);
const char* plan_regression(int n_largest, int n_parts, CudaGrid* grid);
const char* run_regression(const CudaRegressionArgs* args, const CudaGrid* grid);
const char* score_regression(const CudaRegressionArgs* args, const CudaGrid* grid);
const char* find_regression_gradient(const CudaRegressionUpdateArgs* args, int n_rows);
const char* update_regression(const CudaRegressionUpdateArgs* args, int n_rows);
const char* run_episodes(Layout layout, const CudaTrialArgs* args, const CudaEpisodeArgs* loop,
                         const CudaGrid* grid);
const char* place_shared(const MemberDrawView* members, float* shared);
const char* sum_up_members(const MemberScoresArgs* args);
const char* update_low_rank(const EsUpdateArgs* args);  // a part of update_es
const char* update_es(const EsUpdateArgs* args);

/// The kernels, each compiled in a file of its own, with the one that `records`.
using TrialKernel = void (*)(const CudaTrialArgs*);
TrialKernel sample_lane_trials(bool records);
TrialKernel warp_trials(bool records);
TrialKernel block_trials(bool records);
/// Those of closed loops, likewise, beside their environments (tasks/control).
using EpisodeKernel = void (*)(const CudaTrialArgs*, CudaEpisodeArgs);
EpisodeKernel sample_lane_episodes();
EpisodeKernel warp_episodes();
EpisodeKernel block_episodes();

constexpr int kMaxTeams = 16;  // of a block

struct NotedLaunch {
  const void* kernel;
  int n_blocks, n_threads;
  int64_t n_shared_bytes;
};

/// A kernel that describe_kernel tells of: the source that launches it keeps one for each of its
/// own. kernels/cuda/named_kernels.cu
class NamedKernel {
 public:
  NamedKernel(const char* name, const void* kernel);

 private:
  friend bool describe_kernel(int i, CudaKernelInfo* info);
  friend void note_launch(const NotedLaunch& launch);
  static NamedKernel*& newest();
  const char* name_;
  const void* kernel_;
  NamedKernel* before_;
  int64_t n_launches_ = 0;
  int n_blocks_ = 0, n_threads_ = 0, n_shared_bytes_ = 0;  // of the last launch
};

/// Beside each launch, for reports. Launches that a graph captures are kept for the graph.
void note_launch(const NotedLaunch& launch);
void keep_launches();
std::vector<NotedLaunch> take_kept_launches();

bool describe_kernel(int i, CudaKernelInfo* info);

template <class Kernel>
const void* pointer_of(Kernel kernel) {
  return reinterpret_cast<const void*>(kernel);
}

/// Launches a kernel on the stream and notes it.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, int n_threads, int64_t n_shared_bytes,
            const Arguments&... arguments) {
  note_launch({pointer_of(kernel), static_cast<int>(grid.x * grid.y), n_threads, n_shared_bytes});
  kernel<<<grid, static_cast<unsigned>(n_threads), static_cast<size_t>(n_shared_bytes), stream()>>>(
      arguments...);
}

}  // namespace spikelane::cuda
