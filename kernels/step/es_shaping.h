// From the losses of a generation to what each draw of noise counts for, by a team of workers:
// means over samples, shaping, and the coefficients of the gradient. engine/learning/shaping.h has
// the definitions; engine/learning/sums.h the order in which is added.
#pragma once

#include <stdint.h>

#include "kernels/core/double_math.h"

namespace spikelane {

enum class Shaping : int { kNone, kZScore, kCentredRanks };

/// The members' losses and what becomes of them (kernels/step/es_gradient_view.h).
struct ShapingView {
  const double* losses;  // (n_members)
  int n_members;
  Shaping shaping;
  int is_antithetic;
  double* coefficients;    // (draws)
  int ties_by_index = 0;   // equal losses have ranks by index, else the mean of their ranks
  int* is_flat = nullptr;  // set to 1 where all shaped losses are 0, else to 0
};

namespace SPIKELANE_ISA {

/// value(0) + ... + value(n - 1) in blocks of 8, known to all workers. `room` is (n_workers).
template <class Team, class Value>
SPIKELANE_HD double sum_blocks_of_8(const Team& team, int64_t n, double* room, const Value& value) {
  double total = 0.0;
  const int64_t n_workers = team.n_workers();
  for (int64_t first = 0; first < n; first += 8 * n_workers) {
    const int64_t begin = first + 8 * team.worker();
    const int64_t end = n - begin < 8 ? n : begin + 8;
    double block = 0.0;
    for (int64_t i = begin; i < end; ++i) block += value(i);
    room[team.worker()] = block;
    team.sync();
    const int64_t n_left = (n - first + 7) / 8, n_blocks = n_left < n_workers ? n_left : n_workers;
    for (int64_t b = 0; b < n_blocks; ++b) total += room[b];
    team.sync();
  }
  return total;
}

struct LossAt {
  const double* losses;
  SPIKELANE_HD double operator()(int64_t m) const { return losses[m]; }
};
struct IsOther {
  const double* losses;
  SPIKELANE_HD double operator()(int64_t m) const { return losses[m] != losses[0] ? 1.0 : 0.0; }
};
struct SquareFrom {
  const double* losses;
  double mean;
  SPIKELANE_HD double operator()(int64_t m) const {
    const double deviation = losses[m] - mean;
    return deviation * deviation;
  }
};

/// A member's loss: the mean over its samples.
template <class Team>
SPIKELANE_HD double mean_loss(const Team& team, const double* losses, int n_samples, double* room) {
  return sum_blocks_of_8(team, n_samples, room, LossAt{losses}) / static_cast<double>(n_samples);
}

/// How many losses are lower. Equal ones share the mean of their ranks; or, by index, those of
/// lower members count as lower.
SPIKELANE_HD inline double rank_of(const ShapingView& view, int m) {
  const double own = view.losses[m];
  int64_t n_lower = 0, n_equal = 0;
  for (int j = 0; j < view.n_members; ++j) {
    n_lower += view.losses[j] < own ? 1 : 0;
    n_equal += view.losses[j] == own && (view.ties_by_index ? j < m : j != m) ? 1 : 0;
  }
  return static_cast<double>(n_lower) +
         static_cast<double>(n_equal) * (view.ties_by_index ? 1.0 : 0.5);
}

/// Whether all shaped losses are 0: no member is better than another.
SPIKELANE_HD inline bool is_flat(const ShapingView& view, bool are_equal, bool are_zero,
                                 double deviation) {
  switch (view.shaping) {
    case Shaping::kZScore:
      return deviation == 0.0;
    case Shaping::kCentredRanks:
      return view.n_members < 2 || (are_equal && !view.ties_by_index);
    case Shaping::kNone:
      break;
  }
  return are_zero;
}

/// Coefficients of the draws begin .. end-1. `room` is (n_workers).
template <class Team>
SPIKELANE_HD void shape_draws(const Team& team, const ShapingView& view, int begin, int end,
                              double* room) {
  const double* losses = view.losses;
  const int n = view.n_members;
  double mean = 0.0, deviation = 0.0;  // no deviation: no member is better than another
  const bool are_equal = sum_blocks_of_8(team, n, room, IsOther{losses}) == 0.0;
  const bool are_zero = are_equal && losses[0] == 0.0;
  if (view.shaping == Shaping::kZScore) {
    mean = sum_blocks_of_8(team, n, room, LossAt{losses}) / static_cast<double>(n);
    const double variance =
        sum_blocks_of_8(team, n, room, SquareFrom{losses, mean}) / static_cast<double>(n);
    deviation = are_equal ? 0.0 : own_sqrt(variance);
  }
  const auto shaped = [&](int m) {
    switch (view.shaping) {
      case Shaping::kZScore:
        return deviation == 0.0 ? 0.0 : (losses[m] - mean) / deviation;
      case Shaping::kCentredRanks:
        return n < 2 ? 0.0 : rank_of(view, m) / static_cast<double>(n - 1) - 0.5;
      case Shaping::kNone:
        break;
    }
    return losses[m];
  };
  if (view.is_flat && begin == 0 && team.is_leader())
    *view.is_flat = is_flat(view, are_equal, are_zero, deviation);
  for (int d = begin + team.worker(); d < end; d += team.n_workers())
    view.coefficients[d] = view.is_antithetic ? shaped(2 * d) - shaped(2 * d + 1) : shaped(d);
}

}  // namespace SPIKELANE_ISA
}  // namespace spikelane
