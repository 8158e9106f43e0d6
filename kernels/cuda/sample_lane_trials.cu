// Sample lanes: a half-warp takes a tile of 16 samples.
#include "kernels/cuda/trial_kernels.cuh"

namespace spikelane::cuda {

TrialKernel sample_lane_trials() {
  return SPIKELANE_ISA::run_trials_kernel<SPIKELANE_ISA::HalfWarp, Layout::kSampleLanes>;
}

}  // namespace spikelane::cuda
