// Idx files for tests, made by hand.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/scratch_folder.h"

namespace spikelane::test {

/// An idx file of unsigned bytes; nothing is checked.
inline std::string idx_text(const std::vector<std::uint32_t>& sizes,
                            const std::vector<std::uint8_t>& values) {
  std::string text{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes)
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(size >> shift & 0xff);
  text.append(values.begin(), values.end());
  return text;
}

inline std::string gzipped(const std::string& text) {
  z_stream stream{};
  // 16: with gzip's head and check sum
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("no zlib");
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  std::string copy = text;
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int status = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("not packed");
  return packed;
}

/// Pixels of `n` images that differ from each other.
inline std::vector<std::uint8_t> some_pixels(int n, int n_pixels) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < n * n_pixels; ++i)
    pixels.push_back(static_cast<std::uint8_t>(i % 3 == 0 ? 255 : (i * 89 + i / n_pixels) % 256));
  return pixels;
}

/// Writes a data set of 5 training and 3 test images of 2 x 3 pixels into `folder`, which is made.
/// Some of the files are gzipped.
inline void write_small_mnist(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_file(folder / "train-images-idx3-ubyte", idx_text({5, 2, 3}, some_pixels(5, 6)));
  write_file(folder / "train-labels-idx1-ubyte.gz", gzipped(idx_text({5}, {9, 0, 4, 4, 1})));
  write_file(folder / "t10k-images-idx3-ubyte.gz", gzipped(idx_text({3, 2, 3}, some_pixels(3, 6))));
  write_file(folder / "t10k-labels-idx1-ubyte", idx_text({3}, {2, 8, 7}));
}

}  // namespace spikelane::test
