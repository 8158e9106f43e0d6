// Golden data: where it is, and its .npy arrays. Tests without it say so and are counted as
// skipped.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace spikelane::test {

/// A little-endian, C-ordered array of a .npy file; values are converted to double on access by
/// `as`.
struct NpyArray {
  std::string dtype;  // "<f4", "<f8", "<i4", "|u1"
  std::vector<long> shape;
  std::vector<char> bytes;
  long size() const;
  /// The values as T; throws unless T has exactly the file's dtype.
  template <class T>
  std::vector<T> as() const;
};

NpyArray read_npy(const std::filesystem::path& file);

/// The values of a float32 or float64 array.
std::vector<double> read_doubles(const std::filesystem::path& file);

/// $SPIKELANE_GOLDEN, else ../shared/golden beside the source tree; empty when there is no such
/// folder.
std::filesystem::path golden_folder();

/// True when there is no golden data; prints "skipped: no golden data" once a test.
bool golden_is_missing();

/// The sub-folders of golden_folder()/kind, sorted. Throws when the folder is there but holds none.
std::vector<std::filesystem::path> golden_sets(const std::string& kind);

}  // namespace spikelane::test
