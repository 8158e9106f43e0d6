// Problems as JSON, for programs that show them in their own way.
#pragma once

#include <string>
#include <vector>

#include "engine/config/user_error.h"
#include "engine/report/results.h"

namespace spikelane {

/// [{"path": ..., "found": ..., "allowed": ...}, ...] on one line.
std::string problems_to_json(const std::vector<Problem>& problems);

/// {"n_samples", "state_hash", "firing_rate"} of a run, with loss and accuracy where they are set.
std::string run_to_json(int n_samples, const std::string& state_hash, const Report& report);

}  // namespace spikelane
