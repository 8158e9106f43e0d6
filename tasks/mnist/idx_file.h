// Files in the idx format of the MNIST data (LeCun, Cortes, Burges), gzipped or not: two zero
// bytes, the type of the values, the number of sizes, the sizes (big endian, 4 bytes each), the
// values in C order. Only values of type unsigned byte are read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace spikelane {

struct IdxData {
  std::vector<std::int64_t> sizes;   // all >= 1
  std::vector<std::uint8_t> values;  // as many as the product of the sizes, C order
};

/// Reads what stands before the values. Throws UserError at the file's name with what was found
/// and what is allowed: not readable, too short, wrong type, not `n_sizes` sizes, a size of 0, more
/// than 2^31 - 1 values.
std::vector<std::int64_t> read_idx_sizes(const std::filesystem::path& path, int n_sizes);

/// Reads the whole file. Throws as read_idx_sizes, and where the file ends before its last value,
/// goes on after it, or is damaged.
IdxData read_idx(const std::filesystem::path& path, int n_sizes);

}  // namespace spikelane
