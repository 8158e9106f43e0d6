// Sample lanes: 16 samples of one member side by side, time inside the neuron.
//
//        for each population                      (layer-major: a population runs its whole window
//        alone;
//          for each block of a few neurons         step-major, for recurrent nets: the window is
//          one step)
//            state -> registers
//            for t in window:   currents -> membrane -> spikes        [all 16 samples at once]
//            registers -> state
//          spikes -> signal (lists of who fired, for the populations that follow)
//
// Weights are scalars broadcast to the lanes. Most units are silent in most steps, so a signal is a
// list of (unit, lanes) per step and a silent unit costs nothing; where few units can fire together
// the sums themselves are tabled (sample_table.h). Both leave every sum as the definition has it:
// one accumulator per projection from +0, presynaptic index ascending, so the bits are the same.
#pragma once

#include "kernels/step/cells.h"
#include "kernels/step/low_rank.h"
#include "kernels/step/readout.h"
#include "kernels/step/sample_table.h"
#include "kernels/step/signal.h"
#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

/// Where c' of one projection begins, for the steps of the window.
SPIKELANE_HD inline float* factor_sums_of(const Tile& tile, const ProjectionView& projection) {
  return tile.scratch->factor_sums + static_cast<int64_t>(projection.place) *
                                         tile.scratch->factor_window * tile.plan->rank * kLanes;
}

/// c' of the projections of population p, for all its neurons and each step of the window.
template <class Team>
SPIKELANE_HD void sum_factors(const Team& team, const Tile& tile, int p, int t_begin, int t_end) {
  const PopulationView& population = tile.plan->populations[p];
  SPIKELANE_ROLLED
  for (int q = 0; q < population.n_projections; ++q) {
    const ProjectionView& projection = population.projections[q];
    if (!has_low_rank(tile, projection)) continue;
    const Factors factors(tile, projection);
    const bool is_dense = projection.source == kInputSource && tile.input->dense;
    float* c = factor_sums_of(tile, projection);
    SPIKELANE_ROLLED
    for (int t = t_begin; t < t_end; ++t) SPIKELANE_ROLLED
    for (int k = 0; k < factors.rank; ++k, c += kLanes) {
      auto sum = team.broadcast(0.0f);
      const float* b = factors.b + k;
      if (is_dense) {
        const float* x = tile.input->dense + static_cast<int64_t>(t - tile.input->first_step) *
                                                 projection.n_pre * kLanes;
        SPIKELANE_ROLLED
        for (int j = 0; j < projection.n_pre; ++j)
          sum = fma(team.load(x + j * kLanes),
                    team.broadcast(b[static_cast<int64_t>(j) * factors.rank]), sum);
      } else {
        const EntryRange fired = entries_into(tile, projection, t);
        SPIKELANE_ROLLED
        for (const SpikeEntry* entry = fired.begin; entry != fired.end; ++entry)
          sum = add_where(team.mask(entry->lanes), sum,
                          team.broadcast(b[static_cast<int64_t>(entry->unit) * factors.rank]));
      }
      team.store(c, team.broadcast(factors.scale) * sum);
    }
  }
}

/// One projection's sum from the weights for kBlock neurons from i on. Returns whether any unit
/// was looked at: if not, all sums are +0 and so are those of the factors.
template <int kBlock, class Team>
SPIKELANE_INLINE bool add_weights(const Team& team, const Tile& tile,
                                  const ProjectionView& projection, int i, int t,
                                  typename Team::F* sum) {
  const float* weights = tile.weights + projection.weight + i;
  for (int k = 0; k < kBlock; ++k) sum[k] = team.broadcast(0.0f);
  if (projection.source == kInputSource && tile.input->dense) {
    const float* x = tile.input->dense +
                     static_cast<int64_t>(t - tile.input->first_step) * projection.n_pre * kLanes;
    SPIKELANE_ROLLED
    for (int j = 0; j < projection.n_pre; ++j) {
      const auto x_j = team.load(x + j * kLanes);
      const float* row = weights + static_cast<int64_t>(j) * projection.weight_stride;
      for (int k = 0; k < kBlock; ++k) sum[k] = fma(x_j, team.broadcast(row[k]), sum[k]);
    }
    return true;
  }
  const EntryRange fired = entries_into(tile, projection, t);
  SPIKELANE_ROLLED
  for (const SpikeEntry* entry = fired.begin; entry != fired.end; ++entry) {
    const auto lanes = team.mask(entry->lanes);
    const float* row = weights + static_cast<int64_t>(entry->unit) * projection.weight_stride;
    for (int k = 0; k < kBlock; ++k) sum[k] = add_where(lanes, sum[k], team.broadcast(row[k]));
  }
  return fired.begin != fired.end;
}

/// The same with the noise of the factors, and with the synaptic trace of the source, where there
/// are any.
template <int kBlock, class Team>
SPIKELANE_INLINE void add_drive(const Team& team, const Tile& tile,
                                const ProjectionView& projection, int i, int t,
                                typename Team::F* drive) {
  const bool has_input = add_weights<kBlock>(team, tile, projection, i, t, drive);
  if (has_input && has_low_rank(tile, projection)) {
    const Factors factors(tile, projection);
    const float* c = factor_sums_of(tile, projection) +
                     static_cast<int64_t>(t - tile.signal_begin) * factors.rank * kLanes;
    add_factor_neurons<kBlock>(team, factors, c, i, drive);
  }
  if (projection.at.drive >= 0)
    for (int k = 0; k < kBlock; ++k)
      drive[k] = drive_with(team, tile, projection, (i + k) * kLanes, t, drive[k]);
}

/// I = ((P1 + P2) + ...) + bias
template <int kBlock, class Team>
SPIKELANE_INLINE void sum_currents(const Team& team, const Tile& tile,
                                   const PopulationView& population, int i, int t,
                                   typename Team::F* current) {
  add_drive<kBlock>(team, tile, population.projections[0], i, t, current);
  for (int p = 1; p < population.n_projections; ++p) {
    typename Team::F drive[kBlock];
    add_drive<kBlock>(team, tile, population.projections[p], i, t, drive);
    for (int k = 0; k < kBlock; ++k) current[k] = current[k] + drive[k];
  }
  if (population.bias < 0) return;
  const float* bias = tile.parameters + population.bias + i;
  for (int k = 0; k < kBlock; ++k) current[k] = current[k] + team.broadcast(bias[k]);
}

/// The window of kBlock spiking neurons from i on, any parameters, any sources.
template <template <class, class> class Cell, int kBlock, class Team>
SPIKELANE_HD void run_spiking_block(const Team& team, const Tile& tile, int p, int i, int t_begin,
                                    int t_end) {
  using F = typename Team::F;
  const PopulationView& population = tile.plan->populations[p];
  Cell<Team, SamplePlace> cell[kBlock];
  for (int k = 0; k < kBlock; ++k) cell[k].load(team, tile, population, SamplePlace{i + k});
  uint16_t* masks = tile.scratch->signals[p].masks + i;
  for (int t = t_begin; t < t_end; ++t, masks += population.n) {
    F current[kBlock];
    sum_currents<kBlock>(team, tile, population, i, t, current);
    for (int k = 0; k < kBlock; ++k) {
      const auto s = cell[k].step(team, population, SamplePlace{i + k}, current[k]);
      const uint16_t fired = team.bits(s);
      if (team.leads_vector()) masks[k] = fired;
      observe(team, tile, population, (i + k) * kLanes, t, cell[k].membrane(), s);
    }
    if (is_flush_step(t))
      for (int k = 0; k < kBlock; ++k) cell[k].clear_tiny();
  }
  for (int k = 0; k < kBlock; ++k) {
    cell[k].store(team, tile, population, SamplePlace{i + k});
    tile.note_not_finite(team, p, team.bits(not_finite(cell[k].membrane())), t_end - 1);
  }
}

template <template <class, class> class Cell, class Team>
SPIKELANE_HD void run_spiking_blocks(const Team& team, const Tile& tile, int p, int t_begin,
                                     int t_end) {
  const int n = tile.plan->populations[p].n;
  int i = 0;
  for (; i + Team::kBlock <= n; i += Team::kBlock)
    run_spiking_block<Cell, Team::kBlock>(team, tile, p, i, t_begin, t_end);
  for (; i < n; ++i) run_spiking_block<Cell, 1>(team, tile, p, i, t_begin, t_end);
}

template <class Team>
SPIKELANE_HD void run_spiking(const Team& team, const Tile& tile, int p, int t_begin, int t_end) {
  const PopulationView& population = tile.plan->populations[p];
  const SignalBuffer& signal = tile.scratch->signals[p];
  const int n_window = t_end - t_begin;
  const bool uses_table = can_use_table(tile, population);
  // the same in all steps of a tile; others may still be reading it in the step before
  if (team.is_leader() && (tile.scratch->uses_table[p] != 0) != uses_table)
    tile.scratch->uses_table[p] = uses_table;
  if (uses_table) {
    run_leaky_by_table(team, tile, p, t_begin, t_end);
  } else {
    if (tile.plan->rank > 0) sum_factors(team, tile, p, t_begin, t_end);
    if (population.model == Model::kAlif)
      run_spiking_blocks<AlifCell>(team, tile, p, t_begin, t_end);
    else
      run_spiking_blocks<LeakyCell>(team, tile, p, t_begin, t_end);
    team.sync();
    const uint16_t* last = signal.masks + static_cast<int64_t>(n_window - 1) * population.n;
    uint16_t* spikes = tile.masks(population.at.spikes);
    SPIKELANE_ROLLED
    for (int i = team.worker(); i < population.n; i += team.n_workers()) spikes[i] = last[i];
    if (signal.codes) encode_spikes(team, signal, population.n, n_window);
  }
  team.sync();
  if (population.needs_list || (population.only_trace >= 0 && !uses_table))
    list_spikes(team, signal, population.n, n_window);
}

template <class Team>
SPIKELANE_HD void run_population(const Team& team, const Tile& tile, int p, int t_begin,
                                 int t_end) {
  if (is_spiking(tile.plan->populations[p].model))
    run_spiking(team, tile, p, t_begin, t_end);
  else
    run_readout(team, tile, p, t_begin, t_end);
}

template <class Team>
SPIKELANE_HD void finish_readouts(const Team& team, const Tile& tile, int t) {
  for (int p = 0; p < tile.plan->n_populations; ++p)
    if (tile.plan->populations[p].model == Model::kReadout) finish_readout(team, tile, p, t);
}

/// The fused trial and the single step: all populations over [t_begin, t_end).
template <class Team>
SPIKELANE_HD void run_window(const Team& team, Tile& tile, int t_begin, int t_end) {
  const PlanView& plan = *tile.plan;
  // who fired before the window: recurrent projections carry it into its first step
  for (int p = 0; p < plan.n_populations; ++p) {
    const PopulationView& population = plan.populations[p];
    if (!population.feeds_recurrent || plan.layer_major) continue;
    const SignalBuffer& signal = tile.scratch->signals[p];
    const uint16_t* spikes = tile.masks(population.at.spikes);
    SPIKELANE_ROLLED
    for (int i = team.worker(); i < population.n; i += team.n_workers())
      signal.masks[i] = spikes[i];
    team.sync();
    list_spikes(team, signal, population.n, 1);
  }
  const int n_at_once = plan.layer_major ? t_end - t_begin : 1;
  for (int t = t_begin; t < t_end; t += n_at_once) {
    tile.signal_begin = t;
    for (int p = 0; p < plan.n_populations; ++p) run_population(team, tile, p, t, t + n_at_once);
  }
  finish_readouts(team, tile, t_end - 1);
}

}  // namespace spikelane::SPIKELANE_ISA
