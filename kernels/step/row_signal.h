// Neuron lanes: who fired, as a list of indices made from the bits that the State keeps.
#pragma once

#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

struct UnitRange {
  const int32_t *begin, *end;
};

inline const float* dense_input(const Tile& tile, int n_inputs, int t) {
  return tile.input->dense + static_cast<int64_t>(t - tile.input->first_step) * n_inputs;
}

/// The units whose spikes `projection` carries into step t, ascending.
inline UnitRange units_into(const Tile& tile, const ProjectionView& projection, int t) {
  if (projection.source == kInputSource) {
    const int32_t* begin = tile.input->step_begin + (t - tile.input->first_step);
    return {tile.input->units + begin[0], tile.input->units + begin[1]};
  }
  const int32_t* fired =
      tile.scratch->fired + static_cast<int64_t>(projection.source) * tile.scratch->fired_stride;
  return {fired, fired + tile.scratch->n_fired[projection.source]};
}

template <class Team>
void list_fired(const Team& team, const Tile& tile, int p) {
  const PopulationView& population = tile.plan->populations[p];
  const uint16_t* spikes = tile.masks(population.at.spikes);
  int32_t* fired = tile.scratch->fired + static_cast<int64_t>(p) * tile.scratch->fired_stride;
  int n_fired = 0;
  for (int i = 0; i < population.n_padded; i += kLanes)
    n_fired += team.list(fired + n_fired, spikes[i / kLanes], i);
  tile.scratch->n_fired[p] = n_fired;
}

}  // namespace spikelane::SPIKELANE_ISA
