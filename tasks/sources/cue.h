// Source `cue`: one unit that fires on every step of a span, to say that an answer is asked for.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/run/task.h"

namespace spikelane {

/// Appends `unit` at the steps first_step .. first_step + n_steps - 1.
inline void append_cue_events(int first_step, int n_steps, int unit,
                              std::vector<InputEvent>& events) {
  for (std::int32_t t = first_step; t < first_step + n_steps; ++t) events.push_back({t, unit});
}

}  // namespace spikelane
