// What the closed loop's kernel sees: plain structs, made by engine/run/episode_runner.
#pragma once

#include <stdint.h>

#include "kernels/step/observation_code.h"
#include "kernels/step/task_port.h"
#include "kernels/step/views.h"

namespace spikelane {

struct LoopView {
  TaskPort port;
  ObservationCode observation;
  ActionCode action;
  int control_steps;  // network steps of one control step
  int max_steps;      // control steps of an episode
};

/// Told of every control step of every episode, for pictures and records; may be null.
struct EpisodeWatch {
  void* watcher;
  /// `state` is the environment's after control step t, -1 right after the reset.
  void (*watch)(void* watcher, int episode, int t, const double* state, const float* action);
};

/// Episodes of one member: tile after tile, each lane an episode.
struct EpisodeArgs {
  TrialArgs
      trial;  // plan, parameters, n_tiles, first_tile, tiles, tile_stride, scratch, not_finite
  const LoopView* loop;
  void* world;
  RandomKey key;   // of all episodes; its `member` is the episode's number
  int n_episodes;  // of all tiles of this member; the last tile may be partly empty

  // working memory of one tile
  float* frames;        // (control_steps, I, lanes) the coded observation, once a network step
  double* states;       // (lanes, n_state)
  float* observations;  // (lanes, n_observations)
  float* actions;       // (lanes, n_actions)

  // (n_episodes) by the episode's number
  double* returns;
  int32_t* lengths;    // control steps
  uint8_t* ends;       // EpisodeEnd
  int64_t* n_spikes;   // (n_episodes, n_populations) spikes until the end, or null; needs counts
  EpisodeWatch watch;  // or nulls
};

}  // namespace spikelane
