// What two configs say differently, key by key.
#pragma once

#include <string>
#include <vector>

#include "engine/config/run_config.h"

namespace spikelane {

/// One key, as --set names it, and its values as JSON; a key that only one of them has is "nothing"
/// in the other.
struct ConfigDifference {
  std::string key, before, now;
};

/// Defaults are filled in on both sides, so a key that was left out is no difference. `run` is left
/// out: it says how long and how often, not what is trained.
std::vector<ConfigDifference> config_differences(const RunConfig& before, const RunConfig& now);

}  // namespace spikelane
