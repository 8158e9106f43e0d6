// The JSON header of a safetensors file, read and checked. Only safetensors.cpp uses it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/report/safetensors.h"

namespace spikelane {

/// The longest header that is read; the format's own limit.
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

/// Text for an error message: quoted, escaped, cut when long.
std::string quoted_text(std::string_view text);

/// Product of the shape; -1 where a size is negative or it does not fit 63 bits.
std::int64_t n_elements(const std::vector<std::int64_t>& shape);

/// Parses and checks `json` against `n_data_bytes`, the bytes that follow it. Throws UserError
/// beginning with `place`. The JSON is read as a stream of events, so that nesting and size of a
/// hostile header cost nothing.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t n_data_bytes,
                                           const std::string& place);

}  // namespace spikelane
