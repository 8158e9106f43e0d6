#include "engine/report/checksum.h"

#include <algorithm>
#include <fstream>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/state/hash.h"

namespace spikelane {
namespace {

constexpr std::string_view kNoChecksum = "0000000000000000";
// quotes inside of texts are escaped, so only the key itself is found
constexpr std::string_view kKey = "\"checksum\":\"";

// where the sixteen digits stand; npos where there are none
std::size_t position_of(std::string_view header) {
  const std::size_t key = header.find(kKey);
  if (key == std::string_view::npos) return key;
  const std::size_t digits = key + kKey.size();
  return digits + kNoChecksum.size() <= header.size() ? digits : std::string_view::npos;
}

std::string checksum_of(std::string_view content, std::size_t position) {
  StateHash hash;
  hash.add(content.substr(0, position));
  hash.add(kNoChecksum);
  hash.add(content.substr(position + kNoChecksum.size()));
  return hash.text();
}

void compare(const std::string& computed, std::string_view written, const std::string& place) {
  if (computed != written)
    throw UserError(place, "checksum " + computed + " over its bytes",
                    in_quotes(written) + ", as it says of itself: the file is damaged");
}

}  // namespace

std::string to_checked_safetensors(const std::vector<Tensor>& tensors, Metadata metadata) {
  metadata["checksum"] = kNoChecksum;
  std::string content = to_safetensors(tensors, metadata);
  const std::size_t position = position_of(content);
  content.replace(position, kNoChecksum.size(), checksum_of(content, position));
  return content;
}

void check_checksum(std::string_view content, const std::string& place) {
  const std::size_t position = position_of(content);
  if (position == std::string_view::npos)
    throw UserError(place, "a file without a checksum", "one that this program has written");
  compare(checksum_of(content, position), content.substr(position, kNoChecksum.size()), place);
}

void check_checksum_if_any(const std::filesystem::path& path, const SafetensorsHeader& header) {
  const auto entry = header.metadata.find("checksum");
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (entry == header.metadata.end() || entry->second.size() != kNoChecksum.size() ||
      !std::all_of(entry->second.begin(), entry->second.end(), is_digit))
    return;
  const auto refuse = [&] {
    throw UserError(path.string(), "reading it failed", "a readable safetensors file");
  };
  std::ifstream file(path, std::ios::binary);
  std::string head(header.data_start, '\0');
  if (!file.read(head.data(), static_cast<std::streamsize>(head.size()))) refuse();
  const std::size_t position = position_of(head);
  if (position == std::string_view::npos) return;  // written with other blanks: not by us
  head.replace(position, kNoChecksum.size(), kNoChecksum);
  StateHash hash;
  hash.add(head);
  std::string piece(std::size_t{1} << 20, '\0');
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    hash.add(std::string_view(piece).substr(0, static_cast<std::size_t>(file.gcount())));
  }
  if (file.bad()) refuse();
  compare(hash.text(), entry->second, path.string());
}

}  // namespace spikelane
