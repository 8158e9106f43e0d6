// Neuron lanes, larger nets: a block takes an episode.
#include "tasks/control/episode_kernels.cuh"

namespace spikelane::cuda {

EpisodeKernel block_episodes() {
  return SPIKELANE_ISA::run_episodes_kernel<SPIKELANE_ISA::Block, Layout::kNeuronLanes>;
}

}  // namespace spikelane::cuda
