// Neuron lanes: one row at a time, neurons of a population side by side, all populations at t
// before t + 1. Spikes are a list; each adds one weight row to the currents, which stay in
// registers for a block of neurons until the membrane has been stepped.
//
//   for t:  for each population:  rows of who fired -> currents -> membrane -> spikes -> list
//
// Padding lanes (n .. n_padded) are computed and never looked at.
#pragma once

#include "kernels/step/cells.h"
#include "kernels/step/low_rank.h"
#include "kernels/step/row_readout.h"
#include "kernels/step/row_signal.h"
#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

/// c' of the projections of population p in step t, for all its neurons.
template <class Team>
SPIKELANE_HD void sum_factor_rows(const Team& team, const Tile& tile, int p, int t) {
  const PopulationView& population = tile.plan->populations[p];
  team.sync();  // the sums of the population before have been read
  SPIKELANE_ROLLED
  for (int q = 0; q < population.n_projections; ++q) {
    const ProjectionView& projection = population.projections[q];
    if (!has_low_rank(tile, projection)) continue;
    const Factors factors(tile, projection);
    float* c = tile.scratch->factor_sums + q * factors.rank;
    const int first = team.worker(), stride = team.n_workers();
    SPIKELANE_ROLLED
    for (int k = first; k < factors.rank; k += stride) c[k] = 0.0f;
    if (projection.n_delays > 0) {
      SPIKELANE_ROLLED
      for (int d = 0; d < projection.n_delays; ++d) {
        const Heard heard = heard_through(tile, projection, d, t);
        SPIKELANE_ROLLED
        for (const int32_t* unit = heard.begin; unit != heard.end; ++unit) {
          const int64_t row = projection.delays[d].first_row + *unit;
          const float x = heard.values ? heard.values[*unit] : 1.0f;
          SPIKELANE_ROLLED
          for (int k = first; k < factors.rank; k += stride)
            c[k] = fma(x, factors.b[row * factors.rank + k], c[k]);
        }
      }
    } else if (projection.source == kInputSource && tile.input->dense) {
      const float* x = dense_input(tile, projection.n_pre, t);
      SPIKELANE_ROLLED
      for (int j = 0; j < projection.n_pre; ++j) SPIKELANE_ROLLED
      for (int k = first; k < factors.rank; k += stride)
        c[k] = fma(x[j], factors.b[static_cast<int64_t>(j) * factors.rank + k], c[k]);
    } else {
      const UnitRange fired = units_into(tile, projection, t);
      SPIKELANE_ROLLED
      for (const int32_t* unit = fired.begin; unit != fired.end; ++unit) SPIKELANE_ROLLED
      for (int k = first; k < factors.rank; k += stride)
        c[k] = c[k] + factors.b[static_cast<int64_t>(*unit) * factors.rank + k];
    }
    SPIKELANE_ROLLED
    for (int k = first; k < factors.rank; k += stride) c[k] = factors.scale * c[k];
  }
  team.sync();
}

/// The same of a projection with delays: the largest first, then presynaptic index ascending.
template <int kBlock, class Team>
SPIKELANE_INLINE void add_heard_rows(const Team& team, const Tile& tile,
                                     const ProjectionView& projection, int i, int t,
                                     typename Team::F* sum) {
  for (int d = 0; d < projection.n_delays; ++d) {
    const Heard heard = heard_through(tile, projection, d, t);
    const float* weights =
        tile.weights + projection.weight +
        static_cast<int64_t>(projection.delays[d].first_row) * projection.weight_stride + i;
    for (const int32_t* unit = heard.begin; unit != heard.end; ++unit) {
      const float* row = weights + static_cast<int64_t>(*unit) * projection.weight_stride;
      if (heard.values) {
        const auto x = team.broadcast(heard.values[*unit]);
        for (int k = 0; k < kBlock; ++k) sum[k] = fma(x, team.load(row + k * kLanes), sum[k]);
      } else {
        for (int k = 0; k < kBlock; ++k) sum[k] = sum[k] + team.load(row + k * kLanes);
      }
    }
  }
}

/// One projection's sum from the weights for kBlock groups of 16 neurons from i on.
template <int kBlock, class Team>
SPIKELANE_INLINE void add_weight_rows(const Team& team, const Tile& tile,
                                      const ProjectionView& projection, int i, int t,
                                      typename Team::F* sum) {
  const float* weights = tile.weights + projection.weight + i;
  for (int k = 0; k < kBlock; ++k) sum[k] = team.broadcast(0.0f);
  if (projection.n_delays > 0) {
    add_heard_rows<kBlock>(team, tile, projection, i, t, sum);
    return;
  }
  if (projection.source == kInputSource && tile.input->dense) {
    const float* x = dense_input(tile, projection.n_pre, t);
    for (int j = 0; j < projection.n_pre; ++j) {
      const float* row = weights + static_cast<int64_t>(j) * projection.weight_stride;
      const auto x_j = team.broadcast(x[j]);
      for (int k = 0; k < kBlock; ++k) sum[k] = fma(x_j, team.load(row + k * kLanes), sum[k]);
    }
    return;
  }
  const UnitRange fired = units_into(tile, projection, t);
  for (const int32_t* unit = fired.begin; unit != fired.end; ++unit) {
    const float* row = weights + static_cast<int64_t>(*unit) * projection.weight_stride;
    for (int k = 0; k < kBlock; ++k) sum[k] = sum[k] + team.load(row + k * kLanes);
  }
}

/// The same with the noise of the factors, and with the synaptic trace of the source, where there
/// are any.
template <int kBlock, class Team>
SPIKELANE_INLINE void add_drive_rows(const Team& team, const Tile& tile,
                                     const ProjectionView& projection, int i, int t,
                                     typename Team::F* drive) {
  add_weight_rows<kBlock>(team, tile, projection, i, t, drive);
  if (has_low_rank(tile, projection)) {
    const Factors factors(tile, projection);
    const float* c = tile.scratch->factor_sums + projection.place * factors.rank;
    add_factor_rows<kBlock>(team, factors, c, i, drive);
  }
  if (projection.at.drive >= 0)
    for (int k = 0; k < kBlock; ++k)
      drive[k] = drive_with(team, tile, projection, i + k * kLanes, t, drive[k]);
}

/// One step of kBlock groups of 16 spiking neurons from i on.
template <template <class, class> class Cell, int kBlock, class Team>
SPIKELANE_HD void step_spiking_rows(const Team& team, const Tile& tile, int p, int i, int t) {
  using F = typename Team::F;
  const PopulationView& population = tile.plan->populations[p];
  F current[kBlock], drive[kBlock];
  add_drive_rows<kBlock>(team, tile, population.projections[0], i, t, current);
  SPIKELANE_ROLLED
  for (int q = 1; q < population.n_projections; ++q) {
    add_drive_rows<kBlock>(team, tile, population.projections[q], i, t, drive);
    for (int k = 0; k < kBlock; ++k) current[k] = current[k] + drive[k];
  }
  if (population.bias >= 0)
    for (int k = 0; k < kBlock; ++k)
      current[k] = current[k] + team.load(tile.parameters + population.bias + i + k * kLanes);
  if (const CurrentTap* tap = tile.scratch->tap; tap && tap->population == p) {
    const int at = t % kFlushPeriod * population.n_padded + i;
    for (int k = 0; tap->kept && k < kBlock; ++k)
      team.store(tap->kept + at + k * kLanes, current[k]);
    for (int k = 0; tap->added && k < kBlock; ++k)
      current[k] = current[k] + team.load(tap->added + at + k * kLanes);
  }
  // the row's own spikes of the step before are read from their list, never from here
  uint16_t* spikes = tile.masks(population.at.spikes) + i / kLanes;
  for (int k = 0; k < kBlock; ++k) {
    const int i_group = i + k * kLanes;
    const NeuronPlace place{i_group};
    Cell<Team, NeuronPlace> cell;
    cell.load(team, tile, population, place);
    const auto s = cell.step(team, population, place, current[k]);
    if constexpr (Cell<Team, NeuronPlace>::kHasHistory)
      if (tile.scratch->histories) {
        const HistoryView& history = tile.scratch->histories[p];
        const int64_t at = int64_t{i_group} * history.window +
                           static_cast<int64_t>(t - history.first_step) * kLanes;
        team.store(history.h + at, cell.pseudo_derivative_of(history));
        if (history.s) team.store(history.s + at, cell.sent(team, population, s));
      }
    const int n_left = population.n - i_group;
    const uint32_t is_real = n_left >= kLanes ? 0xffffu : n_left <= 0 ? 0u : (1u << n_left) - 1u;
    const auto fired = static_cast<uint16_t>(team.bits(s) & is_real);
    if (team.leads_vector()) spikes[k] = fired;
    observe(team, tile, population, i_group, t, cell.membrane(), s);
    if (is_flush_step(t)) {
      cell.clear_tiny();
      tile.note_row_not_finite(team, p, team.bits(not_finite(cell.membrane())) & is_real, t);
    }
    cell.store(team, tile, population, place);
  }
}

/// All groups from i on, in blocks as large as will do: each spike's row is walked once a block.
template <template <class, class> class Cell, int kBlock, class Team>
SPIKELANE_HD void step_spiking_rows_from(const Team& team, const Tile& tile, int p, int i, int t) {
  const int n_padded = tile.plan->populations[p].n_padded;
  SPIKELANE_ROLLED
  for (; i + kBlock * kLanes <= n_padded; i += kBlock * team.vector_step())
    step_spiking_rows<Cell, kBlock>(team, tile, p, i, t);
  if constexpr (kBlock > 2)
    if (i < n_padded) step_spiking_rows_from<Cell, kBlock / 2>(team, tile, p, i, t);
}

/// Starts to bring the rows that this step's spikes will add to the next step's currents, up to
/// 16 KB of them: worth 5 to 15 % where the weights come from memory, nothing where they are in L2.
/// One line in four is asked for; the processor brings the others.
template <class Team>
SPIKELANE_HD void fetch_recurrent_rows(const Team& team, const Tile& tile, int p) {
  constexpr int kFetched = 4096;
  const PopulationView& population = tile.plan->populations[p];
  for (int q = 0; q < population.n_projections; ++q) {
    const ProjectionView& projection = population.projections[q];
    if (projection.source != p || projection.n_delays > 0) continue;
    const UnitRange fired = units_into(tile, projection, 0);
    const int32_t* unit = fired.begin;
    for (int n = 0; n < kFetched && unit != fired.end; n += projection.weight_stride, ++unit) {
      const float* row =
          tile.weights + projection.weight + static_cast<int64_t>(*unit) * projection.weight_stride;
      for (int i = 0; i < projection.n_post; i += 4 * kLanes) team.fetch(row + i);
    }
  }
}

/// The step's spikes into the history.
template <class Team>
SPIKELANE_HD void keep_fired(const Team& team, const Tile& tile, int p, int t) {
  const HistoryView& history = tile.scratch->histories[p];
  const int32_t* fired = tile.scratch->fired + static_cast<int64_t>(p) * tile.scratch->fired_stride;
  int32_t* step_begin = history.step_begin + (t - history.first_step);
  const int n_fired = tile.scratch->n_fired[p];
  for (int k = team.worker(); k < n_fired; k += team.n_workers())
    history.units[step_begin[0] + k] = fired[k];
  if (team.is_leader()) step_begin[1] = step_begin[0] + n_fired;
}

template <class Team>
SPIKELANE_HD void step_population_row(const Team& team, const Tile& tile, int p, int t) {
  const PopulationView& population = tile.plan->populations[p];
  if (population.model == Model::kReadout) {
    step_readout_row(team, tile, p, t);
    return;
  }
  if (population.keeps_input) keep_input(team, tile, t);
  if (population.n_heard > 0) list_heard(team, tile, p, t);
  if (tile.plan->rank > 0) sum_factor_rows(team, tile, p, t);
  if (population.model == Model::kAlif)
    step_spiking_rows_from<AlifCell, Team::kRowBlock>(team, tile, p, team.vector_begin(), t);
  else
    step_spiking_rows_from<LeakyCell, Team::kRowBlock>(team, tile, p, team.vector_begin(), t);
  if (population.kept.n_slots > 0) keep_spikes(team, tile, p, t);
  if (!population.needs_list) return;
  list_fired(team, tile, p);
  if constexpr (Team::kFetches) fetch_recurrent_rows(team, tile, p);
  if (tile.scratch->histories) keep_fired(team, tile, p, t);
}

/// The fused trial and the single step of one row.
template <class Team>
SPIKELANE_HD void run_row_window(const Team& team, const Tile& tile, int t_begin, int t_end) {
  const PlanView& plan = *tile.plan;
  SPIKELANE_ROLLED
  for (int p = 0; p < plan.n_populations; ++p)
    if (plan.populations[p].feeds_recurrent) list_fired(team, tile, p);
  SPIKELANE_ROLLED
  for (int t = t_begin; t < t_end; ++t) SPIKELANE_ROLLED
  for (int p = 0; p < plan.n_populations; ++p) step_population_row(team, tile, p, t);
  SPIKELANE_ROLLED
  for (int p = 0; p < plan.n_populations; ++p) {
    team.sync();
    finish_row(team, tile, p, t_end - 1);
  }
}

}  // namespace spikelane::SPIKELANE_ISA
