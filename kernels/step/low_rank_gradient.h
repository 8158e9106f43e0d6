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
#include "kernels/core/random.h"
#include "kernels/step/es_gradient_view.h"

namespace spikelane::SPIKELANE_ISA {

constexpr int kFactorColumns = 128;             // of a tile: a row of sums is 1 KB
constexpr int kMostTerms = 8 * kMostNoiseRank;  // of a block

/// sum[i] += t_0 + t_1 + ... with t_k = left[k] * right[k, i]; right is (kTerms, kFactorColumns).
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
        draw_normals(drawn, factors.b_begin + int64_t{first_row} * rank, int64_t{n_rows} * rank,
                     key);
        for (int j = 0; j < n_rows; ++j)
          for (int k = 0; k < rank; ++k)
            left[j * n_terms + m * rank + k] =
                view.coefficients[d + m] * static_cast<double>(drawn[j * rank + k]);
        for (int k = 0; k < rank; ++k) {
          draw_normals(drawn, factors.a_begin + k * factors.a_stride + first, n, key);
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

}  // namespace spikelane::SPIKELANE_ISA
