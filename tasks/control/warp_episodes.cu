// Neuron lanes, small nets: a warp takes an episode.
#include "tasks/control/episode_kernels.cuh"

namespace spikelane::cuda {

EpisodeKernel warp_episodes() {
  return SPIKELANE_ISA::run_episodes_kernel<SPIKELANE_ISA::Warp, Layout::kNeuronLanes>;
}

}  // namespace spikelane::cuda
