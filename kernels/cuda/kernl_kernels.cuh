// KeRNL and e-prop on CUDA: a block takes a part of the batch, whose samples follow one another, so
// that a weight's sum has the order of the CPU. The phases are those of kernels/step.
#pragma once

#include "kernels/cuda/cuda_machines.cuh"
#include "kernels/cuda/kernl_args.h"
#include "kernels/step/kernl_online.h"
#include "kernels/step/kernl_parts.h"
#include "kernels/step/lane_workers.h"

namespace spikelane::SPIKELANE_ISA {

__global__ void __launch_bounds__(256, 2) run_kernl_trials_kernel(CudaKernlTrialArgs args) {
  __shared__ ScratchView scratch;
  __shared__ KernlTrialArgs part_args;
  const LaneWorkers<Block> team;
  const PlanView& plan = *args.batch.trial.plan;
  const auto i_block = static_cast<int>(blockIdx.x);
  if (team.is_leader()) {
    scratch = args.scratch[i_block];
    scratch.histories = args.histories + i_block * plan.n_populations;
  }
  for (int i = i_block; i < args.n_parts; i += static_cast<int>(gridDim.x)) {
    const int part = args.first_part + i;
    float* gradient = args.gradients + i * args.stride;
    int32_t* n_spikes = args.n_spikes + int64_t{part} * args.n_neurons;
    for (int64_t at = team.worker(); at < args.stride; at += team.n_workers()) gradient[at] = 0.0f;
    for (int at = team.worker(); at < args.n_neurons; at += team.n_workers()) n_spikes[at] = 0;
    team.sync();
    if (team.is_leader()) {
      const int begin = part * args.n_samples_of_part;
      const int n_left = args.batch.trial.n_tiles - begin;
      const int n = n_left < args.n_samples_of_part ? n_left : args.n_samples_of_part;
      part_args = part_of(args.batch, begin, begin + n);
      part_args.trial.tiles = args.tiles + i_block * plan.tile_bytes;
      part_args.trial.scratch = &scratch;
      part_args.trial.not_finite = args.not_finite + part;
      part_args.trial.not_finite->population = -1;
      part_args.kernl = args.kernl + i_block;
      part_args.gradient = gradient;
      part_args.n_spikes = n_spikes;
    }
    team.sync();
    run_kernl_trials(team, part_args);
  }
}

// needs a few registers more than half a multiprocessor leaves
__global__ void __launch_bounds__(256, 1) run_kernl_online_kernel(CudaKernlOnlineArgs args) {
  __shared__ KernlOnlineArgs part_args;
  const LaneWorkers<Block> team;
  const auto i_block = static_cast<int>(blockIdx.x);
  for (int i = i_block; i < args.n_parts; i += static_cast<int>(gridDim.x)) {
    const int part = args.first_part + i;
    team.sync();
    if (team.is_leader()) {
      const int begin = part * args.n_rows_of_part;
      const int n_left = args.batch.trial.n_tiles - begin;
      const int n = n_left < args.n_rows_of_part ? n_left : args.n_rows_of_part;
      part_args = part_of(args.batch, begin, begin + n);
      part_args.trial.scratch = args.scratch + i_block;
      part_args.trial.not_finite = args.not_finite + part;  // stays from the reset on
      part_args.kernl = args.kernl + i_block;
      part_args.online = args.online + i_block;
      part_args.gradient = args.gradients + part * args.stride;
    }
    team.sync();
    run_kernl_online(team, part_args);
  }
}

__global__ void __launch_bounds__(256) sum_parts_kernel(CudaPartSumArgs args) {
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < args.stride;
       i += int64_t{gridDim.x} * blockDim.x) {
    double sum = args.is_first ? 0.0 : args.sums[i];
    for (int part = 0; part < args.n_parts; ++part)
      sum += static_cast<double>(args.parts[part * args.stride + i]);
    args.sums[i] = sum;
  }
}

}  // namespace spikelane::SPIKELANE_ISA
