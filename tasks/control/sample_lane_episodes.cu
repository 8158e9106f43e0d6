// Sample lanes: a half-warp takes 16 episodes.
#include "tasks/control/episode_kernels.cuh"

namespace spikelane::cuda {

EpisodeKernel sample_lane_episodes() {
  return SPIKELANE_ISA::run_episodes_kernel<SPIKELANE_ISA::HalfWarp, Layout::kSampleLanes>;
}

}  // namespace spikelane::cuda
