// How well spike times alone tell the classes apart: a figure to print beside a network's accuracy.
#pragma once

#include <optional>

#include "engine/run/task.h"

namespace spikelane {

/// Share of the test samples (0..1) whose nearest training sample has their label. Distance:
/// Euclidean over the units' spike steps, a unit's spikes in ascending order; of equally near
/// samples the one with the lowest index counts. A unit with fewer spikes than the most that one
/// unit has in any sample is filled up with its last step (two spikes in one step were merged), a
/// silent unit with n_steps. Where test and training set are the same samples, a sample is not its
/// own neighbour. Empty for dense inputs, without labels, or without samples.
std::optional<double> nearest_neighbour_ceiling(const TaskData& data);

}  // namespace spikelane
