// The error that ends a run whose state stops being finite.
#pragma once

#include <string>

#include "engine/plan/plan.h"

namespace spikelane {

/// Throws RunError: which population it was, and `where`: which row, when.
[[noreturn]] void throw_state_not_finite(const Plan& plan, int population,
                                         const std::string& where);

}  // namespace spikelane
