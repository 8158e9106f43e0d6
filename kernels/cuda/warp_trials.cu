// Neuron lanes, small nets: a warp takes a row.
#include "kernels/cuda/trial_kernels.cuh"

namespace spikelane::cuda {

TrialKernel warp_trials() {
  return SPIKELANE_ISA::run_trials_kernel<SPIKELANE_ISA::Warp, Layout::kNeuronLanes>;
}

}  // namespace spikelane::cuda
