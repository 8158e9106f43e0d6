#include "engine/learning/shaping.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>

#include "engine/config/user_error.h"
#include "engine/learning/sums.h"

namespace spikelane {

namespace {

std::vector<double> z_scores(std::span<const double> losses) {
  std::vector<double> shaped(losses.size(), 0.0);
  // the mean of equal numbers need not be that number, and its error must not become a score of 1
  const auto [lowest, highest] = std::minmax_element(losses.begin(), losses.end());
  if (losses.empty() || *lowest == *highest) return shaped;

  const double n_members = static_cast<double>(losses.size());
  const double mean = tree_sum_blocks_of_8(losses) / n_members;
  const double variance = tree_sum_blocks_of_8(losses.size(),
                                               [&](std::size_t m) {
                                                 const double deviation = losses[m] - mean;
                                                 return deviation * deviation;
                                               }) /
                          n_members;
  if (variance == 0.0) return shaped;
  const double deviation = std::sqrt(variance);
  for (std::size_t m = 0; m < losses.size(); ++m) shaped[m] = (losses[m] - mean) / deviation;
  return shaped;
}

std::vector<double> centred_ranks(std::span<const double> losses, TiesKind ties) {
  std::vector<std::size_t> order(losses.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return losses[a] < losses[b]; });
  std::vector<double> shaped(losses.size(), 0.0);
  if (losses.size() < 2) return shaped;
  const double highest = static_cast<double>(losses.size() - 1);
  for (std::size_t first = 0; first < order.size();) {
    // ranks first .. end - 1 have the same loss
    std::size_t end = first + 1;
    while (ties == TiesKind::kMeanRank && end < order.size() &&
           losses[order[end]] == losses[order[first]])
      ++end;
    const double rank = static_cast<double>(first) + 0.5 * static_cast<double>(end - first - 1);
    for (; first < end; ++first) shaped[order[first]] = rank / highest - 0.5;
  }
  return shaped;
}

}  // namespace

void check_losses(std::span<const double> losses) {
  for (std::size_t m = 0; m < losses.size(); ++m)
    if (!std::isfinite(losses[m]))
      throw RunError("the loss of member " + std::to_string(m) + " is not finite");
}

std::vector<double> shape_losses(ShapingKind kind, std::span<const double> losses, TiesKind ties) {
  check_losses(losses);
  switch (kind) {
    case ShapingKind::kZScore:
      return z_scores(losses);
    case ShapingKind::kCentredRanks:
      return centred_ranks(losses, ties);
    case ShapingKind::kNone:
      break;
  }
  return {losses.begin(), losses.end()};
}

bool is_flat(ShapingKind kind, std::span<const double> losses, TiesKind ties) {
  const std::vector<double> shaped = shape_losses(kind, losses, ties);
  return std::all_of(shaped.begin(), shaped.end(), [](double x) { return x == 0.0; });
}

void keep_best_directions(std::span<double> shaped, std::span<const double> losses, double fraction,
                          bool is_antithetic) {
  if (fraction >= 1.0) return;
  const std::size_t n_each = is_antithetic ? 2 : 1, n = losses.size() / n_each;
  const auto loss_of = [&](std::size_t d) {
    return is_antithetic ? std::min(losses[2 * d], losses[2 * d + 1]) : losses[d];
  };
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return loss_of(a) < loss_of(b); });
  const auto n_kept = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(n)));
  const double weight = static_cast<double>(n) / static_cast<double>(n_kept);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t m = n_each * order[i]; m < n_each * (order[i] + 1); ++m)
      shaped[m] = i < n_kept ? shaped[m] * weight : 0.0;
}

}  // namespace spikelane
