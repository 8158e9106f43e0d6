// Neuron lanes, small nets: a warp takes a row.
#include "kernels/cuda/trial_kernels.cuh"

namespace spikelane::cuda {

TrialKernel warp_trials(bool records) {
  return SPIKELANE_ISA::find_trial_kernel<SPIKELANE_ISA::Warp, Layout::kNeuronLanes>(records);
}

}  // namespace spikelane::cuda
