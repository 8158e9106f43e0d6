// Neuron lanes: leaky readouts of one row. The definition stands in readout.h; here the lanes of a
// trace are presynaptic neurons and the lanes of the product are readout neurons.
#pragma once

#include "kernels/core/leaky.h"
#include "kernels/step/low_rank.h"
#include "kernels/step/row_signal.h"
#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

/// A trace without memory, kappa = 0, holds a 1 for each spike of this very step. It is not kept:
/// the list of who fired says the same. Not so for recurrent projections: the spikes they carry are
/// those of the step before, and by the window's end the list has gone on.
SPIKELANE_HD inline bool is_momentary(const Tile& tile, const ProjectionView& projection,
                                      const TraceView& trace) {
  const bool is_dense = projection.source == kInputSource && tile.input->dense;
  return trace.kappa == 0.0f && trace.at.z_sum < 0 && !is_dense && !projection.is_recurrent &&
         trace.source_trace < 0;
}

template <class Team>
SPIKELANE_HD void advance_row_trace(const Team& team, const Tile& tile,
                                    const ProjectionView& projection, const TraceView& trace,
                                    int t) {
  if (is_momentary(tile, projection, trace)) return;
  float* z = tile.floats(trace.at.z);
  const bool is_dense = projection.source == kInputSource && tile.input->dense;
  const auto kappa = team.broadcast(trace.kappa);
  SPIKELANE_ROLLED
  for (int j = team.vector_begin(); j < trace.n_padded; j += team.vector_step())
    team.store(z + j, kappa * team.load(z + j));
  if (trace.source_trace >= 0) {
    const float* s = tile.floats(trace.source_trace);
    SPIKELANE_ROLLED
    for (int j = team.vector_begin(); j < trace.n_padded; j += team.vector_step())
      team.store(z + j, team.load(z + j) + team.load(s + j));
  } else if (is_dense) {
    const float* x = dense_input(tile, trace.n, t);
    SPIKELANE_ROLLED
    for (int j = team.worker(); j < trace.n; j += team.n_workers()) z[j] = z[j] + x[j];
  } else {
    const UnitRange fired = units_into(tile, projection, t);
    // who adds to z_j need not be who keeps it
    team.sync();
    SPIKELANE_ROLLED
    for (const int32_t* unit = fired.begin + team.worker(); unit < fired.end;
         unit += team.n_workers())
      z[*unit] = z[*unit] + 1.0f;
    team.sync();
  }
  if (is_flush_step(t)) SPIKELANE_ROLLED
  for (int j = team.vector_begin(); j < trace.n_padded; j += team.vector_step())
    team.store(z + j, without_tiny(team.load(z + j)));
  if (trace.at.z_sum < 0 || t < tile.plan->n_steps - tile.plan->window) return;
  float* z_sum = tile.floats(trace.at.z_sum);
  SPIKELANE_ROLLED
  for (int j = team.vector_begin(); j < trace.n_padded; j += team.vector_step())
    team.store(z_sum + j, team.load(z_sum + j) + team.load(z + j));
}

template <class Team>
SPIKELANE_HD void advance_row_bias_trace(const Team& team, const Tile& tile,
                                         const PopulationView& population, int t) {
  if (population.at.bias_trace < 0) return;
  float* z = tile.floats(population.at.bias_trace);
  const bool adds =
      population.at.bias_trace_sum >= 0 && t >= tile.plan->n_steps - tile.plan->window;
  SPIKELANE_ROLLED
  for (int i = team.vector_begin(); i < population.n_padded; i += team.vector_step()) {
    auto z_i = team.load(population.beta + i) * team.load(z + i) + team.broadcast(1.0f);
    if (is_flush_step(t)) z_i = without_tiny(z_i);
    team.store(z + i, z_i);
    if (!adds) continue;
    float* sum = tile.floats(population.at.bias_trace_sum) + i;
    team.store(sum, team.load(sum) + z_i);
  }
}

/// The sum with the noise of the factors; sum_of(k, factors) is c_k.
template <class Team, class SumOf>
SPIKELANE_HD typename Team::F add_row_factors(const Team& team, const Tile& tile,
                                              const ProjectionView& projection, int i,
                                              typename Team::F sum, const SumOf& sum_of) {
  if (!has_low_rank(tile, projection)) return sum;
  const Factors factors(tile, projection);
  SPIKELANE_ROLLED
  for (int k = 0; k < factors.rank; ++k) {
    const float c = factors.scale * sum_of(k, factors);
    const float* a = factors.a + static_cast<int64_t>(k) * factors.a_stride + i;
    sum = fma(team.load(a), team.broadcast(c), sum);
  }
  return sum;
}

/// sum_j w_ji z_j of one trace for the 16 readout neurons from i on.
template <class Team>
SPIKELANE_HD typename Team::F sum_row_trace(const Team& team, const Tile& tile,
                                            const ProjectionView& projection, int i, int i_trace,
                                            int t, bool of_sums) {
  const TraceView& trace = tile.plan->traces[i_trace];
  const float* weights = tile.weights + projection.weight + i;
  auto sum = team.broadcast(0.0f);
  if (is_momentary(tile, projection, trace)) {
    const UnitRange fired = units_into(tile, projection, t);
    for (const int32_t* unit = fired.begin; unit != fired.end; ++unit)
      sum = sum + team.load(weights + static_cast<int64_t>(*unit) * projection.weight_stride);
    return add_row_factors(team, tile, projection, i, sum, [&](int k, const Factors& factors) {
      float c = 0.0f;
      for (const int32_t* unit = fired.begin; unit != fired.end; ++unit)
        c = c + factors.b[static_cast<int64_t>(*unit) * factors.rank + k];
      return c;
    });
  }
  // a zero adds nothing to a finite sum but perhaps the sign of a zero, which the caller drops, and
  // most traces of a sparse net are zero; a list, because a test in the loop would be mispredicted
  const float* z = tile.floats(of_sums ? trace.at.z_sum : trace.at.z);
  if constexpr (!Team::kListsNonzero) {
    for (int j = 0; j < trace.n; ++j)
      if (z[j] != 0.0f)
        sum = fma(team.broadcast(z[j]),
                  team.load(weights + static_cast<int64_t>(j) * projection.weight_stride), sum);
    return add_row_factors(team, tile, projection, i, sum, [&](int r, const Factors& factors) {
      float c = 0.0f;
      for (int j = 0; j < trace.n; ++j)
        if (z[j] != 0.0f) c = fma(z[j], factors.b[static_cast<int64_t>(j) * factors.rank + r], c);
      return c;
    });
  } else {
    int32_t* nonzero = tile.scratch->nonzero;
    int n_nonzero = 0;
    for (int j = 0; j < trace.n; j += kLanes) {
      const int n_left = trace.n - j;
      const uint32_t is_real = n_left >= kLanes ? 0xffffu : (1u << n_left) - 1u;
      const auto is_nonzero = team.load(z + j) != team.broadcast(0.0f);
      n_nonzero += team.list(nonzero + n_nonzero, team.bits(is_nonzero) & is_real, j);
    }
    for (int k = 0; k < n_nonzero; ++k)
      sum = fma(team.broadcast(z[nonzero[k]]),
                team.load(weights + static_cast<int64_t>(nonzero[k]) * projection.weight_stride),
                sum);
    return add_row_factors(team, tile, projection, i, sum, [&](int r, const Factors& factors) {
      float c = 0.0f;
      for (int k = 0; k < n_nonzero; ++k)
        c = fma(z[nonzero[k]], factors.b[static_cast<int64_t>(nonzero[k]) * factors.rank + r], c);
      return c;
    });
  }
}

template <class Team>
SPIKELANE_HD void read_out_row(const Team& team, const Tile& tile, const PopulationView& population,
                               int t, bool of_sums, float* values) {
  using F = typename Team::F;
  SPIKELANE_ROLLED
  for (int i = team.vector_begin(); i < population.n; i += team.vector_step()) {
    F value = team.broadcast(0.0f);
    SPIKELANE_ROLLED
    for (int p = 0; p < population.n_projections; ++p) {
      const ProjectionView& projection = population.projections[p];
      F sum = team.broadcast(0.0f);
      if (projection.single_trace >= 0) {
        sum = sum_row_trace(team, tile, projection, i, projection.single_trace, t, of_sums);
      } else {
        SPIKELANE_ROLLED
        for (int k = 0; k < projection.n_traces; ++k) {
          uint32_t lanes = 0;
          SPIKELANE_ROLLED
          for (int l = 0; l < kLanes && i + l < population.n; ++l)
            lanes |= static_cast<uint32_t>(projection.trace_of[i + l] == projection.first_trace + k)
                     << l;
          if (lanes == 0) continue;
          const F part =
              sum_row_trace(team, tile, projection, i, projection.first_trace + k, t, of_sums);
          sum = select(team.mask(lanes), part, sum);
        }
      }
      value = p == 0 ? sum : value + sum;
    }
    if (population.bias >= 0) {
      const float* z =
          tile.floats(of_sums ? population.at.bias_trace_sum : population.at.bias_trace);
      value = value + team.load(tile.parameters + population.bias + i) * team.load(z + i);
    }
    team.store(values + i, team.broadcast(population.gain) * (value + team.broadcast(0.0f)));
  }
}

template <class Team>
SPIKELANE_HD void step_readout_row(const Team& team, const Tile& tile, int p, int t) {
  const PopulationView& population = tile.plan->populations[p];
  SPIKELANE_ROLLED
  for (int q = 0; q < population.n_projections; ++q) {
    const ProjectionView& projection = population.projections[q];
    SPIKELANE_ROLLED
    for (int k = 0; k < projection.n_traces; ++k)
      advance_row_trace(team, tile, projection, tile.plan->traces[projection.first_trace + k], t);
  }
  advance_row_bias_trace(team, tile, population, t);
  if (population.at.v_max < 0) return;
  float* v = tile.floats(population.at.v);
  team.sync();
  read_out_row(team, tile, population, t, false, v);
  team.sync();
  float* v_max = tile.floats(population.at.v_max);
  SPIKELANE_ROLLED
  for (int i = team.vector_begin(); i < population.n; i += team.vector_step())
    team.store(v_max + i, max(team.load(v_max + i), team.load(v + i)));
}

/// The end of a window: readouts get their value, and the state is looked over once.
template <class Team>
SPIKELANE_HD void finish_row(const Team& team, const Tile& tile, int p, int t) {
  const PopulationView& population = tile.plan->populations[p];
  float* v = tile.floats(population.at.v);
  if (population.model == Model::kReadout) read_out_row(team, tile, population, t, false, v);
  SPIKELANE_ROLLED
  for (int i = team.vector_begin(); i < population.n; i += team.vector_step()) {
    const int n_left = population.n - i;
    const uint32_t is_real = n_left >= kLanes ? 0xffffu : (1u << n_left) - 1u;
    tile.note_row_not_finite(team, p, team.bits(not_finite(team.load(v + i))) & is_real, t);
  }
}

}  // namespace spikelane::SPIKELANE_ISA
