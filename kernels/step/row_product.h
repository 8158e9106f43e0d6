// Dense products: a few rows times a matrix, blocked so that sums stay in registers.
//
//   out[r][i] = sum_j rows[r][j] * matrix[j][i],   fma, j ascending from +0
//
// One accumulator an entry, so blocking changes no bit.
#pragma once

#include <stdint.h>

#include "kernels/core/device.h"
#include "kernels/core/lanes.h"
#include "kernels/step/views.h"

namespace spikelane::SPIKELANE_ISA {

/// Rows of one length side by side; `stride` floats from one to the next, 64-byte aligned.
struct MatrixRows {
  const float* values;
  int64_t stride;
};

template <int kRows, int kVectors, class Team>
SPIKELANE_INLINE void multiply_block(const Team& team, MatrixRows rows, int n_inner,
                                     MatrixRows matrix, float* out, int64_t out_stride) {
  typename Team::F sum[kRows][kVectors];
  SPIKELANE_UNROLLED
  for (int r = 0; r < kRows; ++r) SPIKELANE_UNROLLED
  for (int k = 0; k < kVectors; ++k) sum[r][k] = team.broadcast(0.0f);
  const float* column = matrix.values;
  for (int j = 0; j < n_inner; ++j, column += matrix.stride) {
    typename Team::F values[kVectors];
    SPIKELANE_UNROLLED
    for (int k = 0; k < kVectors; ++k) values[k] = team.load(column + k * kLanes);
    SPIKELANE_UNROLLED
    for (int r = 0; r < kRows; ++r) {
      const auto x = team.broadcast(rows.values[r * rows.stride + j]);
      SPIKELANE_UNROLLED
      for (int k = 0; k < kVectors; ++k) sum[r][k] = fma(x, values[k], sum[r][k]);
    }
  }
  SPIKELANE_UNROLLED
  for (int r = 0; r < kRows; ++r) SPIKELANE_UNROLLED
  for (int k = 0; k < kVectors; ++k) team.store(out + r * out_stride + k * kLanes, sum[r][k]);
}

template <int kRows, int kVectors, class Team>
SPIKELANE_HD void multiply_panel(const Team& team, MatrixRows rows, int n_rows, int n_inner,
                                 MatrixRows matrix, float* out, int64_t out_stride) {
  int r = 0;
  for (; r + kRows <= n_rows; r += kRows)
    multiply_block<kRows, kVectors>(team, {rows.values + r * rows.stride, rows.stride}, n_inner,
                                    matrix, out + r * out_stride, out_stride);
  // what is left in powers of two
  constexpr int kLess = kRows > 4 ? 4 : kRows / 2;
  if constexpr (kRows > 1)
    if (r < n_rows)
      multiply_panel<kLess, kVectors>(team, {rows.values + r * rows.stride, rows.stride},
                                      n_rows - r, n_inner, matrix, out + r * out_stride,
                                      out_stride);
}

/// `n_vectors` groups of 16 columns of n_rows rows. Column j belongs to the worker of index j.
template <class Team>
SPIKELANE_HD void multiply_rows(const Team& team, MatrixRows rows, int n_rows, int n_inner,
                                MatrixRows matrix, int n_vectors, float* out, int64_t out_stride) {
  constexpr int kVectors = Team::kProductVectors;
  // a team of many workers takes one vector at a time
  const int step = team.vector_step() / kLanes;
  int i = team.vector_begin() / kLanes;
  for (; i + kVectors <= n_vectors; i += kVectors * step)
    multiply_panel<Team::kProductRows, kVectors>(team, rows, n_rows, n_inner,
                                                 {matrix.values + i * kLanes, matrix.stride},
                                                 out + i * kLanes, out_stride);
  for (; i < n_vectors; i += step)
    multiply_panel<Team::kProductRows, 1>(team, rows, n_rows, n_inner,
                                          {matrix.values + i * kLanes, matrix.stride},
                                          out + i * kLanes, out_stride);
}

}  // namespace spikelane::SPIKELANE_ISA
