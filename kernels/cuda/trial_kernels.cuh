// The fused trial and the single step on CUDA: one launch for all members and tiles. A block takes
// one member at a time, whose parameters its threads draw or find, and its teams take that member's
// tiles; the phases are those of kernels/step.
#pragma once

#include "kernels/cuda/cuda_machines.cuh"
#include "kernels/cuda/draw_member.cuh"
#include "kernels/cuda/memory.cuh"
#include "kernels/step/lane_workers.h"
#include "kernels/step/trial.h"

namespace spikelane::SPIKELANE_ISA {

/// Calls run(team, i_team, slot, member, trial) for each tile of each member, with the member's
/// parameters in place; `slot` numbers the teams of the grid.
template <class Machine, Layout kLayout, class Run>
__device__ __forceinline__ void take_tiles(const CudaTrialArgs& a, const Run& run) {
  extern __shared__ __align__(64) char shared[];
  __shared__ ScratchView scratches[cuda::kMaxTeams];
  __shared__ TrialArgs trials[cuda::kMaxTeams];
  const LaneWorkers<Machine> team;
  const PlanView& plan = *a.plan;
  const int n_workers = team.n_workers();
  const int i_team = static_cast<int>(threadIdx.x) / n_workers;
  const int n_teams = static_cast<int>(blockDim.x) / n_workers;
  const int slot = static_cast<int>(blockIdx.x) * n_teams + i_team;

  const bool draws = a.blocks == nullptr;
  auto* block = reinterpret_cast<float*>(shared);
  int64_t n_shared_floats = 0;
  if (draws && a.block_slots)
    block = a.block_slots + blockIdx.x * a.block_stride;
  else if (draws)
    n_shared_floats = a.block_stride;
  if (team.is_leader()) {
    scratches[i_team] = a.scratch[slot];
    if (a.n_table_floats > 0)
      scratches[i_team].table = reinterpret_cast<float*>(shared) + n_shared_floats +
                                static_cast<int64_t>(i_team) * a.n_table_floats;
  }
  const int n_lanes = kLayout == Layout::kSampleLanes ? kLanes : 1;
  const int n_cuts = (a.n_tiles + n_teams - 1) / n_teams;
  int drawn = -1;
  // members times cuts may pass 32 bits, and dividing 64 takes many registers: both are kept
  int cut = static_cast<int>(blockIdx.x), member = 0;
  for (;; cut += static_cast<int>(gridDim.x)) {
    member += cut / n_cuts;
    cut %= n_cuts;
    if (member >= a.n_members) break;
    const int i_tile = cut * n_teams + i_team;
    if (draws && drawn != member) {
      __syncthreads();
      draw_member(a.members, a.first_member + member, a.n_block_floats, block);
      __syncthreads();
      drawn = member;
    }
    if (i_tile >= a.n_tiles) continue;  // whole teams: the block meets only where all are
    const int64_t i_item = static_cast<int64_t>(member) * a.n_tiles + i_tile;
    team.sync();
    if (team.is_leader()) {
      const int64_t first_sample = static_cast<int64_t>(i_tile) * n_lanes;
      const int64_t at = static_cast<int64_t>(member) * a.n_samples + first_sample;
      const int n_outputs = plan.populations[plan.output].n;
      a.not_finite[i_item].population = -1;
      trials[i_team] = {
          a.plan,
          draws ? block : a.blocks + member * a.block_stride,
          a.shared,
          a.inputs + (a.has_own_inputs ? i_item : i_tile),
          1,
          a.t_begin,
          a.t_end,
          i_tile,
          a.resets,
          a.scores,
          a.tiles ? a.tiles + i_item * plan.tile_bytes : a.tile_slots + slot * plan.tile_bytes,
          plan.tile_bytes,
          &scratches[i_team],
          a.labels ? a.labels + first_sample : nullptr,
          a.losses + at,
          a.is_correct + at,
          a.logits ? a.logits + at * n_outputs : nullptr,
          a.not_finite + i_item,
          a.record,
          at};
    }
    team.sync();
    run(team, i_team, slot, member, trials[i_team]);
    team.sync();
    if (team.is_leader() && a.not_finite[i_item].population >= 0)
      atomicMin(a.first_not_finite, static_cast<unsigned long long>(i_item));
  }
}

// those that record are kernels of their own, so that the others have no register less for it
template <class Machine, Layout kLayout, bool kRecords>
__global__ void __launch_bounds__(256, kRecords ? 1 : 2)
    run_trials_kernel(const CudaTrialArgs* args) {
  take_tiles<Machine, kLayout>(*args, [](const auto& team, int, int, int, const TrialArgs& trial) {
    run_tile<kLayout, kRecords>(team, trial, 0, 0);
  });
}

template <class Machine, Layout kLayout>
cuda::TrialKernel find_trial_kernel(bool records) {
  return records ? run_trials_kernel<Machine, kLayout, true>
                 : run_trials_kernel<Machine, kLayout, false>;
}

}  // namespace spikelane::SPIKELANE_ISA
