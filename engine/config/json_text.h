// Strict reading of JSON text, and --set overrides: everything that can be wrong before the keys
// are looked at.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/problems.h"

namespace spikelane {

inline constexpr int kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxConfigBytes = std::size_t{64} << 20;

/// Parses exactly one JSON value. Unlike nlohmann's own parser it refuses duplicate keys and
/// nesting deeper than kMaxJsonDepth. A duplicate key is a problem placed by its path, and reading
/// goes on (the last value stays); a text that is no JSON is one placed at
/// "<name>:<line>:<column>", and the value returned is discarded.
nlohmann::json parse_json(std::string_view text, const std::string& name, Problems& problems);

/// Applies "key.path=value" strings in order. A value is read as JSON and, if it is none, taken as
/// a string. Steps into arrays are indices of elements that are there. Keys that are missing are
/// made; whether they are known is for the reader of the config to say.
void apply_overrides(nlohmann::json& document, const std::vector<std::string>& overrides,
                     Problems& problems);

/// A value as shown in a message: its JSON text, or for long ones what it is ("an array of 64").
std::string value_text(const nlohmann::json& value);

}  // namespace spikelane
