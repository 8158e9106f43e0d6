// Working memory of one team that runs a regression, on the CPU or on a device.
#pragma once

#include <cstdint>

#include "kernels/step/kernl_regression_view.h"

namespace spikelane {

/// Hands the arrays of scored rows to take(pointer, n).
template <class Take>
void place_regression_rows(const RegressionView& rule, std::int64_t n_rows, RegressionRows& rows,
                           const Take& take) {
  take(rows.target, n_rows * rule.n_padded);
  for (int f = 0; f < rule.n_filters; ++f) {
    take(rows.theta[f], n_rows * rule.n_padded);
    take(rows.Gamma[f], n_rows * rule.n_padded);
  }
}

/// And of M and g as the kernels read them.
template <class Take>
void place_regression_filters(RegressionView& rule, const Take& take) {
  const std::int64_t n_padded = rule.n_padded, n_matrix = rule.n * n_padded;
  for (int f = 0; f < rule.n_filters; ++f) {
    take(rule.filters[f].decay, n_padded);
    take(rule.filters[f].sensitivity, n_matrix);
    take(rule.filters[f].transposed, n_matrix);
  }
}

/// And those of `scratch` to take(pointer, n); tile and scratch of a copy are not among them.
template <class Take>
void place_regression_scratch(const RegressionView& rule, RegressionScratch& scratch,
                              const Take& take) {
  const std::int64_t n_padded = rule.n_padded, n_rows = kNoiseSteps * n_padded;
  for (float** rows :
       {&scratch.psi, &scratch.drive, &scratch.current, &scratch.v, &scratch.b, &scratch.v_copy,
        &scratch.threshold_copy, &scratch.predicted, &scratch.error, &scratch.back})
    take(*rows, n_rows);
  place_regression_rows(rule, kNoiseSteps, scratch.rows, take);
  take(scratch.squares, n_rows / 32);
  take(scratch.copy_state, 3 * n_padded);
  take(scratch.words, n_rows);
}

}  // namespace spikelane
