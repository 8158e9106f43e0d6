// Sample lanes, special form of the phase "currents -> membrane -> spikes" for small fan-in.
//
// Few units can fire in the same step, so the sets that do (the codes) are few: the empty one, each
// unit alone, some pairs. The current of neuron i is then one of at most 32 sums; they are computed
// once a tile, in the order the definition asks for, and looked up by one permute a step. A
// readout's trace of the same spikes is advanced in the same registers.
#pragma once

#include "kernels/core/leaky.h"
#include "kernels/step/low_rank.h"
#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

SPIKELANE_HD inline const uint8_t* codes_into(const Tile& tile, const ProjectionView& projection) {
  return projection.source == kInputSource ? tile.input->codes
                                           : tile.scratch->signals[projection.source].codes;
}

SPIKELANE_HD inline bool can_use_table(const Tile& tile, const PopulationView& population) {
  return population.may_use_table && codes_into(tile, population.projections[0]) != nullptr;
}

/// The sum with the noise of the factors, for 16 neurons from i on.
template <class Team>
SPIKELANE_HD typename Team::F add_factors_of_code(const Team& team, const Factors& factors,
                                                  uint32_t code, int i, typename Team::F sum) {
  SPIKELANE_ROLLED
  for (int k = 0; k < factors.rank; ++k) {
    float c = 0.0f;
    SPIKELANE_ROLLED
    for (uint32_t left = code; left != 0; left &= left - 1)
      c = c + factors.b[lowest_bit(left) * factors.rank + k];
    const float* a = factors.a + static_cast<int64_t>(k) * factors.a_stride + i;
    sum = fma(team.load_all(a), team.broadcast_all(factors.scale * c), sum);
  }
  return sum;
}

/// table[i * width + c] = (sum of code c's weights, unit ascending, from +0, with the noise of the
/// factors) + bias
template <class Team>
SPIKELANE_HD void fill_table(const Team& team, const Tile& tile, const PopulationView& population,
                             int n_codes, int width) {
  const ProjectionView& projection = population.projections[0];
  const bool is_input = projection.source == kInputSource;
  SPIKELANE_ROLLED
  for (int c = 0; c < n_codes; ++c) {
    const uint32_t code = is_input ? tile.input->code_units[c] : static_cast<uint32_t>(c);
    for (int i = 0; i < population.n; i += kLanes) {
      const float* weights = tile.weights + projection.weight + i;
      auto sum = team.broadcast_all(0.0f);
      SPIKELANE_ROLLED
      for (uint32_t left = code; left != 0; left &= left - 1)
        sum = sum + team.load_all(weights + lowest_bit(left) * projection.weight_stride);
      if (code != 0 && has_low_rank(tile, projection))
        sum = add_factors_of_code(team, Factors(tile, projection), code, i, sum);
      if (population.bias >= 0) sum = sum + team.load_all(tile.parameters + population.bias + i);
      team.scatter_all(tile.scratch->table + static_cast<int64_t>(i) * width + c, width, sum);
    }
  }
  team.sync();
}

/// The window of kBlock neurons from i on; subtracting, delayed reset, one beta and one threshold.
template <int kBlock, int kWidth, bool kCounts, bool kTraces, class Team>
SPIKELANE_HD void run_table_block(const Team& team, const Tile& tile, int p, int i,
                                  const uint8_t* codes, int t_begin, int t_end) {
  using F = typename Team::F;
  using Mask = typename Team::Mask;
  const PopulationView& population = tile.plan->populations[p];
  const FieldOffsets& at = population.at;
  const F beta = team.broadcast(population.beta[0]);
  const F threshold = team.broadcast(population.threshold[0]);
  const F one = team.broadcast(1.0f);
  float* z_at = nullptr;
  F kappa = one;
  if constexpr (kTraces) {
    const TraceView& trace = tile.plan->traces[population.only_trace];
    z_at = tile.floats(trace.at.z) + i * kLanes;
    kappa = team.broadcast(trace.kappa);
  }
  typename Team::template Table<kWidth> table[kBlock];
  F v[kBlock], count[kBlock], z[kBlock];
  Mask s[kBlock];
  for (int k = 0; k < kBlock; ++k) {
    table[k] = team.template table<kWidth>(tile.scratch->table + (i + k) * kWidth);
    v[k] = team.load(tile.floats(at.v) + (i + k) * kLanes);
    s[k] = v[k] > threshold;
    if constexpr (kCounts) count[k] = team.load(tile.floats(at.n_spikes) + (i + k) * kLanes);
    if constexpr (kTraces) z[k] = team.load(z_at + k * kLanes);
  }
  const SignalBuffer& signal = tile.scratch->signals[p];
  uint16_t* masks = population.needs_list ? signal.masks + i : nullptr;
  uint8_t* codes_out = kBlock <= 4 ? signal.codes : nullptr;
  for (int t = t_begin; t < t_end;) {
    const int chunk = t - t % kFlushPeriod + kFlushPeriod;
    const int stop = chunk < t_end ? chunk : t_end;
    SPIKELANE_ROLLED
    for (; t < stop; ++t) {
      const auto code = team.codes(codes + static_cast<int64_t>(t - t_begin) * kLanes);
      for (int k = 0; k < kBlock; ++k) {
        v[k] = sub_where(s[k], beta * v[k] + team.lookup(table[k], code), threshold);
        s[k] = v[k] > threshold;
        if constexpr (kCounts) count[k] = add_where(s[k], count[k], one);
        if constexpr (kTraces) z[k] = add_where(s[k], kappa * z[k], one);
      }
      if (masks) {
        for (int k = 0; k < kBlock; ++k) {
          const uint16_t fired = team.bits(s[k]);
          if (team.leads_vector()) masks[k] = fired;
        }
        masks += population.n;
      }
      if constexpr (kBlock <= 4) {
        if (codes_out) {
          const Mask none = team.mask(0);
          team.store_codes(codes_out, s[0], kBlock > 1 ? s[kBlock > 1 ? 1 : 0] : none,
                           kBlock > 2 ? s[kBlock > 2 ? 2 : 0] : none,
                           kBlock > 3 ? s[kBlock > 3 ? 3 : 0] : none);
          codes_out += kLanes;
        }
      }
    }
    if (stop == chunk)
      for (int k = 0; k < kBlock; ++k) {
        v[k] = without_tiny(v[k]);
        if constexpr (kTraces) z[k] = without_tiny(z[k]);
      }
  }
  for (int k = 0; k < kBlock; ++k) {
    team.store(tile.floats(at.v) + (i + k) * kLanes, v[k]);
    const uint16_t fired = team.bits(s[k]);
    if (team.leads_vector()) tile.masks(at.spikes)[i + k] = fired;
    if constexpr (kCounts) team.store(tile.floats(at.n_spikes) + (i + k) * kLanes, count[k]);
    if constexpr (kTraces) team.store(z_at + k * kLanes, z[k]);
    tile.note_not_finite(team, p, team.bits(not_finite(v[k])), t_end - 1);
  }
}

template <int kBlock, int kWidth, class Team>
SPIKELANE_HD void choose_table_block(const Team& team, const Tile& tile, int p, int i,
                                     const uint8_t* codes, int t_begin, int t_end) {
  const PopulationView& population = tile.plan->populations[p];
  const bool counts = population.at.n_spikes >= 0, traces = population.only_trace >= 0;
  if (counts && traces)
    run_table_block<kBlock, kWidth, true, true>(team, tile, p, i, codes, t_begin, t_end);
  else if (counts)
    run_table_block<kBlock, kWidth, true, false>(team, tile, p, i, codes, t_begin, t_end);
  else if (traces)
    run_table_block<kBlock, kWidth, false, true>(team, tile, p, i, codes, t_begin, t_end);
  else
    run_table_block<kBlock, kWidth, false, false>(team, tile, p, i, codes, t_begin, t_end);
}

template <int kWidth, class Team>
SPIKELANE_HD void run_table_blocks(const Team& team, const Tile& tile, int p, const uint8_t* codes,
                                   int t_begin, int t_end) {
  const int n = tile.plan->populations[p].n;
  int i = 0;
  if constexpr (Team::kTableBlock > 4)
    for (; n - i > 4; i += Team::kTableBlock) {
      if (n - i < Team::kTableBlock) break;
      choose_table_block<Team::kTableBlock, kWidth>(team, tile, p, i, codes, t_begin, t_end);
    }
  for (; n - i >= 4; i += 4) choose_table_block<4, kWidth>(team, tile, p, i, codes, t_begin, t_end);
  if (n - i == 3) choose_table_block<3, kWidth>(team, tile, p, i, codes, t_begin, t_end);
  if (n - i == 2) choose_table_block<2, kWidth>(team, tile, p, i, codes, t_begin, t_end);
  if (n - i == 1) choose_table_block<1, kWidth>(team, tile, p, i, codes, t_begin, t_end);
}

template <class Team>
SPIKELANE_HD void run_leaky_by_table(const Team& team, const Tile& tile, int p, int t_begin,
                                     int t_end) {
  const PopulationView& population = tile.plan->populations[p];
  const ProjectionView& projection = population.projections[0];
  const bool is_input = projection.source == kInputSource;
  const int n_codes = is_input ? tile.input->n_codes : 1 << projection.n_pre;
  const uint8_t* codes = codes_into(tile, projection);
  if (is_input) codes += static_cast<int64_t>(t_begin - tile.input->first_step) * kLanes;
  // a short table is fewer registers to permute; where it lies in memory anyway one length will do
  const int width = Team::kWidth > 1 && n_codes <= 16 ? 16 : 32;
  fill_table(team, tile, population, n_codes, width);
  if constexpr (Team::kWidth > 1)
    if (width == 16) {
      run_table_blocks<16>(team, tile, p, codes, t_begin, t_end);
      return;
    }
  run_table_blocks<32>(team, tile, p, codes, t_begin, t_end);
}

}  // namespace spikelane::SPIKELANE_ISA
