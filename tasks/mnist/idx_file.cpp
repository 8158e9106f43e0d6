#include "tasks/mnist/idx_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <string>
#include <system_error>

#include "engine/config/user_error.h"

namespace spikelane {

namespace {

constexpr std::int64_t kLargestCount = std::numeric_limits<std::int32_t>::max();
constexpr std::uint8_t kUnsignedByte = 0x08;
constexpr const char* kWholeFile = "a whole idx file, gzipped or not";

// gzread takes a file that does not start as gzip does for a plain one
class ByteFile {
 public:
  explicit ByteFile(const std::filesystem::path& path) : path_(path) {
    errno = 0;
    file_ = gzopen(path.c_str(), "rb");
    if (file_ != nullptr) return;
    // zlib leaves errno alone when it runs out of memory
    const std::error_code error(errno == 0 ? ENOMEM : errno, std::generic_category());
    throw UserError(path_.string(), "not readable (" + error.message() + ")", kWholeFile);
  }
  ~ByteFile() { gzclose(file_); }
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;

  // the number of bytes read: fewer than n only at the end of a file that is whole
  std::size_t read(std::uint8_t* to, std::size_t n) {
    const int n_read = gzread(file_, to, static_cast<unsigned>(n));
    int code = Z_OK;
    const std::string message = gzerror(file_, &code);
    if (n_read < 0 || (code != Z_OK && code != Z_STREAM_END))
      throw UserError(path_.string(), "a damaged or truncated file (" + message + ")", kWholeFile);
    return static_cast<std::size_t>(n_read);
  }

 private:
  std::filesystem::path path_;
  gzFile file_ = nullptr;
};

std::string sizes_text(const std::vector<std::int64_t>& sizes) {
  std::string text;
  for (const std::int64_t size : sizes) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

std::vector<std::int64_t> read_sizes(ByteFile& file, const std::string& name, int n_sizes) {
  const std::string kind = std::to_string(n_sizes) + (n_sizes == 1 ? " size" : " sizes");
  std::array<std::uint8_t, 4> magic{};
  if (file.read(magic.data(), magic.size()) < magic.size())
    throw UserError(name, "fewer than 4 bytes", "an idx file of " + kind);
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != kUnsignedByte || magic[3] != n_sizes) {
    std::string found = "a file that starts with";
    for (const std::uint8_t byte : magic) found += ' ' + std::to_string(byte);
    throw UserError(name, found,
                    "0 0 8 " + std::to_string(n_sizes) + ", an idx file of " + kind +
                        " and type unsigned byte");
  }
  std::vector<std::int64_t> sizes;
  std::int64_t n_values = 1;
  for (int i = 0; i < n_sizes; ++i) {
    std::array<std::uint8_t, 4> bytes{};
    if (file.read(bytes.data(), bytes.size()) < bytes.size())
      throw UserError(name, "a file that ends within its sizes", kind + " of 4 bytes each");
    sizes.push_back(std::int64_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
    // below 2^31 before, a size below 2^32: no overflow
    n_values = n_values > kLargestCount ? n_values : n_values * sizes.back();
  }
  if (*std::min_element(sizes.begin(), sizes.end()) < 1)
    throw UserError(name, "sizes " + sizes_text(sizes), "sizes of at least 1");
  if (n_values > kLargestCount)
    throw UserError(name, "sizes " + sizes_text(sizes),
                    "at most " + std::to_string(kLargestCount) + " values");
  return sizes;
}

}  // namespace

std::vector<std::int64_t> read_idx_sizes(const std::filesystem::path& path, int n_sizes) {
  ByteFile file(path);
  return read_sizes(file, path.string(), n_sizes);
}

IdxData read_idx(const std::filesystem::path& path, int n_sizes) {
  ByteFile file(path);
  IdxData data;
  data.sizes = read_sizes(file, path.string(), n_sizes);
  std::size_t n_values = 1;
  for (const std::int64_t size : data.sizes) n_values *= static_cast<std::size_t>(size);
  const std::string allowed = std::to_string(n_values) + " bytes of values, as its sizes " +
                              sizes_text(data.sizes) + " say";
  // in pieces: sizes that are not true must not fetch memory for them
  constexpr std::size_t kPiece = std::size_t{1} << 24;
  while (data.values.size() < n_values) {
    const std::size_t begin = data.values.size(), n = std::min(kPiece, n_values - begin);
    data.values.resize(begin + n);
    const std::size_t n_read = file.read(data.values.data() + begin, n);
    if (n_read < n)
      throw UserError(path.string(),
                      "a truncated file: " + std::to_string(begin + n_read) + " bytes of values",
                      allowed);
  }
  // also reads gzip's check sum
  std::uint8_t more = 0;
  if (file.read(&more, 1) != 0)
    throw UserError(path.string(), "bytes after the last value", allowed);
  return data;
}

}  // namespace spikelane
