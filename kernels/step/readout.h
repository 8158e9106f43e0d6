// Sample lanes: leaky readouts. The readout is linear, so it is defined presynaptic-first:
//   z_j = kappa*z_j + s_j,   v_i = gain * (((sum_j w_ji z_j) + ...) + b_i z_b),   j ascending with
//   fma,
// and the product is made only where somebody reads v: at the window's end, or at each step for the
// largest value over time.
#pragma once

#include "kernels/core/leaky.h"
#include "kernels/step/low_rank.h"
#include "kernels/step/signal.h"
#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

/// z of one trace after step t.
template <class Team>
SPIKELANE_HD void advance_trace(const Team& team, const Tile& tile,
                                const ProjectionView& projection, const TraceView& trace, int t) {
  float* z = tile.floats(trace.at.z);
  const auto kappa = team.broadcast(trace.kappa);
  const bool is_dense = projection.source == kInputSource && tile.input->dense;
  if (trace.source_trace >= 0 || is_dense) {
    const float* x = is_dense
                         ? tile.input->dense +
                               static_cast<int64_t>(t - tile.input->first_step) * trace.n * kLanes
                         : tile.floats(trace.source_trace);
    SPIKELANE_ROLLED
    for (int j = 0; j < trace.n; ++j)
      team.store(z + j * kLanes, kappa * team.load(z + j * kLanes) + team.load(x + j * kLanes));
  } else {
    SPIKELANE_ROLLED
    for (int j = 0; j < trace.n; ++j) team.store(z + j * kLanes, kappa * team.load(z + j * kLanes));
    const EntryRange fired = entries_into(tile, projection, t);
    SPIKELANE_ROLLED
    for (const SpikeEntry* entry = fired.begin; entry != fired.end; ++entry) {
      float* z_j = z + entry->unit * kLanes;
      team.store(z_j, add_where(team.mask(entry->lanes), team.load(z_j), team.broadcast(1.0f)));
    }
  }
  if (is_flush_step(t)) SPIKELANE_ROLLED
  for (int j = 0; j < trace.n; ++j)
    team.store(z + j * kLanes, without_tiny(team.load(z + j * kLanes)));
  if (trace.at.z_sum < 0 || t < tile.plan->n_steps - tile.plan->window) return;
  float* z_sum = tile.floats(trace.at.z_sum);
  SPIKELANE_ROLLED
  for (int j = 0; j < trace.n; ++j)
    team.store(z_sum + j * kLanes, team.load(z_sum + j * kLanes) + team.load(z + j * kLanes));
}

/// z_b = kappa*z_b + 1, each neuron with its own kappa.
template <class Team>
SPIKELANE_HD void advance_bias_trace(const Team& team, const Tile& tile,
                                     const PopulationView& population, int t) {
  if (population.at.bias_trace < 0) return;
  float* z = tile.floats(population.at.bias_trace);
  const bool adds =
      population.at.bias_trace_sum >= 0 && t >= tile.plan->n_steps - tile.plan->window;
  for (int i = 0; i < population.n; ++i) {
    auto z_i =
        team.broadcast(population.beta[i]) * team.load(z + i * kLanes) + team.broadcast(1.0f);
    if (is_flush_step(t)) z_i = without_tiny(z_i);
    team.store(z + i * kLanes, z_i);
    if (!adds) continue;
    float* sum = tile.floats(population.at.bias_trace_sum) + i * kLanes;
    team.store(sum, team.load(sum) + z_i);
  }
}

/// sum_j w_ji z_j of one projection for kBlock readout neurons from i on, of z or of its sum.
template <int kBlock, class Team>
SPIKELANE_INLINE void read_projection(const Team& team, const Tile& tile,
                                      const ProjectionView& projection, int i, bool of_sums,
                                      typename Team::F* sum) {
  const float* weights = tile.weights + projection.weight + i;
  for (int k = 0; k < kBlock; ++k) sum[k] = team.broadcast(0.0f);
  // neurons of a block read the same trace: with several kappas blocks are single neurons
  const int trace = projection.single_trace >= 0 ? projection.single_trace : projection.trace_of[i];
  const TraceOffsets& at = tile.plan->traces[trace].at;
  const float* z = tile.floats(of_sums ? at.z_sum : at.z);
  SPIKELANE_ROLLED
  for (int j = 0; j < projection.n_pre; ++j) {
    const auto z_j = team.load(z + j * kLanes);
    const float* row = weights + static_cast<int64_t>(j) * projection.weight_stride;
    for (int k = 0; k < kBlock; ++k) sum[k] = fma(z_j, team.broadcast(row[k]), sum[k]);
  }
  if (!has_low_rank(tile, projection)) return;
  const Factors factors(tile, projection);
  SPIKELANE_ROLLED
  for (int r = 0; r < factors.rank; ++r) {
    auto c = team.broadcast(0.0f);
    SPIKELANE_ROLLED
    for (int j = 0; j < projection.n_pre; ++j)
      c = fma(team.load(z + j * kLanes),
              team.broadcast(factors.b[static_cast<int64_t>(j) * factors.rank + r]), c);
    c = team.broadcast(factors.scale) * c;
    const float* a = factors.a + static_cast<int64_t>(r) * factors.a_stride + i;
    for (int k = 0; k < kBlock; ++k) sum[k] = fma(team.broadcast(a[k]), c, sum[k]);
  }
}

/// gain * ((((sum_j w_ji z_j) + ...) + b_i z_b) + 0): a sum of underflowed products may be -0, and
/// which zeros were added to it must not show
template <int kBlock, class Team>
SPIKELANE_INLINE void read_out_block(const Team& team, const Tile& tile,
                                     const PopulationView& population, int i, bool of_sums,
                                     float* values) {
  typename Team::F value[kBlock], sum[kBlock];
  read_projection<kBlock>(team, tile, population.projections[0], i, of_sums, value);
  for (int p = 1; p < population.n_projections; ++p) {
    read_projection<kBlock>(team, tile, population.projections[p], i, of_sums, sum);
    for (int k = 0; k < kBlock; ++k) value[k] = value[k] + sum[k];
  }
  if (population.bias >= 0) {
    const float* bias = tile.parameters + population.bias + i;
    const float* z = tile.floats(of_sums ? population.at.bias_trace_sum : population.at.bias_trace);
    for (int k = 0; k < kBlock; ++k)
      value[k] = value[k] + team.broadcast(bias[k]) * team.load(z + (i + k) * kLanes);
  }
  for (int k = 0; k < kBlock; ++k)
    team.store(values + (i + k) * kLanes,
               team.broadcast(population.gain) * (value[k] + team.broadcast(0.0f)));
}

/// The readout's values into `values` (n, 16).
template <class Team>
SPIKELANE_HD void read_out(const Team& team, const Tile& tile, const PopulationView& population,
                           bool of_sums, float* values) {
  bool has_one_kappa = true;
  for (int p = 0; p < population.n_projections; ++p)
    has_one_kappa &= population.projections[p].single_trace >= 0;
  int i = 0;
  if (has_one_kappa)
    for (; i + Team::kReadoutBlock <= population.n; i += Team::kReadoutBlock)
      read_out_block<Team::kReadoutBlock>(team, tile, population, i, of_sums, values);
  for (; i < population.n; ++i) read_out_block<1>(team, tile, population, i, of_sums, values);
}

/// Whether the table path has advanced this trace together with the membranes of its source.
SPIKELANE_HD inline bool is_fused(const Tile& tile, const ProjectionView& projection, int trace) {
  return projection.source != kInputSource && tile.scratch->uses_table[projection.source] &&
         tile.plan->populations[projection.source].only_trace == trace;
}

/// The readout's traces over [t_begin, t_end); its value only where it is looked at in each step.
template <class Team>
SPIKELANE_HD void run_readout(const Team& team, const Tile& tile, int p, int t_begin, int t_end) {
  const PopulationView& population = tile.plan->populations[p];
  float* v = tile.floats(population.at.v);
  bool has_steps = population.at.bias_trace >= 0 || population.at.v_max >= 0;
  for (int q = 0; q < population.n_projections; ++q)
    for (int k = 0; k < population.projections[q].n_traces; ++k)
      has_steps |=
          !is_fused(tile, population.projections[q], population.projections[q].first_trace + k);
  for (int t = has_steps ? t_begin : t_end; t < t_end; ++t) {
    for (int q = 0; q < population.n_projections; ++q) {
      const ProjectionView& projection = population.projections[q];
      for (int k = projection.first_trace; k < projection.first_trace + projection.n_traces; ++k)
        if (!is_fused(tile, projection, k))
          advance_trace(team, tile, projection, tile.plan->traces[k], t);
    }
    advance_bias_trace(team, tile, population, t);
    if (population.at.v_max < 0) continue;
    read_out(team, tile, population, false, v);
    float* v_max = tile.floats(population.at.v_max);
    for (int i = 0; i < population.n; ++i)
      team.store(v_max + i * kLanes, max(team.load(v_max + i * kLanes), team.load(v + i * kLanes)));
  }
}

/// The end of a window: the readout gets its value.
template <class Team>
SPIKELANE_HD void finish_readout(const Team& team, const Tile& tile, int p, int t) {
  const PopulationView& population = tile.plan->populations[p];
  float* v = tile.floats(population.at.v);
  read_out(team, tile, population, false, v);
  for (int i = 0; i < population.n; ++i)
    tile.note_not_finite(team, p, team.bits(not_finite(team.load(v + i * kLanes))), t);
}

}  // namespace spikelane::SPIKELANE_ISA
