// Controllers that know nothing, to hold a trained one against: no action, or random ones.
#pragma once

#include <memory>

#include "engine/run/closed_loop.h"

namespace spikelane {

enum class Baseline { kZero, kRandom };

/// The loop of a task, in which an action is 0 (where there are choices: the first one), or drawn
/// evenly from all actions at each control step, whatever the network says. `loop` must outlive it.
std::shared_ptr<const ClosedLoop> with_baseline(const ClosedLoop& loop, Baseline baseline);

}  // namespace spikelane
