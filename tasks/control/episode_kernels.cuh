// Closed loops with the built-in environments on CUDA: whole episodes in one launch, cut as trials
// are; a tile's lanes are episodes.
#pragma once

#include "kernels/cuda/trial_kernels.cuh"
#include "kernels/step/episode.h"
#include "tasks/control/environments.h"

namespace spikelane::SPIKELANE_ISA {

struct BuiltInCalls {
  BuiltIn environment;
  __device__ void reset(const EpisodeArgs& args, const RandomKey& key, double* state,
                        float* observation) const {
    const TaskPort& port = args.loop->port;
    if (environment == BuiltIn::kCartpole)
      reset_cartpole(port, nullptr, key, state, observation);
    else
      reset_pendulum(port, nullptr, key, state, observation);
  }
  __device__ StepOutcome step(const EpisodeArgs& args, const float* action, double* state,
                              float* observation) const {
    const TaskPort& port = args.loop->port;
    if (environment == BuiltIn::kCartpole)
      return step_cartpole_row(port, nullptr, action, state, observation);
    return step_pendulum_row(port, nullptr, action, state, observation);
  }
  __device__ void watch(const EpisodeArgs&, int, int, int) const {}
};

template <class Machine, Layout kLayout>
__global__ void __launch_bounds__(256, 1)
    run_episodes_kernel(const CudaTrialArgs* args, CudaEpisodeArgs loop) {
  __shared__ EpisodeArgs episodes[cuda::kMaxTeams];
  const CudaTrialArgs& a = *args;
  take_tiles<Machine, kLayout>(
      a, [&](const auto& team, int i_team, int slot, int member, const TrialArgs& trial) {
        EpisodeArgs& e = episodes[i_team];
        const TaskPort& port = loop.loop->port;
        const int n_lanes = kLayout == Layout::kSampleLanes ? kLanes : 1;
        const int64_t first = static_cast<int64_t>(member) * a.n_samples;
        if (team.is_leader()) {
          e.trial = trial;
          e.loop = loop.loop;
          e.world = nullptr;
          e.key = loop.key;
          e.n_episodes = a.n_samples;
          e.frames = loop.frames + slot * loop.n_frame_floats;
          e.states = loop.states + static_cast<int64_t>(slot) * n_lanes * port.n_state;
          e.observations =
              loop.observations + static_cast<int64_t>(slot) * n_lanes * port.n_observations;
          e.actions = loop.actions + static_cast<int64_t>(slot) * n_lanes * port.n_actions;
          e.returns = a.losses + first;
          e.lengths = loop.lengths + first;
          e.ends = loop.ends + first;
          e.n_spikes = loop.n_spikes ? loop.n_spikes + first * a.plan->n_populations : nullptr;
          e.watch = {};
        }
        team.sync();
        run_episode_tile<kLayout>(team, e, BuiltInCalls{static_cast<BuiltIn>(loop.built_in)}, 0);
        // the worker that has added up a return makes a loss of it
        const int begin = e.trial.first_tile * n_lanes;
        for (int l = team.worker(); l < n_lanes && begin + l < a.n_samples; l += team.n_workers())
          e.returns[begin + l] = -e.returns[begin + l];
      });
}

}  // namespace spikelane::SPIKELANE_ISA
