// Sample lanes: a half-warp takes a tile of 16 samples.
#include "kernels/cuda/trial_kernels.cuh"

namespace spikelane::cuda {

TrialKernel sample_lane_trials(bool records) {
  return SPIKELANE_ISA::find_trial_kernel<SPIKELANE_ISA::HalfWarp, Layout::kSampleLanes>(records);
}

}  // namespace spikelane::cuda
