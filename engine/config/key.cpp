#include "engine/config/key.h"

#include <charconv>

namespace spikelane {

bool NumberRange::contains(double x) const {
  // written so that a NaN is outside
  const bool is_low_enough = is_below_max ? x < max : x <= max;
  const bool is_high_enough = is_above_min ? x > min : x >= min;
  return is_low_enough && is_high_enough;
}

std::string NumberRange::to_text() const {
  const NumberRange any;
  if (min == any.min && max == any.max) return "a number (magnitude at most 1e+30)";
  if (min == kPositive.min && max == any.max) return "a number > 0 (1e-20 to 1e+30)";
  const std::string lower =
      min == kPositive.min ? " > 0" : (is_above_min ? " > " : " >= ") + number_text(min);
  const std::string upper = (is_below_max ? " < " : " <= ") + number_text(max);
  if (max == any.max) return "a number" + lower;
  return "a number" + lower + " and" + upper;
}

std::string IntegerRange::to_text() const {
  return "an integer from " + std::to_string(min) + " to " + std::to_string(max);
}

std::string number_text(double x) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, x).ptr;
  return std::string(text, end);
}

}  // namespace spikelane
