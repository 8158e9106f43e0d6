// What is said about a key of the config: its name, meaning and unit, whether it must be there,
// and what is allowed as its value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spikelane {

/// One key. Its default is the value of its field in a default-made struct.
struct Key {
  const char* name = "";
  const char* meaning = "";
  const char* unit = "";
  bool is_required = false;
};

struct NumberRange {
  double min = -1e30, max = 1e30;
  bool is_above_min = false;  // min itself is not allowed
  bool is_below_max = false;  // max itself is not allowed

  bool contains(double x) const;
  /// "a number >= 0 and < 1".
  std::string to_text() const;
};

/// Greater than 0 by so much that it stays greater in float32.
inline constexpr NumberRange kPositive{.min = 1e-20};
inline constexpr NumberRange kNotNegative{.min = 0.0};
inline constexpr NumberRange kZeroToOne{.min = 0.0, .max = 1.0};
inline constexpr NumberRange kBelowOne{.min = 0.0, .max = 1.0, .is_below_max = true};
inline constexpr NumberRange kFraction{.min = 1e-20, .max = 1.0};

struct IntegerRange {
  std::uint64_t min = 0, max = 1'000'000'000;

  /// "an integer from 1 to 1000000".
  std::string to_text() const;
};

/// A value of an enum and its name in the config.
template <class Enum>
struct EnumName {
  Enum value;
  const char* name;
};

template <class Enum, std::size_t n>
std::vector<std::string> names_of(const EnumName<Enum> (&table)[n]) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

template <class Enum, std::size_t n>
std::string name_of(Enum value, const EnumName<Enum> (&table)[n]) {
  for (const auto& entry : table) {
    if (entry.value == value) return entry.name;
  }
  return "";
}

/// The number in the fewest digits that name it ("0.05", "1e-10").
std::string number_text(double x);

}  // namespace spikelane
