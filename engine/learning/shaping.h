// Fitness shaping: what the losses of one generation count for in the gradient.
#pragma once

#include <span>
#include <vector>

#include "engine/config/run_config.h"

namespace spikelane {

/// Shaped losses, (M), in member order; low is good, as in the losses.
///
/// kNone          the losses themselves.
/// kZScore        (l - mean) / population standard deviation, both sums by tree_sum_blocks_of_8.
///                Losses that are all equal, or whose spread underflows, give zeros: no member is
///                better than another, so no direction is.
/// kCentredRanks  rank / (M - 1) - 0.5, ranks ascending from 0; equal losses share the mean of
///                their ranks, or by index the lower index has the lower rank. A single member gets
///                0.
///
/// Throws RunError, naming the first such member, when a loss is not finite.
/// kernels/step/es_shaping.h has the same for devices.
std::vector<double> shape_losses(ShapingKind kind, std::span<const double> losses,
                                 TiesKind ties = TiesKind::kMeanRank);

/// Whether all shaped losses of shape_losses are 0: no member is better than another, and the
/// generation moves nothing.
bool is_flat(ShapingKind kind, std::span<const double> losses, TiesKind ties);

/// Leaves only the best directions in `shaped` (M), as in augmented random search (Mania, Guy and
/// Recht 2018, arXiv:1803.07055): a direction is a pair of members (2d, 2d+1) where
/// `is_antithetic`, else a member, and its loss is the lowest of its members'. The first
/// ceil(fraction * D) of D directions, losses ascending, of equal ones the lower index first, are
/// multiplied by D / ceil(fraction * D), so that the gradient is their mean; the others become 0. A
/// fraction of 1 changes nothing.
void keep_best_directions(std::span<double> shaped, std::span<const double> losses, double fraction,
                          bool is_antithetic);

/// The check alone.
void check_losses(std::span<const double> losses);

}  // namespace spikelane
