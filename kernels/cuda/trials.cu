// Launches of the trial kernels, and how they are cut.
#include <algorithm>

#include "kernels/cuda/memory.cuh"

namespace spikelane::cuda {

static int machine_of(Layout layout, const CudaGrid& grid) {
  if (layout == Layout::kSampleLanes) return 0;
  return grid.n_teams_per_block > 1 ? 1 : 2;
}
static const TrialKernel trial_kernels[] = {sample_lane_trials(false), warp_trials(false),
                                            block_trials(false)};
static const TrialKernel recording_kernels[] = {sample_lane_trials(true), warp_trials(true),
                                                block_trials(true)};
static const EpisodeKernel episode_kernels[] = {sample_lane_episodes(), warp_episodes(),
                                                block_episodes()};

static const NamedKernel named_kernels[] = {
    {"trials, sample lanes", pointer_of(trial_kernels[0])},
    {"trials, a row a warp", pointer_of(trial_kernels[1])},
    {"trials, a row a block", pointer_of(trial_kernels[2])},
    {"recorded trials, sample lanes", pointer_of(recording_kernels[0])},
    {"recorded trials, a row a warp", pointer_of(recording_kernels[1])},
    {"recorded trials, a row a block", pointer_of(recording_kernels[2])},
    {"episodes, sample lanes", pointer_of(episode_kernels[0])},
    {"episodes, a row a warp", pointer_of(episode_kernels[1])},
    {"episodes, a row a block", pointer_of(episode_kernels[2])}};

const char* plan_trials(Layout layout, int is_closed_loop, int n_largest, int n_members,
                        int n_tiles, int64_t n_block_floats, int64_t n_table_floats, CudaGrid* grid,
                        int* has_shared_block, int* has_shared_table) {
  int device = 0, n_most_shared = 0, n_multiprocessors = 0, n_all_shared = 0, n_reserved = 0;
  if (const char* error = text_of(cudaGetDevice(&device), "choosing a device")) return error;
  cudaDeviceGetAttribute(&n_most_shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  cudaDeviceGetAttribute(&n_all_shared, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device);
  cudaDeviceGetAttribute(&n_reserved, cudaDevAttrReservedSharedMemoryPerBlock, device);
  cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device);
  if (layout == Layout::kSampleLanes) {
    // tiles of one member share a block: whole warps of them, up to eight
    const int n_teams = std::min(kMaxTeams, (n_tiles + 1) / 2 * 2);
    grid->n_teams_per_block = n_teams;
    grid->n_threads = 16 * n_teams;
  } else if (n_largest <= 32) {
    grid->n_teams_per_block = std::max(2, std::min(4, n_tiles));
    grid->n_threads = 32 * grid->n_teams_per_block;
  } else {
    grid->n_teams_per_block = 1;
    grid->n_threads = std::min(256, (n_largest + 31) / 32 * 32);
  }
  const int machine = machine_of(layout, *grid);
  const void* kernel =
      is_closed_loop ? pointer_of(episode_kernels[machine]) : pointer_of(trial_kernels[machine]);
  cudaFuncAttributes attributes;
  if (const char* error =
          text_of(cudaFuncGetAttributes(&attributes, kernel), "asking for a kernel's attributes"))
    return error;
  // what costs no block that registers and threads leave room for; a quarter of what a block may
  // have costs few
  int n_resident = 0;
  if (const char* error = text_of(
          cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n_resident, kernel, grid->n_threads, 0),
          "counting resident blocks"))
    return error;
  const int64_t n_share =
      std::min(n_most_shared, n_all_shared / std::max(1, n_resident) - n_reserved);
  const int64_t n_room = std::max<int64_t>(
      n_most_shared / 4, n_share - static_cast<int64_t>(attributes.sharedSizeBytes));
  const int64_t n_block = n_block_floats * 4,
                n_tables = n_table_floats * 4 * grid->n_teams_per_block;
  *has_shared_block = n_block <= n_room;
  int64_t n_shared = *has_shared_block ? n_block : 0;
  *has_shared_table = n_shared + n_tables <= n_room;
  if (*has_shared_table) n_shared += n_tables;
  grid->n_shared_bytes = static_cast<int>(n_shared);
  for (const void* asking : {kernel, pointer_of(recording_kernels[machine])})
    if (const char* error =
            text_of(cudaFuncSetAttribute(asking, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         static_cast<int>(n_room)),
                    "asking for shared memory"))
      return error;
  if (const char* error = text_of(
          cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n_resident, kernel, grid->n_threads,
                                                        static_cast<size_t>(grid->n_shared_bytes)),
          "counting resident blocks"))
    return error;
  const int64_t n_cuts = (n_tiles + grid->n_teams_per_block - 1) / grid->n_teams_per_block;
  const int64_t n_wanted = static_cast<int64_t>(n_members) * n_cuts;
  // as many blocks as run at once: each has scratch of its own and takes one item after another
  grid->n_blocks = static_cast<int>(std::min<int64_t>(
      n_wanted, static_cast<int64_t>(std::max(1, n_resident)) * n_multiprocessors));
  return nullptr;
}

const char* run_trials(Layout layout, int records, const CudaTrialArgs* args,
                       const CudaGrid* grid) {
  const auto& kernels = records ? recording_kernels : trial_kernels;
  launch(kernels[machine_of(layout, *grid)], grid->n_blocks, grid->n_threads, grid->n_shared_bytes,
         args);
  return text_of(cudaGetLastError(), "launching trials");
}

const char* run_episodes(Layout layout, const CudaTrialArgs* args, const CudaEpisodeArgs* loop,
                         const CudaGrid* grid) {
  launch(episode_kernels[machine_of(layout, *grid)], grid->n_blocks, grid->n_threads,
         grid->n_shared_bytes, args, *loop);
  return text_of(cudaGetLastError(), "launching episodes");
}

}  // namespace spikelane::cuda
