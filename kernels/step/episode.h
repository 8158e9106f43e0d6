// Closed loops, fused: network and environment stepped in one call, a tile of episodes at a time.
//
//     reset --> observe --> encode --> [ control_steps network steps ] --> readout --> action
//                  ^                                                                     |
//                  +------------------------ environment <-------------------------------+
//
// An episode whose environment has ended keeps its lane until the last of its tile has: its network
// is stepped on with the last observation and nobody looks at it. So an episode's result hangs on
// nothing but its member, its number and the update.
#pragma once

#include "kernels/step/episode_view.h"
#include "kernels/step/neuron_lanes.h"
#include "kernels/step/observation_code.h"
#include "kernels/step/sample_lanes.h"
#include "kernels/step/trial.h"

namespace spikelane::SPIKELANE_ISA {

/// The environment as the host has it: what the port's pointers lead to.
struct PortCalls {
  void reset(const EpisodeArgs& args, const RandomKey& key, double* state,
             float* observation) const {
    args.loop->port.reset(args.loop->port, args.world, key, state, observation);
  }
  StepOutcome step(const EpisodeArgs& args, const float* action, double* state,
                   float* observation) const {
    return args.loop->port.step(args.loop->port, args.world, action, state, observation);
  }
  void watch(const EpisodeArgs& args, int l, int episode, int t) const {
    if (args.watch.watch)
      args.watch.watch(args.watch.watcher, episode, t, args.states + l * args.loop->port.n_state,
                       args.actions + l * args.loop->port.n_actions);
  }
};

/// The coded observation of lane `l` into the first frame.
SPIKELANE_HD inline void write_frame(const EpisodeArgs& args, int stride, int l) {
  const LoopView& loop = *args.loop;
  encode_observation(loop.observation, args.observations + l * loop.port.n_observations,
                     args.frames + l, stride);
}

/// Spikes of lane `l` since the reset, of each population.
SPIKELANE_HD inline void count_spikes(const EpisodeArgs& args, const Tile& tile, int stride, int l,
                                      int episode) {
  const PlanView& plan = *tile.plan;
  for (int p = 0; p < plan.n_populations; ++p) {
    const PopulationView& population = plan.populations[p];
    int64_t sum = 0;
    if (population.at.n_spikes >= 0) {
      const float* n = tile.floats(population.at.n_spikes);
      for (int i = 0; i < population.n; ++i) sum += static_cast<int64_t>(n[i * stride + l]);
    }
    args.n_spikes[int64_t{episode} * plan.n_populations + p] = sum;
  }
}

/// What an episode's lane does after the network's part of control step `c`.
template <class Calls>
SPIKELANE_HD void step_environment(const EpisodeArgs& args, const Calls& calls, const Tile& tile,
                                   int stride, int l, int episode, int c) {
  const LoopView& loop = *args.loop;
  const PopulationView& output = tile.plan->populations[tile.plan->output];
  float* action = args.actions + l * loop.port.n_actions;
  decode_action(loop.action, tile.floats(output.at.v) + l, stride, action);
  const StepOutcome outcome = calls.step(args, action, args.states + l * loop.port.n_state,
                                         args.observations + l * loop.port.n_observations);
  if (outcome.end != EpisodeEnd::kUnstable) args.returns[episode] += outcome.reward;
  args.lengths[episode] = c + 1;
  args.ends[episode] = static_cast<uint8_t>(outcome.end);
  calls.watch(args, l, episode, c);
}

/// The lanes whose episodes go on, known to all workers.
template <class Team>
SPIKELANE_HD uint32_t running_lanes(const Team& team, const EpisodeArgs& args, int first,
                                    int n_lanes) {
  uint32_t lanes = 0;
  team.sync();
  for (int l = 0; l < n_lanes; ++l)
    if (args.ends[first + l] == static_cast<uint8_t>(EpisodeEnd::kGoesOn)) lanes |= 1u << l;
  return lanes;
}

template <Layout kLayout, class Team, class Calls>
SPIKELANE_HD void run_episode_tile(const Team& team, const EpisodeArgs& args, const Calls& calls,
                                   int i_tile) {
  const TrialArgs& trial = args.trial;
  const PlanView& plan = *trial.plan;
  const LoopView& loop = *args.loop;
  constexpr int stride = kLayout == Layout::kSampleLanes ? kLanes : 1;
  const int first = (trial.first_tile + i_tile) * stride;
  const int n_left = args.n_episodes - first, n_lanes = n_left < stride ? n_left : stride;
  InputView input{};
  input.dense = args.frames;
  input.n_lanes = n_lanes;
  Tile tile{&plan,
            trial.shared ? trial.shared : trial.parameters,
            trial.parameters,
            &input,
            trial.scratch,
            trial.tiles + i_tile * trial.tile_stride,
            trial.not_finite,
            trial.first_tile + i_tile,
            0};
  reset_tile(team, plan, tile.memory);
  const int64_t n_frame = int64_t{plan.n_inputs} * stride;
  for (int64_t i = team.worker(); i < n_frame; i += team.n_workers()) args.frames[i] = 0.0f;
  for (int l = team.worker(); l < n_lanes; l += team.n_workers()) {
    RandomKey key = args.key;
    key.member = static_cast<uint32_t>(first + l);
    calls.reset(args, key, args.states + l * loop.port.n_state,
                args.observations + l * loop.port.n_observations);
    args.returns[first + l] = 0.0;
    args.ends[first + l] = static_cast<uint8_t>(EpisodeEnd::kGoesOn);
    for (int k = 0; k < loop.port.n_actions; ++k) args.actions[l * loop.port.n_actions + k] = 0.0f;
    calls.watch(args, l, first + l, -1);
  }
  uint32_t is_running = running_lanes(team, args, first, n_lanes);
  int t = 0;
  for (int c = 0; c < loop.max_steps && is_running != 0; ++c) {
    for (int l = team.worker(); l < n_lanes; l += team.n_workers())
      if ((is_running >> l) & 1u) write_frame(args, stride, l);
    team.sync();
    for (int k = 1; k < loop.control_steps; ++k)
      for (int64_t i = team.worker(); i < n_frame; i += team.n_workers())
        args.frames[k * n_frame + i] = args.frames[i];
    team.sync();
    input.first_step = t;
    if constexpr (kLayout == Layout::kSampleLanes)
      run_window(team, tile, t, t + loop.control_steps);
    else
      run_row_window(team, tile, t, t + loop.control_steps);
    t += loop.control_steps;
    team.sync();
    for (int l = team.worker(); l < n_lanes; l += team.n_workers()) {
      if (!((is_running >> l) & 1u)) continue;
      step_environment(args, calls, tile, stride, l, first + l, c);
      const bool has_ended = args.ends[first + l] != static_cast<uint8_t>(EpisodeEnd::kGoesOn);
      if (args.n_spikes && (has_ended || c + 1 == loop.max_steps))
        count_spikes(args, tile, stride, l, first + l);
    }
    is_running = running_lanes(team, args, first, n_lanes);
  }
}

template <class Team>
void run_episodes(const Team& team, const EpisodeArgs& args) {
  const PortCalls calls;
  for (int i = 0; i < args.trial.n_tiles; ++i)
    if (args.trial.plan->layout == Layout::kSampleLanes)
      run_episode_tile<Layout::kSampleLanes>(team, args, calls, i);
    else
      run_episode_tile<Layout::kNeuronLanes>(team, args, calls, i);
}

}  // namespace spikelane::SPIKELANE_ISA
