// What a spiking output leaves behind for the loss, in both layouts.
#pragma once

#include "kernels/core/lanes.h"
#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

/// What the loss wants to know of a spiking output beside its final membrane; memory, not
/// registers. `at_vector` is where the vector lies in its field, in floats: 16 samples of one
/// neuron, or 16 neurons of one row.
template <class Team>
SPIKELANE_INLINE void observe(const Team& team, const Tile& tile, const PopulationView& population,
                              int at_vector, int t, typename Team::F v, typename Team::Mask s) {
  const FieldOffsets& at = population.at;
  const auto one = team.broadcast(1.0f);
  if (at.n_spikes >= 0) {
    float* p = tile.floats(at.n_spikes) + at_vector;
    team.store(p, add_where(s, team.load(p), one));
  }
  if (at.first_spike >= 0) {
    float* p = tile.floats(at.first_spike) + at_vector;
    const auto now = select(s, team.broadcast(static_cast<float>(t)), team.broadcast(kNeverFired));
    team.store(p, min(team.load(p), now));
  }
  if (at.v_max >= 0) {
    float* p = tile.floats(at.v_max) + at_vector;
    team.store(p, max(team.load(p), v));
  }
  if (at.v_sum >= 0 && t >= tile.plan->n_steps - tile.plan->window) {
    float* p = tile.floats(at.v_sum) + at_vector;
    team.store(p, team.load(p) + v);
  }
}

}  // namespace spikelane::SPIKELANE_ISA
