#include "engine/report/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "engine/config/user_error.h"
#include "engine/report/safetensors_header.h"

namespace spikelane {

static_assert(std::endian::native == std::endian::little, "arrays are copied as they are");

namespace {

constexpr std::uint64_t kLengthBytes = 8;

std::uint64_t checked_header_bytes(const char* length_bytes, std::uint64_t n_file_bytes,
                                   const std::string& place) {
  std::uint64_t n_header = 0;
  std::memcpy(&n_header, length_bytes, kLengthBytes);
  const std::uint64_t n_rest = n_file_bytes - kLengthBytes;
  if (n_header > n_rest || n_header > kMaxHeaderBytes) {
    throw UserError(place, "a header of " + std::to_string(n_header) + " bytes",
                    "at most " + std::to_string(std::min(n_rest, kMaxHeaderBytes)) +
                        " bytes, what is left of the file (is it truncated?)");
  }
  return n_header;
}

[[noreturn]] void throw_too_short(const std::string& place, std::uint64_t n_bytes) {
  throw UserError(place, std::to_string(n_bytes) + " bytes",
                  "a safetensors file, which begins with 8 bytes of header length");
}

// a file opened for reading with its size; folders, pipes and devices are refused
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path) : place_(path.string()) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) refuse("no such file");
    if (!std::filesystem::is_regular_file(status)) refuse("not a regular file");
    n_bytes_ = std::filesystem::file_size(path, error);
    if (error) refuse(error.message());
    errno = 0;
    stream_.open(path, std::ios::binary);
    if (!stream_) refuse(errno != 0 ? std::strerror(errno) : "cannot be opened");
  }

  std::uint64_t n_bytes() const { return n_bytes_; }
  const std::string& place() const { return place_; }

  void read(std::uint64_t offset, char* out, std::uint64_t n) {
    if (n == 0) return;
    stream_.seekg(static_cast<std::streamoff>(offset));
    if (!stream_.read(out, static_cast<std::streamsize>(n))) refuse("reading it failed");
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw UserError(place_, why, "a readable safetensors file");
  }

  std::string place_;
  std::uint64_t n_bytes_ = 0;
  std::ifstream stream_;
};

SafetensorsHeader read_header(InputFile& file) {
  if (file.n_bytes() < kLengthBytes) throw_too_short(file.place(), file.n_bytes());
  std::array<char, kLengthBytes> length_bytes;
  file.read(0, length_bytes.data(), kLengthBytes);
  const std::uint64_t n_header =
      checked_header_bytes(length_bytes.data(), file.n_bytes(), file.place());
  std::string json(n_header, '\0');
  file.read(kLengthBytes, json.data(), n_header);
  const std::uint64_t data_start = kLengthBytes + n_header;
  SafetensorsHeader header =
      parse_safetensors_header(json, file.n_bytes() - data_start, file.place());
  header.data_start = data_start;
  return header;
}

Tensor read_array(InputFile& file, const SafetensorsHeader& header, const TensorInfo& info) {
  Tensor tensor{info.name, info.dtype, info.shape, {}};
  tensor.bytes.resize(info.end - info.begin);
  file.read(header.data_start + info.begin, reinterpret_cast<char*>(tensor.bytes.data()),
            info.end - info.begin);
  return tensor;
}

void check_before_writing(const Tensor& tensor) {
  const std::int64_t n = n_elements(tensor.shape);
  const std::size_t size = dtype_size(tensor.dtype);
  if (size == 0 || n < 0 || static_cast<std::size_t>(n) * size != tensor.bytes.size()) {
    throw std::logic_error("tensor " + quoted_text(tensor.name) + ": " +
                           std::to_string(tensor.bytes.size()) + " bytes for shape " +
                           shape_text(tensor.shape) + " of " + quoted_text(tensor.dtype));
  }
}

}  // namespace

std::size_t dtype_size(std::string_view dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "I16" || dtype == "U16") return 2;
  return dtype == "U8" || dtype == "I8" || dtype == "BOOL" ? 1 : 0;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + ")";
}

const Tensor* find_tensor(const std::vector<Tensor>& tensors, std::string_view name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const Tensor& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

const TensorInfo* find_tensor(const SafetensorsHeader& header, std::string_view name) {
  const auto found = std::find_if(header.tensors.begin(), header.tensors.end(),
                                  [&](const TensorInfo& info) { return info.name == name; });
  return found == header.tensors.end() ? nullptr : &*found;
}

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path) {
  InputFile file(path);
  return read_header(file);
}

Tensor read_tensor(const std::filesystem::path& path, const SafetensorsHeader& header,
                   const TensorInfo& info) {
  InputFile file(path);
  // the file may have been cut since its header was read
  if (header.data_start + info.end > file.n_bytes()) {
    throw UserError(path.string(), std::to_string(file.n_bytes()) + " bytes",
                    "the size it had when its header was read");
  }
  return read_array(file, header, info);
}

std::vector<Tensor> read_safetensors(const std::filesystem::path& path, Metadata* metadata) {
  InputFile file(path);
  const SafetensorsHeader header = read_header(file);
  std::vector<Tensor> tensors;
  tensors.reserve(header.tensors.size());
  for (const TensorInfo& info : header.tensors) tensors.push_back(read_array(file, header, info));
  if (metadata != nullptr) *metadata = header.metadata;
  return tensors;
}

std::vector<Tensor> parse_safetensors(std::string_view content, const std::string& place,
                                      Metadata* metadata) {
  if (content.size() < kLengthBytes) throw_too_short(place, content.size());
  const std::uint64_t n_header = checked_header_bytes(content.data(), content.size(), place);
  const std::string_view data = content.substr(kLengthBytes + n_header);
  const SafetensorsHeader header =
      parse_safetensors_header(content.substr(kLengthBytes, n_header), data.size(), place);
  std::vector<Tensor> tensors;
  tensors.reserve(header.tensors.size());
  for (const TensorInfo& info : header.tensors) {
    Tensor tensor{info.name, info.dtype, info.shape, {}};
    const auto* begin = reinterpret_cast<const std::byte*>(data.data());
    tensor.bytes.assign(begin + info.begin, begin + info.end);
    tensors.push_back(std::move(tensor));
  }
  if (metadata != nullptr) *metadata = header.metadata;
  return tensors;
}

std::string to_safetensors(const std::vector<Tensor>& tensors, const Metadata& metadata) {
  // wide elements first, then by name: each array is aligned to its element size
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : tensors) {
    check_before_writing(tensor);
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    const std::size_t size_a = dtype_size(a->dtype), size_b = dtype_size(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });

  nlohmann::json header = nlohmann::json::object();  // a std::map: keys ascending
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const Tensor* tensor : order) {
    if (tensor->name == "__metadata__" || header.contains(tensor->name)) {
      throw std::logic_error("tensor " + quoted_text(tensor->name) + " twice");
    }
    header[tensor->name] = {{"dtype", tensor->dtype},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, offset + tensor->bytes.size()}}};
    offset += tensor->bytes.size();
  }
  std::string json = header.dump();
  json.append((kLengthBytes - json.size() % kLengthBytes) % kLengthBytes, ' ');

  const std::uint64_t n_header = json.size();
  std::string content(kLengthBytes, '\0');
  content.reserve(kLengthBytes + n_header + offset);
  std::memcpy(content.data(), &n_header, kLengthBytes);
  content += json;
  for (const Tensor* tensor : order) {
    content.append(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
  }
  return content;
}

}  // namespace spikelane
