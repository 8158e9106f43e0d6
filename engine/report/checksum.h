// A checksum inside of a safetensors file: the metadata's key "checksum" holds 16 hex digits, XXH64
// over the whole file with sixteen zeros in their place.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/report/safetensors.h"

namespace spikelane {

/// As to_safetensors, with a checksum.
std::string to_checked_safetensors(const std::vector<Tensor>& tensors, Metadata metadata);

/// Throws UserError where there is none, or where it is another than that of the bytes.
void check_checksum(std::string_view content, const std::string& place);

/// The same for a file whose header was read before; one without a checksum is accepted, since
/// other programs write none.
void check_checksum_if_any(const std::filesystem::path& path, const SafetensorsHeader& header);

}  // namespace spikelane
