// The evolution strategies' gradient of a weight matrix whose noise is of low rank: both factors
// are drawn again, a tile of columns and a block of members at a time.
//
// Contract, for the weight from neuron j to neuron i on its own, in double, no fma, d over the
// draws of 8 members and within a draw k over the rank, both ascending:
//   block    = ((+0 + (c_0*B_0[j,0]) * A_0[0,i]) + (c_0*B_0[j,1]) * A_0[1,i]) + ...
//   sum      = ((+0 + block_0) + block_1) + ...
//   gradient = sum / divisor, rounded to float once
// with c the coefficients of GradientView. So tiles, threads, ranks and ISAs cannot change a bit.
#pragma once

#include <stdint.h>

#include "kernels/core/isa.h"
#include "kernels/core/noise_block.h"
#include "kernels/step/es_gradient_view.h"

namespace spikelane::SPIKELANE_ISA {

constexpr int kFactorColumns = 128;             // of a tile: a row of sums is 1 KB
constexpr int kMostTerms = 8 * kMostNoiseRank;  // of a block

/// sum[i] += t_0 + t_1 + ... with t_k = left[k] * right[k, i]; right is (kTerms, kFactorColumns).
#if !defined(__CUDACC__)
template <int kTerms>
inline void add_terms(const double* left, const double* right, int n, double* sum) {
#pragma omp simd
  for (int i = 0; i < n; ++i) {
    double block = 0.0;
#pragma GCC unroll 8
    for (int k = 0; k < kTerms; ++k) block += left[k] * right[k * kFactorColumns + i];
    sum[i] += block;
  }
}

/// The same for any number of terms; `block` is (kFactorColumns) of working memory.
inline void add_any_terms(const double* left, const double* right, int n_terms, int n,
                          double* block, double* sum) {
  if (n_terms == 4) return add_terms<4>(left, right, n, sum);
  if (n_terms == 8) return add_terms<8>(left, right, n, sum);
  for (int i = 0; i < n; ++i) block[i] = 0.0;
  for (int k = 0; k < n_terms; ++k) {
    const double* row = right + k * kFactorColumns;
#pragma omp simd
    for (int i = 0; i < n; ++i) block[i] += left[k] * row[i];
  }
#pragma omp simd
  for (int i = 0; i < n; ++i) sum[i] += block[i];
}

inline void draw_factor(const GradientView& view, float* out, int64_t first, int64_t n,
                        const RandomKey& key) {
  if (view.is_sign)
    draw_signs(out, first, n, key);
  else
    draw_normals(out, first, n, key);
}

/// An AccumulateLowRank on regenerated factors.
inline void accumulate_low_rank(const GradientView& view, const FactorView& factors, int first_row,
                                int n_rows, double divisor, float* gradient) {
  alignas(64) double right[kMostTerms * kFactorColumns];
  alignas(64) double sum[kFactorRows * kFactorColumns];
  alignas(64) double block[kFactorColumns];
  alignas(
      64) float drawn[kFactorRows * kMostNoiseRank > kFactorColumns ? kFactorRows * kMostNoiseRank
                                                                    : kFactorColumns];
  double left[kFactorRows * kMostTerms];
  const int rank = factors.rank;
  for (int first = 0; first < factors.n_columns; first += kFactorColumns) {
    const int n =
        factors.n_columns - first < kFactorColumns ? factors.n_columns - first : kFactorColumns;
    for (int i = 0; i < n_rows * kFactorColumns; ++i) sum[i] = 0.0;
    for (int d = 0; d < view.n_draws; d += view.draws_per_block) {
      const int n_here =
          view.n_draws - d < view.draws_per_block ? view.n_draws - d : view.draws_per_block;
      const int n_terms = n_here * rank;
      for (int m = 0; m < n_here; ++m) {
        const RandomKey key{view.seed, kFactorStep, view.update, Stream::kNoise,
                            static_cast<uint32_t>(d + m)};
        draw_factor(view, drawn, factors.b_begin + int64_t{first_row} * rank,
                    int64_t{n_rows} * rank, key);
        for (int j = 0; j < n_rows; ++j)
          for (int k = 0; k < rank; ++k)
            left[j * n_terms + m * rank + k] =
                view.coefficients[d + m] * static_cast<double>(drawn[j * rank + k]);
        for (int k = 0; k < rank; ++k) {
          draw_factor(view, drawn, factors.a_begin + k * factors.a_stride + first, n, key);
          double* row = right + (m * rank + k) * kFactorColumns;
#pragma omp simd
          for (int i = 0; i < n; ++i) row[i] = static_cast<double>(drawn[i]);
        }
      }
      for (int j = 0; j < n_rows; ++j)
        add_any_terms(left + j * n_terms, right, n_terms, n, block, sum + j * kFactorColumns);
    }
    for (int j = 0; j < n_rows; ++j)
      for (int i = 0; i < n; ++i)
        gradient[int64_t{j} * factors.n_columns + first + i] =
            static_cast<float>(sum[j * kFactorColumns + i] / divisor);
  }
}
#endif

/// The same by a team that holds a square of kFactorTile x kFactorTile entries, each worker some
/// rows of one column: n_workers * kEntries is the square. Rows and columns begin at multiples of
/// kFactorTile. `left` (kFactorTile, 8 * rank) and `right` (8 * rank, kFactorTile) are shared.
constexpr int kFactorTile = 32;

template <class Team>
SPIKELANE_HD void draw_factors(const Team& team, const GradientView& view,
                               const FactorView& factors, int d, int n_here, int first_row,
                               int first_column, double* left, float* right) {
  const int rank = factors.rank, n_terms = n_here * rank;
  const int n_each = kFactorTile * rank / 4;  // random blocks of either factor
  for (int at = team.worker(); at < 2 * n_here * n_each; at += team.n_workers()) {
    const bool is_a = at >= n_here * n_each;
    const int m = at / n_each % n_here, quad = at % n_each;
    const RandomKey key{view.seed, kFactorStep, view.update, Stream::kNoise,
                        static_cast<uint32_t>(d + m)};
    const int k_of_a = quad / (kFactorTile / 4), i_of_a = quad % (kFactorTile / 4) * 4;
    const int64_t index = is_a ? factors.a_begin + k_of_a * factors.a_stride + first_column + i_of_a
                               : factors.b_begin + int64_t{first_row} * rank + quad * 4;
    float drawn[4];
    noise_block(view.is_sign, static_cast<uint32_t>(index >> 2), key, drawn);
    for (int i = 0; i < 4; ++i)
      if (is_a)
        right[(m * rank + k_of_a) * kFactorTile + i_of_a + i] = drawn[i];
      else
        left[(quad * 4 + i) / rank * n_terms + m * rank + (quad * 4 + i) % rank] =
            view.coefficients[d + m] * static_cast<double>(drawn[i]);
  }
}

template <int kEntries, class Team>
SPIKELANE_HD void share_low_rank(const Team& team, const GradientView& view,
                                 const FactorView& factors, int first_row, int n_rows,
                                 int first_column, double divisor, double* left, float* right,
                                 float* gradient) {
  const int column = team.worker() % kFactorTile, row = team.worker() / kFactorTile * kEntries;
  double sum[kEntries] = {};
  for (int d = 0; d < view.n_draws; d += view.draws_per_block) {
    const int n_here =
        view.n_draws - d < view.draws_per_block ? view.n_draws - d : view.draws_per_block;
    const int n_terms = n_here * factors.rank;
    draw_factors(team, view, factors, d, n_here, first_row, first_column, left, right);
    team.sync();
    for (int r = 0; r < kEntries; ++r) {
      double block = 0.0;
      for (int k = 0; k < n_terms; ++k)
        block +=
            left[(row + r) * n_terms + k] * static_cast<double>(right[k * kFactorTile + column]);
      sum[r] += block;
    }
    team.sync();
  }
  for (int r = 0; r < kEntries; ++r)
    if (first_row + row + r < n_rows && first_column + column < factors.n_columns)
      gradient[int64_t{first_row + row + r} * factors.n_columns + first_column + column] =
          static_cast<float>(sum[r] / divisor);
}

}  // namespace spikelane::SPIKELANE_ISA
