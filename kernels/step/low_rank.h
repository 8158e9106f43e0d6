// Low-rank noise: the members of an evolution strategy share one set of weights W, and a member's
// own are W + scale * B A^T, which is never formed. B (pre, r) and A (post, r) are the member's;
// scale is +-sigma / sqrt(r). Design, section 6.
//
//     x_j --W (pre, post), shared------------------> P_i --+--> current of i
//      |                                                   |
//      +--B (pre, r)--> c_k -- * scale --> c'_k --A--------+
//
// Contract, for the sum P_i of one projection, all in float32:
//   P_i  as without noise, from W: fma(x_j, W_ji, P_i), j ascending from +0
//   c_k  = fma(x_j, B_jk, c_k), j ascending from +0; for a spike that is c_k + B_jk
//   c'_k = scale * c_k
//   P_i  = fma(A_ki, c'_k, P_i), k ascending; left out where scale is 0 (not searched)
// In a readout x is the trace z. Silent inputs may be skipped, and so may a step without any spike:
// neither changes a sum that began at +0 (but perhaps the sign of a zero, which no sum shows).
#pragma once

#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

SPIKELANE_HD inline bool has_low_rank(const Tile& tile, const ProjectionView& projection) {
  return tile.plan->rank > 0 && tile.parameters[projection.low_rank.scale] != 0.0f;
}

/// The factors of one projection in the member's block.
struct Factors {
  const float *b, *a;
  float scale;
  int rank, a_stride;

  SPIKELANE_INLINE Factors(const Tile& tile, const ProjectionView& projection)
      : b(tile.parameters + projection.low_rank.b),
        a(tile.parameters + projection.low_rank.a),
        scale(tile.parameters[projection.low_rank.scale]),
        rank(tile.plan->rank),
        a_stride(projection.low_rank.a_stride) {}
};

/// Adds the noise to the sums of kBlock vectors of 16 neurons (neuron lanes), from c'.
template <int kBlock, class Team>
SPIKELANE_INLINE void add_factor_rows(const Team& team, const Factors& factors, const float* c,
                                      int i, typename Team::F* sum) {
  SPIKELANE_ROLLED
  for (int k = 0; k < factors.rank; ++k) {
    const float* a = factors.a + static_cast<int64_t>(k) * factors.a_stride + i;
    const auto c_k = team.broadcast(c[k]);
    for (int g = 0; g < kBlock; ++g) sum[g] = fma(team.load(a + g * kLanes), c_k, sum[g]);
  }
}

/// The same for kBlock neurons of 16 samples each (sample lanes); c' is (r, 16).
template <int kBlock, class Team>
SPIKELANE_INLINE void add_factor_neurons(const Team& team, const Factors& factors, const float* c,
                                         int i, typename Team::F* sum) {
  SPIKELANE_ROLLED
  for (int k = 0; k < factors.rank; ++k) {
    const float* a = factors.a + static_cast<int64_t>(k) * factors.a_stride + i;
    const auto c_k = team.load(c + k * kLanes);
    for (int g = 0; g < kBlock; ++g) sum[g] = fma(team.broadcast(a[g]), c_k, sum[g]);
  }
}

}  // namespace spikelane::SPIKELANE_ISA
