// The evolution strategies' gradient estimate g = sum_m shaped_m * eps_m / (M * sigma).
// With noise of low rank eps_m is E_m = B_m A_m^T / sqrt(r), whose entries have mean 0 and variance
// 1 and are uncorrelated, so that the estimate is that of the gradient as with full noise in first
// order of sigma (Sarkar et al. 2025, arXiv:2511.16652, in whose words this is EGGROLL).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/learning/schedule.h"
#include "kernels/step/es_gradient_view.h"

namespace spikelane {

/// The members of one generation, ready to be summed. `shaped` is (M), in member order; with
/// antithetic pairs M is even, member 2d has +eps_d and member 2d+1 has -eps_d.
class GradientEstimate {
 public:
  /// `is_sign`: the noise is +1 or -1, which has the mean and variance of normal noise.
  GradientEstimate(std::span<const double> shaped, bool antithetic, std::uint64_t seed,
                   std::uint32_t update, bool is_sign = false);

  /// Writes gradient[begin .. end-1] of the flat parameters (P): the sum of es_gradient.h in
  /// double, divided by M * sigma in double, rounded to float once. Entries are independent: calls
  /// for disjoint ranges may run on different threads, and no cut changes a bit. `accumulate` is an
  /// AccumulateGradient of some ISA.
  void write(const std::function<void(const GradientView&, std::int64_t, std::int64_t, double*)>&
                 accumulate,
             std::int64_t begin, std::int64_t end, float sigma, std::span<float> gradient) const;

  /// The same for rows of a weight matrix with noise of low rank: writes n_rows (at most
  /// kFactorRows) rows of n_columns. The divisor is M * sigma * sqrt(rank), in double.
  void write_low_rank(AccumulateLowRank accumulate, const FactorView& factors, int first_row,
                      int n_rows, float sigma, float* gradient) const;

 private:
  GradientView view() const;

  std::vector<double> coefficients_;  // (draws)
  int n_members_;
  int draws_per_block_;
  std::uint64_t seed_;
  std::uint32_t update_;
  bool is_sign_;
};

/// Euclidean norm over the searched entries, for reports.
double gradient_norm(std::span<const float> gradient, std::span<const ParameterRange> searched);

}  // namespace spikelane
