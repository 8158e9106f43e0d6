#include "engine/report/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/config/user_error.h"

namespace spikelane {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxRank = 16;
constexpr const char* kDtypesAllowed =
    "one of BOOL, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64";

// accepts {"name": {"dtype": s, "shape": [n...], "data_offsets": [a, b]}..., "__metadata__": {s:
// s}} and stops at the first thing that is something else
class HeaderReader : public Json::json_sax_t {
 public:
  explicit HeaderReader(std::string place) : place_(std::move(place)) {}

  SafetensorsHeader header;

  [[noreturn]] void fail(std::string value, std::string allowed) const {
    std::string where = place_;
    if (at_ != At::kStart && at_ != At::kTop) where += ": " + quoted_text(tensor_.name);
    if (!field_.empty()) where += ": " + quoted_text(field_);
    throw UserError(where, std::move(value), std::move(allowed));
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool value) override { return unexpected(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return unexpected(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return unexpected(text); }
  bool binary(binary_t&) override { return unexpected("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (at_ != At::kShape && at_ != At::kOffsets) return unexpected(std::to_string(value));
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      fail(std::to_string(value), "an integer below 2^63");
    }
    std::vector<std::int64_t>& list = at_ == At::kShape ? tensor_.shape : offsets_;
    const std::size_t limit = at_ == At::kShape ? kMaxRank : 2;
    if (list.size() == limit) fail("more numbers", "at most " + std::to_string(limit) + " numbers");
    list.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool string(string_t& value) override {
    if (at_ == At::kMetadata) {
      if (!header.metadata.emplace(field_, value).second) fail("a second time", "each key once");
      return true;
    }
    if (at_ != At::kTensor || field_ != "dtype") return unexpected(quoted_text(value));
    if (dtype_size(value) == 0) fail(quoted_text(value), kDtypesAllowed);
    tensor_.dtype = value;
    return true;
  }

  bool start_object(std::size_t) override {
    if (at_ == At::kStart) {
      at_ = At::kTop;
    } else if (at_ == At::kTop) {
      at_ = tensor_.name == "__metadata__" ? At::kMetadata : At::kTensor;
      field_.clear();
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(string_t& value) override {
    if (at_ == At::kTop) {
      tensor_ = TensorInfo{value, {}, {}, 0, 0};
      offsets_.clear();
      fields_seen_.clear();
      if (!names_seen_.insert(value).second) {
        field_ = value;
        fail("a second time", "each name once");
      }
      return true;
    }
    field_ = value;
    if (at_ == At::kTensor) {
      if (value != "dtype" && value != "shape" && value != "data_offsets") {
        fail("an unknown key", "dtype, shape, data_offsets");
      }
      if (!fields_seen_.insert(value).second) fail("a second time", "each key once");
    }
    return true;
  }

  bool end_object() override {
    field_.clear();
    if (at_ == At::kTensor) finish_tensor();
    at_ = at_ == At::kTop ? At::kStart : At::kTop;
    return true;
  }

  bool start_array(std::size_t) override {
    if (at_ == At::kTensor && field_ == "shape") {
      at_ = At::kShape;
    } else if (at_ == At::kTensor && field_ == "data_offsets") {
      at_ = At::kOffsets;
    } else {
      return unexpected("an array");
    }
    return true;
  }

  bool end_array() override {
    at_ = At::kTensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    throw UserError(place_, "no valid JSON at byte " + std::to_string(position) + " of the header",
                    "a JSON object");
  }

 private:
  enum class At { kStart, kTop, kMetadata, kTensor, kShape, kOffsets };

  bool unexpected(const std::string& found) const {
    switch (at_) {
      case At::kStart:
        fail(found, "a JSON object");
      case At::kTop:
        fail(quoted_text(tensor_.name) + ": " + found, "an object for each name");
      case At::kMetadata:
        fail(found, "a string");
      case At::kTensor:
        fail(found, field_ == "dtype" ? kDtypesAllowed : "an array of integers >= 0");
      default:
        fail(found, "integers >= 0");
    }
  }

  void finish_tensor() {
    for (const char* needed : {"dtype", "shape", "data_offsets"}) {
      if (fields_seen_.count(needed) == 0)
        fail("no " + quoted_text(needed), "dtype, shape, data_offsets");
    }
    if (offsets_.size() != 2 || offsets_[0] > offsets_[1]) {
      fail("data_offsets with " + std::to_string(offsets_.size()) + " numbers or falling",
           "two offsets, begin <= end");
    }
    tensor_.begin = static_cast<std::uint64_t>(offsets_[0]);
    tensor_.end = static_cast<std::uint64_t>(offsets_[1]);
    const std::int64_t n = n_elements(tensor_.shape);
    const std::uint64_t size = dtype_size(tensor_.dtype), n_bytes = tensor_.end - tensor_.begin;
    if (n < 0 || n_bytes % size != 0 || n_bytes / size != static_cast<std::uint64_t>(n)) {
      fail("shape " + shape_text(tensor_.shape) + " of " + tensor_.dtype + " in " +
               std::to_string(n_bytes) + " bytes",
           "as many bytes as shape and dtype need");
    }
    header.tensors.push_back(tensor_);
  }

  std::string place_;
  At at_ = At::kStart;
  TensorInfo tensor_;                  // the entry being read; its name also for "__metadata__"
  std::vector<std::int64_t> offsets_;  // its data_offsets
  std::string field_;                  // the key being read inside the entry
  std::set<std::string> names_seen_, fields_seen_;
};

// arrays lie one after the other, from the first byte to the last
void check_coverage(const SafetensorsHeader& header, std::uint64_t n_data_bytes,
                    const std::string& place) {
  std::vector<const TensorInfo*> order;
  for (const TensorInfo& info : header.tensors) order.push_back(&info);
  std::sort(order.begin(), order.end(), [](const TensorInfo* a, const TensorInfo* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
  });
  std::uint64_t expected = 0;
  for (const TensorInfo* info : order) {
    const std::string range =
        "bytes " + std::to_string(info->begin) + " to " + std::to_string(info->end);
    if (info->end > n_data_bytes) {
      throw UserError(place + ": " + quoted_text(info->name),
                      range + " of " + std::to_string(n_data_bytes) + " bytes of data",
                      "offsets inside the file (is it truncated?)");
    }
    if (info->begin != expected) {
      throw UserError(place + ": " + quoted_text(info->name), range,
                      "a begin of " + std::to_string(expected) +
                          ", where the array before ends (no overlap, no hole)");
    }
    expected = info->end;
  }
  if (expected != n_data_bytes) {
    throw UserError(place, std::to_string(n_data_bytes) + " bytes of data",
                    "the " + std::to_string(expected) + " bytes that the header describes");
  }
}

}  // namespace

std::string quoted_text(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  const std::string kept(text.substr(0, kLongest));
  const std::string escaped = Json(kept).dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > kLongest ? escaped + "..." : escaped;
}

std::int64_t n_elements(const std::vector<std::int64_t>& shape) {
  // a zero anywhere makes an empty array, whatever the other sizes are
  if (std::count(shape.begin(), shape.end(), 0) > 0) return 0;
  std::int64_t n = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || n > std::numeric_limits<std::int64_t>::max() / size) return -1;
    n *= size;
  }
  return n;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t n_data_bytes,
                                           const std::string& place) {
  HeaderReader reader(place);
  Json::sax_parse(json.begin(), json.end(), &reader);
  SafetensorsHeader header = std::move(reader.header);
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  check_coverage(header, n_data_bytes, place);
  return header;
}

}  // namespace spikelane
