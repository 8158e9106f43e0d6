// Neuron lanes, larger nets: a block takes a row.
#include "kernels/cuda/trial_kernels.cuh"

namespace spikelane::cuda {

TrialKernel block_trials() {
  return SPIKELANE_ISA::run_trials_kernel<SPIKELANE_ISA::Block, Layout::kNeuronLanes>;
}

}  // namespace spikelane::cuda
