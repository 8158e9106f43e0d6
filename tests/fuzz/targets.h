// What is fuzzed: each target takes any bytes as what a user might point the program at, and must
// come back. Refusals (UserError, RunError) are what it is there for; anything else that it throws,
// a failed REQUIRE_FUZZ or a sanitizer's report is a mistake of ours.
#pragma once

#include <span>
#include <string_view>

namespace spikelane::fuzz {

struct Target {
  const char* name;
  void (*run)(std::string_view bytes);
};

/// config, safetensors, idx, array, checkpoint; each has a folder of that name in the corpus.
std::span<const Target> targets();

/// Null where there is none of that name.
const Target* find_target(std::string_view name);

}  // namespace spikelane::fuzz
