// What the gradient kernel sees; shared by objects compiled for different ISAs.
#pragma once

#include <stdint.h>

namespace spikelane {

/// The members of one generation as draws of noise with a coefficient each.
///
/// plain        draw m is member m's eps; its coefficient is shaped[m].
/// antithetic   draw d is +eps of member 2d and -eps of member 2d+1; its coefficient is
///              shaped[2d] - shaped[2d+1], rounded once.
///
/// Either way a block is 8 members: 8 draws, or 4.
struct GradientView {
  const double* coefficients;  // (n_draws)
  int n_draws;
  int draws_per_block;  // 8 plain, 4 antithetic
  uint64_t seed;        // of the run: the noise is regenerated from it
  uint32_t update;
  bool is_sign = false;  // noise is +1 or -1 instead of normal
};

/// Writes sum[i], i = 0 .. end - begin - 1: over the draws, coefficient * eps[begin + i].
using AccumulateGradient = void (*)(const GradientView& view, int64_t begin, int64_t end,
                                    double* sum);

/// c1 of the random numbers of low-rank factors; those of single parameters have 0.
constexpr uint32_t kFactorStep = 1;
constexpr int kMostNoiseRank = 16;
constexpr int kFactorRows = 64;  // rows of a matrix that AccumulateLowRank takes at most

/// Where the factors of one matrix's noise lie among a draw's random numbers: B (rows, rank), and A
/// (rank, n_columns) with its rows a_stride apart.
struct FactorView {
  int rank, n_columns;
  int64_t b_begin, a_begin, a_stride;
};

/// Writes gradient (n_rows, n_columns) for the rows from first_row on; see low_rank_gradient.h.
using AccumulateLowRank = void (*)(const GradientView& view, const FactorView& factors,
                                   int first_row, int n_rows, double divisor, float* gradient);

}  // namespace spikelane
