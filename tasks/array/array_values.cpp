#include "tasks/array/array_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace spikelane {

namespace {

// a type of its own, so that half floats and 16-bit integers are told apart
struct Half {
  std::uint16_t bits;
};

// calls visit with a null pointer to the type that holds one element
template <class Visit>
auto with_type(std::string_view dtype, Visit visit) {
  if (dtype == "BOOL" || dtype == "U8") return visit(static_cast<std::uint8_t*>(nullptr));
  if (dtype == "I8") return visit(static_cast<std::int8_t*>(nullptr));
  if (dtype == "U16") return visit(static_cast<std::uint16_t*>(nullptr));
  if (dtype == "I16") return visit(static_cast<std::int16_t*>(nullptr));
  if (dtype == "F16") return visit(static_cast<Half*>(nullptr));
  if (dtype == "F32") return visit(static_cast<float*>(nullptr));
  if (dtype == "F64") return visit(static_cast<double*>(nullptr));
  if (dtype == "I32") return visit(static_cast<std::int32_t*>(nullptr));
  if (dtype == "U32") return visit(static_cast<std::uint32_t*>(nullptr));
  if (dtype == "I64") return visit(static_cast<std::int64_t*>(nullptr));
  if (dtype == "U64") return visit(static_cast<std::uint64_t*>(nullptr));
  throw std::logic_error("dtype " + std::string(dtype));
}

template <class T>
T element(std::span<const std::byte> bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

template <class T>
double number(T value) {
  return static_cast<double>(value);
}
double number(Half value) { return static_cast<double>(float_of_half(value.bits)); }

bool is_one_of(std::string_view dtype, std::initializer_list<std::string_view> dtypes) {
  return std::find(dtypes.begin(), dtypes.end(), dtype) != dtypes.end();
}

}  // namespace

bool is_input_dtype(std::string_view dtype) {
  return is_one_of(dtype, {"BOOL", "U8", "I8", "U16", "I16", "F16", "F32", "F64"});
}

bool is_label_dtype(std::string_view dtype) {
  return is_one_of(dtype, {"I64", "I32", "I16", "I8", "U8", "U16", "U32", "U64"});
}

float float_of_half(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31u;
  const std::uint32_t fraction = bits & 1023u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent > 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
  return sign != 0 ? -magnitude : magnitude;
}

bool is_binary(std::string_view dtype, std::span<const std::byte> bytes) {
  return with_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
      const double value = number(element<T>(bytes, i));
      if (value != 0.0 && value != 1.0) return false;
    }
    return true;
  });
}

std::optional<WrongValue> find_wrong_value(std::string_view dtype,
                                           std::span<const std::byte> bytes) {
  return with_type(dtype, [&](auto* type) -> std::optional<WrongValue> {
    using T = std::remove_pointer_t<decltype(type)>;
    if constexpr (std::is_integral_v<T>) return std::nullopt;
    for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
      const double value = number(element<T>(bytes, i));
      if (std::isfinite(static_cast<float>(value))) continue;
      if (std::isnan(value)) return WrongValue{i, "NaN"};
      if (std::isinf(value)) return WrongValue{i, "infinity"};
      char text[32];
      std::snprintf(text, sizeof text, "%g", value);
      return WrongValue{i, text};
    }
    return std::nullopt;
  });
}

std::vector<float> floats_of(std::string_view dtype, std::span<const std::byte> bytes,
                             std::size_t first, std::size_t n) {
  std::vector<float> values(n);
  with_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    for (std::size_t i = 0; i < n; ++i)
      values[i] = static_cast<float>(number(element<T>(bytes, first + i)));
  });
  return values;
}

std::vector<std::int64_t> integers_of(std::string_view dtype, std::span<const std::byte> bytes) {
  return with_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    std::vector<std::int64_t> values(bytes.size() / sizeof(T));
    if constexpr (std::is_integral_v<T>) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const T value = element<T>(bytes, i);
        if constexpr (std::is_same_v<T, std::uint64_t>)
          values[i] = static_cast<std::int64_t>(
              std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
        else
          values[i] = static_cast<std::int64_t>(value);
      }
    }
    return values;
  });
}

}  // namespace spikelane
