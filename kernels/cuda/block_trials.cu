// Neuron lanes, larger nets: a block takes a row.
#include "kernels/cuda/trial_kernels.cuh"

namespace spikelane::cuda {

TrialKernel block_trials(bool records) {
  return SPIKELANE_ISA::find_trial_kernel<SPIKELANE_ISA::Block, Layout::kNeuronLanes>(records);
}

}  // namespace spikelane::cuda
