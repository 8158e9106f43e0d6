// The list of all keys as data: for messages, and for the table in docs/config.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/key.h"

namespace spikelane {

/// A default and the kind of object it holds for ("kind = rms_prop"; empty: always).
struct KeyDefault {
  std::string condition, value;
};

struct KeyRow {
  std::string section;  // with a dot at the end; items of lists are N: "network.populations.N."
  std::string name, allowed, unit, meaning;
  std::vector<KeyDefault> defaults;   // none for a required key
  std::vector<std::string> kinds_of;  // conditions under which the key is there; empty: always
  bool is_required = false;
};

/// All keys, in the order of config_keys.h, an object's keys together.
const std::vector<KeyRow>& key_rows();

/// The kinds of object that have this key ("model = readout"; empty: all of them); nothing when no
/// kind has it.
std::optional<std::string> condition_of_key(std::string_view section, std::string_view name);

/// The keys of one section, of whatever kind.
std::vector<std::string> keys_of_section(std::string_view section);

/// "<range>, or an array of n such numbers".
std::string per_neuron_text(NumberRange range);

/// Of a projection, in steps, and how many of them. A source keeps its spikes for the largest one.
inline constexpr int kMaxDelay = 65'535, kMaxDelays = 64;

/// What one delay may be, and what the key may be, in steps or in ms.
std::string delay_text(bool is_ms);
std::string delays_text(bool is_ms);

inline constexpr IntegerRange kUpdatesBetween{0, 1'000'000'000};
inline constexpr NumberRange kSecondsBetween{.min = 0.001, .max = 1e9};

/// "<range>, or {\"seconds\": <range>}".
std::string updates_or_seconds_text();

}  // namespace spikelane
