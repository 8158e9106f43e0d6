#include "tests/golden.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/skip.h"

namespace spikelane::test {

namespace fs = std::filesystem;

long NpyArray::size() const {
  long n = 1;
  for (long extent : shape) n *= extent;
  return n;
}

template <class T>
static const char* dtype_of();
template <>
const char* dtype_of<float>() {
  return "<f4";
}
template <>
const char* dtype_of<double>() {
  return "<f8";
}
template <>
const char* dtype_of<std::int32_t>() {
  return "<i4";
}
template <>
const char* dtype_of<std::uint8_t>() {
  return "|u1";
}

template <class T>
std::vector<T> NpyArray::as() const {
  if (dtype != dtype_of<T>()) throw std::runtime_error("npy: dtype is " + dtype);
  std::vector<T> values(static_cast<std::size_t>(size()));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}
template std::vector<float> NpyArray::as() const;
template std::vector<double> NpyArray::as() const;
template std::vector<std::int32_t> NpyArray::as() const;
template std::vector<std::uint8_t> NpyArray::as() const;

static std::string between(const std::string& text, const std::string& key, char open, char close) {
  const auto at = text.find(key);
  const auto begin = text.find(open, at + key.size());
  const auto end = text.find(close, begin + 1);
  if (at == std::string::npos || begin == std::string::npos || end == std::string::npos)
    throw std::runtime_error("npy: header lacks " + key);
  return text.substr(begin + 1, end - begin - 1);
}

NpyArray read_npy(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + file.string());
  std::stringstream all;
  all << in.rdbuf();
  const std::string content = all.str();
  if (content.size() < 10 || content.compare(1, 5, "NUMPY") != 0 || content[6] != 1)
    throw std::runtime_error(file.string() + " is not a version 1 .npy file");
  const std::size_t header_size =
      static_cast<unsigned char>(content[8]) + 256u * static_cast<unsigned char>(content[9]);
  const std::string header = content.substr(10, header_size);
  NpyArray array;
  array.dtype = between(header, "'descr':", '\'', '\'');
  if (header.find("'fortran_order': False") == std::string::npos)
    throw std::runtime_error("npy: Fortran order");
  std::stringstream extents(between(header, "'shape':", '(', ')'));
  for (std::string part; std::getline(extents, part, ',');)
    if (part.find_first_of("0123456789") != std::string::npos)
      array.shape.push_back(std::stol(part));
  const std::size_t item = static_cast<std::size_t>(array.dtype[2] - '0');
  const std::size_t n_bytes = static_cast<std::size_t>(array.size()) * item;
  if (content.size() != 10 + header_size + n_bytes)
    throw std::runtime_error(file.string() + ": size does not fit its header");
  array.bytes.assign(content.begin() + 10 + static_cast<long>(header_size), content.end());
  return array;
}

std::vector<double> read_doubles(const std::filesystem::path& file) {
  const NpyArray array = read_npy(file);
  if (array.dtype == "<f8") return array.as<double>();
  const std::vector<float> values = array.as<float>();
  return {values.begin(), values.end()};
}

fs::path golden_folder() {
  const char* given = std::getenv("SPIKELANE_GOLDEN");
  const fs::path folder =
      given ? fs::path(given) : fs::path(SPIKELANE_SOURCE_DIR) / "../shared/golden";
  return fs::is_directory(folder) ? folder : fs::path();
}

bool golden_is_missing() {
  if (!golden_folder().empty()) return false;
  note_skip("no golden data");
  return true;
}

std::vector<fs::path> golden_sets(const std::string& kind) {
  std::vector<fs::path> sets;
  if (fs::is_directory(golden_folder() / kind))
    for (const auto& entry : fs::directory_iterator(golden_folder() / kind))
      if (entry.is_directory()) sets.push_back(entry.path());
  if (sets.empty()) throw std::runtime_error("golden data holds no set of kind " + kind);
  std::sort(sets.begin(), sets.end());
  return sets;
}

}  // namespace spikelane::test
