// The sum in the evolution strategies' gradient: noise is drawn again, a tile of parameters by a
// block of members at a time, and never leaves the cache.
//
// Contract, for each parameter p on its own, in double, no fma:
//   block = ((+0 + c_0*eps_0[p]) + c_1*eps_1[p]) + ...   the draws of 8 members, ascending
//   sum   = ((+0 + block_0) + block_1) + ...             blocks ascending
// with c the coefficients of GradientView. So tiles, threads and ISAs cannot change a bit. The last
// block may be shorter; what it lacks counts as +0.
#pragma once

#include <stdint.h>

#include "kernels/core/device.h"
#include "kernels/core/noise_block.h"
#include "kernels/step/es_gradient_view.h"

namespace spikelane::SPIKELANE_ISA {

#if !defined(__CUDACC__)
/// Parameters whose noise is held at once: 8 draws of it are 16 KB, and stay in L1.
constexpr int kGradientTile = 512;

/// Adds one block of kDraws draws: noise (kDraws, kTile), sum (n).
template <int kDraws, int kTile>
inline void add_gradient_block(const double* coefficient, const float* noise, int n, double* sum) {
#pragma omp simd
  for (int i = 0; i < n; ++i) {
    double block = 0.0;
    SPIKELANE_UNROLLED
    for (int k = 0; k < kDraws; ++k)
      block += coefficient[k] * static_cast<double>(noise[k * kTile + i]);
    sum[i] += block;
  }
}

/// The same with the block's noise drawn into `noise` first: draws d .. d + kDraws - 1 of the
/// parameters first .. first + n - 1.
template <int kDraws, int kTile, class Draw>
SPIKELANE_INLINE void add_drawn_block(const GradientView& view, int d, int64_t first, int n,
                                      const Draw& draw, float* noise, double* sum) {
  double coefficient[kDraws];
  for (int k = 0; k < kDraws; ++k) {
    float* row = noise + k * kTile;
    const bool is_there = d + k < view.n_draws;
    coefficient[k] = is_there ? view.coefficients[d + k] : 0.0;
    if (is_there)
      draw(row, first, n, d + k);
    else
      for (int i = 0; i < n; ++i) row[i] = 0.0f;
  }
  add_gradient_block<kDraws, kTile>(coefficient, noise, n, sum);
}

/// Sums over all draws for the parameters begin .. end-1. draw(out, first_index, n, draw_index)
/// writes eps[first_index .. first_index + n - 1] of that draw.
template <int kDraws, class Draw>
inline void accumulate_gradient_by(const GradientView& view, int64_t begin, int64_t end,
                                   const Draw& draw, double* sum) {
  alignas(64) float noise[kDraws * kGradientTile];
  for (int64_t first = begin; first < end; first += kGradientTile) {
    const int n = end - first < kGradientTile ? static_cast<int>(end - first) : kGradientTile;
    double* tile = sum + (first - begin);
    for (int i = 0; i < n; ++i) tile[i] = 0.0;
    for (int d = 0; d < view.n_draws; d += kDraws)
      add_drawn_block<kDraws, kGradientTile>(view, d, first, n, draw, noise, tile);
  }
}

template <class Draw>
inline void accumulate_gradient_from(const GradientView& view, int64_t begin, int64_t end,
                                     const Draw& draw, double* sum) {
  if (view.draws_per_block == 4)
    accumulate_gradient_by<4>(view, begin, end, draw, sum);
  else
    accumulate_gradient_by<8>(view, begin, end, draw, sum);
}
#endif

/// The same for kTile parameters by a team that shares out the blocks of draws: the leader gets the
/// sums. `room` is (n_workers, kTile). A worker holds the noise of one draw at a time.
template <int kTile, class Team, class Draw>
SPIKELANE_HD inline void share_gradient(const Team& team, const GradientView& view, int64_t first,
                                        const Draw& draw, double* room, double* sum) {
  for (int i = 0; i < kTile; ++i) sum[i] = 0.0;
  const int n_each = view.draws_per_block, n_blocks = (view.n_draws + n_each - 1) / n_each;
  for (int round = 0; round < n_blocks; round += team.n_workers()) {
    const int block = round + team.worker();
    double part[kTile] = {};
    SPIKELANE_ROLLED
    for (int d = block * n_each; d < block * n_each + n_each && d < view.n_draws; ++d) {
      float noise[kTile];
      draw(noise, first, kTile, d);
      for (int i = 0; i < kTile; ++i)
        part[i] += view.coefficients[d] * static_cast<double>(noise[i]);
    }
    for (int i = 0; i < kTile; ++i) room[team.worker() * kTile + i] = part[i];
    team.sync();
    if (team.is_leader())
      for (int k = 0; k < team.n_workers() && round + k < n_blocks; ++k)
        for (int i = 0; i < kTile; ++i) sum[i] += room[k * kTile + i];
    team.sync();
  }
}

/// The members' noise as the trials had it: stream noise, step 0, c2 = update, index = parameter.
struct MemberNoise {
  uint64_t seed;
  uint32_t update;
  bool is_sign = false;
  SPIKELANE_HD RandomKey key(int draw) const {
    return {seed, 0, update, Stream::kNoise, static_cast<uint32_t>(draw)};
  }
#if defined(__CUDACC__)
  // a random block at a time: first_index is a multiple of 4, and n is 4
  SPIKELANE_HD void operator()(float* out, int64_t first_index, int, int draw) const {
    noise_block(is_sign, static_cast<uint32_t>(first_index >> 2), key(draw), out);
  }
#else
  void operator()(float* out, int64_t first_index, int64_t n, int draw) const {
    if (is_sign)
      draw_signs(out, first_index, n, key(draw));
    else
      draw_normals(out, first_index, n, key(draw));
  }
#endif
};

#if !defined(__CUDACC__)
/// An AccumulateGradient on regenerated noise.
inline void accumulate_gradient(const GradientView& view, int64_t begin, int64_t end, double* sum) {
  accumulate_gradient_from(view, begin, end, MemberNoise{view.seed, view.update, view.is_sign},
                           sum);
}
#endif

}  // namespace spikelane::SPIKELANE_ISA
