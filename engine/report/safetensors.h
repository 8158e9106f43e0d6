// Safetensors files: 8 bytes of header length, a JSON header, little-endian arrays. Python reads
// them with one line; weights, checkpoints, records and data sets are written and read here.
// Format: https://github.com/huggingface/safetensors
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace spikelane {

/// One named array, C order, little endian.
struct Tensor {
  std::string name;
  std::string dtype;                // "F32", "F64", "F16", "BOOL", "I8" to "I64" or "U8" to "U64"
  std::vector<std::int64_t> shape;  // empty: a scalar
  std::vector<std::byte> bytes;     // product of shape times the size of dtype
};

/// What the header says about one array; checked against the size of the file.
struct TensorInfo {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes, counted from the first byte after the header
};

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;              // names ascending, each once
  std::map<std::string, std::string> metadata;  // the header's "__metadata__"
  std::uint64_t data_start = 0;                 // bytes before the first array
};

using Metadata = std::map<std::string, std::string>;

/// Reads and checks the header only. Throws UserError naming the file, what is wrong and what is
/// allowed: no such file, truncated, bad JSON, duplicate names, unknown dtype, offsets out of
/// range, overlapping or with holes, sizes that disagree. Nothing is allocated on the header's word
/// alone.
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

/// Reads one array of a file whose header was read before.
Tensor read_tensor(const std::filesystem::path& path, const SafetensorsHeader& header,
                   const TensorInfo& info);

/// Reads a whole file, tensors with names ascending. Errors as read_safetensors_header.
std::vector<Tensor> read_safetensors(const std::filesystem::path& path,
                                     Metadata* metadata = nullptr);

/// The same from memory; `place` stands for the file's name in errors.
std::vector<Tensor> parse_safetensors(std::string_view content, const std::string& place,
                                      Metadata* metadata = nullptr);

/// The content of a file: equal tensors and metadata give equal bytes, whatever their order. Header
/// entries are sorted by name, arrays are aligned to their element size. Throws std::logic_error
/// on duplicate names or bytes that do not fit shape and dtype (our own mistake).
std::string to_safetensors(const std::vector<Tensor>& tensors, const Metadata& metadata);

/// Bytes of one element; 0 for a dtype that is not read here.
std::size_t dtype_size(std::string_view dtype);

/// The tensor of that name or nullptr.
const Tensor* find_tensor(const std::vector<Tensor>& tensors, std::string_view name);
const TensorInfo* find_tensor(const SafetensorsHeader& header, std::string_view name);

/// "(3, 4, 10)"
std::string shape_text(const std::vector<std::int64_t>& shape);

/// The dtype that holds a T.
template <class T>
constexpr const char* dtype_of() {
  if constexpr (std::is_same_v<T, float>) return "F32";
  if constexpr (std::is_same_v<T, double>) return "F64";
  if constexpr (std::is_same_v<T, std::int32_t>) return "I32";
  if constexpr (std::is_same_v<T, std::int64_t>) return "I64";
  if constexpr (std::is_same_v<T, std::uint8_t>) return "U8";
}

template <class T>
Tensor make_tensor(std::string name, std::vector<std::int64_t> shape, const T* values,
                   std::size_t n) {
  Tensor tensor{std::move(name), dtype_of<T>(), std::move(shape), {}};
  tensor.bytes.resize(n * sizeof(T));
  if (n > 0) std::memcpy(tensor.bytes.data(), values, n * sizeof(T));
  return tensor;
}

template <class T>
Tensor make_tensor(std::string name, std::vector<std::int64_t> shape,
                   const std::vector<T>& values) {
  return make_tensor(std::move(name), std::move(shape), values.data(), values.size());
}

/// The values as T. Throws std::logic_error unless the dtype is exactly T's: check it first.
template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  if (tensor.dtype != dtype_of<T>()) {
    throw std::logic_error(tensor.name + " is " + tensor.dtype + ", read as " + dtype_of<T>());
  }
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

}  // namespace spikelane
