// Distances between floating-point numbers, for the tests of kernels/core.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace spikelane::test {

/// True when the bits are equal, or both are NaN.
inline bool same_value(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}
inline bool same_value(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

/// |value - exact| in units in the last place of a T of exact's size; 0 where both are NaN or the
/// same infinity, infinite where only one is.
template <class T>
double ulp_error(T value, long double exact) {
  const T nearest = static_cast<T>(exact);
  if (std::isnan(nearest) || std::isnan(value)) {
    return std::isnan(nearest) && std::isnan(value) ? 0.0 : std::numeric_limits<double>::infinity();
  }
  if (std::isinf(nearest) || std::isinf(value)) {
    if (value == nearest) return 0.0;
    // an overflow next to the largest finite value is an error of about one ulp
    const T largest = std::numeric_limits<T>::max();
    if (std::abs(value) < largest || std::abs(nearest) < largest) {
      return std::numeric_limits<double>::infinity();
    }
    return 1.0;
  }
  int exponent = 0;
  std::frexp(exact, &exponent);
  const int lowest = std::numeric_limits<T>::min_exponent;
  if (exponent < lowest) exponent = lowest;
  const long double ulp = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits);
  return static_cast<double>(std::abs(static_cast<long double>(value) - exact) / ulp);
}

}  // namespace spikelane::test
