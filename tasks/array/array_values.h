// Numbers of an array file, whatever type they are stored as.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spikelane {

/// The dtypes that inputs and labels may have, as messages name them.
inline constexpr const char* kInputDtypes = "BOOL, U8, I8, U16, I16, F16, F32 or F64";
inline constexpr const char* kLabelDtypes = "I64, I32, I16, I8, U8, U16, U32 or U64";
bool is_input_dtype(std::string_view dtype);
bool is_label_dtype(std::string_view dtype);

/// The 16-bit float with these bits (IEEE 754 binary16); exact.
float float_of_half(std::uint16_t bits);

/// Whether all of `bytes`, elements of an input dtype, are 0 or 1.
bool is_binary(std::string_view dtype, std::span<const std::byte> bytes);

/// The first element that is not a finite 32-bit float: NaN, an infinity, or of F64 one that is too
/// large. Its index and how a message shows it.
struct WrongValue {
  std::size_t index;
  std::string text;
};
std::optional<WrongValue> find_wrong_value(std::string_view dtype,
                                           std::span<const std::byte> bytes);

/// Elements first .. first + n - 1 as 32-bit floats; F64 is rounded to the nearest.
std::vector<float> floats_of(std::string_view dtype, std::span<const std::byte> bytes,
                             std::size_t first, std::size_t n);

/// All elements of a label dtype, (n). Those of U64 beyond 2^63 - 1 become 2^63 - 1.
std::vector<std::int64_t> integers_of(std::string_view dtype, std::span<const std::byte> bytes);

}  // namespace spikelane
