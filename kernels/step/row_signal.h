// Neuron lanes: who fired, as a list of indices made from the bits that the State keeps.
#pragma once

#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

struct UnitRange {
  const int32_t *begin, *end;
};

SPIKELANE_HD inline const float* dense_input(const Tile& tile, int n_inputs, int t) {
  return tile.input->dense + static_cast<int64_t>(t - tile.input->first_step) * n_inputs;
}

/// The units whose spikes `projection` carries into step t, ascending.
SPIKELANE_HD inline UnitRange units_into(const Tile& tile, const ProjectionView& projection,
                                         int t) {
  if (projection.source == kInputSource) {
    const int32_t* begin = tile.input->step_begin + (t - tile.input->first_step);
    return {tile.input->units + begin[0], tile.input->units + begin[1]};
  }
  const int32_t* fired =
      tile.scratch->fired + static_cast<int64_t>(projection.source) * tile.scratch->fired_stride;
  return {fired, fired + tile.scratch->n_fired[projection.source]};
}

template <class Team>
SPIKELANE_HD void list_fired(const Team& team, const Tile& tile, int p) {
  const PopulationView& population = tile.plan->populations[p];
  const uint16_t* spikes = tile.masks(population.at.spikes);
  int32_t* fired = tile.scratch->fired + static_cast<int64_t>(p) * tile.scratch->fired_stride;
  team.sync();
  const int n_fired = team.list_bits(fired, spikes, population.n_padded);
  if (team.is_leader()) tile.scratch->n_fired[p] = n_fired;
  team.sync();
}

}  // namespace spikelane::SPIKELANE_ISA
