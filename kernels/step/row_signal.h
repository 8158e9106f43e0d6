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

/// What one delay brings into step t: units, ascending, and what they sent, or null for spikes.
struct Heard {
  const int32_t *begin, *end;
  const float* values;
};

/// Where step t of a ring lies in the tile.
SPIKELANE_HD inline int64_t slot_of(const KeptSpikes& kept, int t) {
  return kept.at + (t & (kept.n_slots - 1)) * kept.stride;
}

/// Whether the input's list of a step is still there, so that nothing need be listed again.
SPIKELANE_HD inline bool has_input_list(const Tile& tile, int t) {
  return tile.input->step_begin && t >= tile.input->first_step;
}

SPIKELANE_HD inline Heard heard_through(const Tile& tile, const ProjectionView& projection, int k,
                                        int t) {
  const int t_sent = t - projection.delays[k].steps;
  const float* values = nullptr;
  if (projection.source == kInputSource) {
    if (has_input_list(tile, t_sent)) {
      const UnitRange fired = units_into(tile, projection, t_sent);
      return {fired.begin, fired.end, nullptr};
    }
    values = tile.floats(slot_of(tile.plan->kept_input, t_sent));
  }
  const int list = projection.first_heard + k;
  const int32_t* units = tile.scratch->heard + list * tile.scratch->heard_stride;
  return {units, units + tile.scratch->heard_end[list], values};
}

/// The input of step t into its ring.
template <class Team>
SPIKELANE_HD void keep_input(const Team& team, const Tile& tile, int t) {
  const PlanView& plan = *tile.plan;
  float* slot = tile.floats(slot_of(plan.kept_input, t));
  const bool is_dense = tile.input->dense != nullptr;
  const float* x = is_dense ? dense_input(tile, plan.n_inputs, t) : nullptr;
  SPIKELANE_ROLLED
  for (int j = team.worker(); j < plan.n_inputs; j += team.n_workers())
    slot[j] = is_dense ? x[j] : 0.0f;
  team.sync();
  if (!is_dense) {
    const int32_t* begin = tile.input->step_begin + (t - tile.input->first_step);
    SPIKELANE_ROLLED
    for (int k = begin[0] + team.worker(); k < begin[1]; k += team.n_workers())
      slot[tile.input->units[k]] = 1.0f;
    team.sync();
  }
}

/// Lists what population p hears late in step t.
template <class Team>
SPIKELANE_HD void list_heard(const Team& team, const Tile& tile, int p, int t) {
  const PlanView& plan = *tile.plan;
  const PopulationView& population = plan.populations[p];
  team.sync();
  SPIKELANE_ROLLED
  for (int q = 0; q < population.n_projections; ++q) {
    const ProjectionView& projection = population.projections[q];
    SPIKELANE_ROLLED
    for (int k = 0; k < projection.n_delays; ++k) {
      const int t_sent = t - projection.delays[k].steps;
      const int list = projection.first_heard + k;
      int32_t* units = tile.scratch->heard + list * tile.scratch->heard_stride;
      int n = 0;
      if (projection.source != kInputSource) {
        const PopulationView& source = plan.populations[projection.source];
        n = team.list_bits(units, tile.masks(slot_of(source.kept, t_sent)), source.n_padded);
      } else if (has_input_list(tile, t_sent)) {
        continue;
      } else if (team.is_leader()) {
        const float* x = tile.floats(slot_of(plan.kept_input, t_sent));
        SPIKELANE_ROLLED
        for (int j = 0; j < plan.n_inputs; ++j)
          if (x[j] != 0.0f) units[n++] = j;
      }
      if (team.is_leader()) tile.scratch->heard_end[list] = n;
    }
  }
  team.sync();
}

/// The spikes of step t of population p into its ring.
template <class Team>
SPIKELANE_HD void keep_spikes(const Team& team, const Tile& tile, int p, int t) {
  const PopulationView& population = tile.plan->populations[p];
  const uint16_t* spikes = tile.masks(population.at.spikes);
  uint16_t* slot = tile.masks(slot_of(population.kept, t));
  team.sync();
  SPIKELANE_ROLLED
  for (int i = team.worker(); i < population.n_padded / kLanes; i += team.n_workers())
    slot[i] = spikes[i];
  team.sync();
}

}  // namespace spikelane::SPIKELANE_ISA
