// Safetensors: the bytes that are written, and hostile files.
#include "engine/report/safetensors.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/config/user_error.h"
#include "tests/scratch_folder.h"

namespace spikelane {
namespace {

using test::ScratchFolder;
using test::write_file;

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t n = header.size();
  std::string content(8, '\0');
  std::memcpy(content.data(), &n, 8);
  return content + header + data;
}

std::vector<Tensor> some_tensors() {
  return {make_tensor<std::uint8_t>("mask", {3}, std::vector<std::uint8_t>{1, 0, 2}),
          make_tensor<float>("input.hidden.weight", {2, 2}, std::vector<float>{1, -2, 0.5F, 4}),
          make_tensor<std::int64_t>("update", {}, std::vector<std::int64_t>{-7}),
          make_tensor<double>("none", {0, 4}, std::vector<double>{}),
          make_tensor<std::int32_t>("label", {2}, std::vector<std::int32_t>{-1, 9})};
}

// the error text of a file that must be refused
std::string refusal_of(const std::string& content) {
  try {
    parse_safetensors(content, "hostile.safetensors");
  } catch (const UserError& error) {
    REQUIRE(error.problems().size() == 1);
    CHECK(error.problems()[0].place.rfind("hostile.safetensors", 0) == 0);
    CHECK(!error.problems()[0].value.empty());
    CHECK(!error.problems()[0].allowed.empty());
    return error.what();
  }
  FAIL("not refused: " << content.substr(8));
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// true: well-formed tensors; false: refused. Anything else throws through or fails
bool is_accepted(const std::string& content) {
  try {
    const auto tensors = parse_safetensors(content, "file");
    std::set<std::string> names;
    std::size_t n_bytes = 0;
    for (const Tensor& tensor : tensors) {
      std::size_t n = dtype_size(tensor.dtype);
      CHECK(n > 0);
      for (const std::int64_t size : tensor.shape) n *= static_cast<std::size_t>(size);
      CHECK(tensor.bytes.size() == n);
      CHECK(names.insert(tensor.name).second);
      n_bytes += n;
    }
    CHECK(n_bytes <= content.size());
    return true;
  } catch (const UserError&) {
    return false;
  }
}

}  // namespace

TEST_CASE("safetensors: what is written is read again, from memory and from a file") {
  const Metadata metadata{{"format", "spikelane"}, {"digest", "00ff \"x\" \n"}};
  const std::string content = to_safetensors(some_tensors(), metadata);
  const ScratchFolder folder;
  const auto path = write_file(folder / "weights.safetensors", content);

  Metadata from_memory, from_file;
  const auto parsed = parse_safetensors(content, "memory", &from_memory);
  const auto read = read_safetensors(path, &from_file);
  CHECK(from_memory == metadata);
  CHECK(from_file == metadata);
  REQUIRE(parsed.size() == 5);
  REQUIRE(read.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    if (i > 0) CHECK(read[i - 1].name < read[i].name);
    CHECK(read[i].name == parsed[i].name);
    CHECK(read[i].bytes == parsed[i].bytes);
  }
  for (const Tensor& tensor : some_tensors()) {
    const Tensor* found = find_tensor(read, tensor.name);
    REQUIRE(found != nullptr);
    CHECK(found->dtype == tensor.dtype);
    CHECK(found->shape == tensor.shape);
    CHECK(found->bytes == tensor.bytes);
  }
  CHECK(find_tensor(read, "nothing") == nullptr);
  CHECK(values_of<float>(*find_tensor(read, "input.hidden.weight")) ==
        std::vector<float>{1, -2, 0.5F, 4});
  CHECK_THROWS_AS(values_of<double>(*find_tensor(read, "label")), std::logic_error);

  const SafetensorsHeader header = read_safetensors_header(path);
  const TensorInfo* info = find_tensor(header, "label");
  REQUIRE(info != nullptr);
  CHECK(values_of<std::int32_t>(read_tensor(path, header, *info)) ==
        std::vector<std::int32_t>{-1, 9});
}

TEST_CASE("safetensors: the bytes are the format's and depend on the content only") {
  const auto tensors = some_tensors();
  const std::vector<Tensor> reversed(tensors.rbegin(), tensors.rend());
  CHECK(to_safetensors(tensors, {}) == to_safetensors(reversed, {}));

  // by hand, after the format's description
  const auto one = make_tensor<float>("w", {1}, std::vector<float>{1.0F});
  std::string header = R"({"w":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  CHECK(to_safetensors({one}, {}) == file_of(header, std::string("\0\0\x80\x3f", 4)));

  // every array begins at a multiple of its element size
  const std::string content = to_safetensors(tensors, {});
  const ScratchFolder folder;
  const auto file = read_safetensors_header(write_file(folder / "t", content));
  CHECK(file.data_start % 8 == 0);
  for (const TensorInfo& info : file.tensors) CHECK(info.begin % dtype_size(info.dtype) == 0);

  CHECK(parse_safetensors(to_safetensors({}, {}), "empty").empty());
  CHECK_THROWS_AS(to_safetensors({one, one}, {}), std::logic_error);
  Tensor wrong = one;
  wrong.shape = {2};
  CHECK_THROWS_AS(to_safetensors({wrong}, {}), std::logic_error);
  wrong.shape = {-1};
  CHECK_THROWS_AS(to_safetensors({wrong}, {}), std::logic_error);
}

TEST_CASE("safetensors: each kind of broken file is refused with its reason") {
  const std::string entry = R"({"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  REQUIRE(is_accepted(file_of("{\"a\":" + entry + "}", "xy")));

  CHECK(contains(refusal_of(""), "0 bytes"));
  CHECK(contains(refusal_of("1234567"), "7 bytes"));
  std::string too_long = file_of("{}", "");
  too_long[7] = '\x7f';
  CHECK(contains(refusal_of(too_long), "a header of"));
  too_long[0] = '\x03', too_long[7] = '\0';
  CHECK(contains(refusal_of(too_long), "at most 2 bytes"));

  CHECK(contains(refusal_of(file_of("", "")), "no valid JSON"));
  CHECK(contains(refusal_of(file_of("{\"a\":" + entry, "xy")), "no valid JSON"));
  CHECK(contains(refusal_of(file_of("{} x", "")), "no valid JSON"));
  CHECK(contains(refusal_of(file_of("{\"\xff\":" + entry + "}", "xy")), "no valid JSON"));
  CHECK(contains(refusal_of(file_of("[]", "")), "a JSON object"));
  CHECK(contains(refusal_of(file_of("null", "")), "a JSON object"));
  CHECK(contains(refusal_of(file_of("{\"a\":5}", "")), "an object for each name"));
  CHECK(contains(refusal_of(file_of("{\"a\":" + entry + ",\"a\":" + entry + "}", "xy")),
                 "each name once"));
  CHECK(contains(refusal_of(file_of(R"({"__metadata__":{"k":1}})", "")), "a string"));
  CHECK(
      contains(refusal_of(file_of(R"({"__metadata__":{"k":"1","k":"2"}})", "")), "each key once"));

  // one entry with one thing wrong
  const auto refused_entry = [](const std::string& dtype, const std::string& shape,
                                const std::string& offsets) {
    return refusal_of(file_of("{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
                                  ",\"data_offsets\":" + offsets + "}}",
                              "12345678"));
  };
  CHECK(contains(refused_entry("\"F8_E4M3\"", "[8]", "[0,8]"), "one of BOOL, F16"));
  CHECK(contains(refused_entry("7", "[4]", "[0,8]"), "one of BOOL, F16"));
  CHECK(contains(refused_entry("\"F32\"", "[3]", "[0,8]"), "(3) of F32 in 8 bytes"));
  CHECK(contains(refused_entry("\"F32\"", "[2]", "[0,7]"), "in 7 bytes"));
  CHECK(contains(refused_entry("\"F32\"", "[-2]", "[0,8]"), "integers >= 0"));
  CHECK(contains(refused_entry("\"F32\"", "[2.0]", "[0,8]"), "integers >= 0"));
  CHECK(contains(refused_entry("\"F32\"", "2", "[0,8]"), "an array of integers"));
  CHECK(contains(refused_entry("\"F32\"", "[[2]]", "[0,8]"), "integers >= 0"));
  CHECK(contains(refused_entry("\"U8\"", "[18446744073709551615]", "[0,8]"), "below 2^63"));
  CHECK(contains(refused_entry("\"F32\"", "[4611686018427387904,4]", "[0,8]"), "in 8 bytes"));
  CHECK(contains(refused_entry("\"U8\"", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8]", "[0,8]"),
                 "at most 16"));
  CHECK(contains(refused_entry("\"F32\"", "[2]", "[8,0]"), "begin <= end"));
  CHECK(contains(refused_entry("\"F32\"", "[2]", "[0]"), "1 numbers"));
  CHECK(contains(refused_entry("\"F32\"", "[2]", "[0,4,8]"), "at most 2"));
  CHECK(contains(refused_entry("\"F32\"", "[2]", "[4,12]"), "offsets inside the file"));
  CHECK(contains(refused_entry("\"F32\"", "[2]", "[9223372036854775799,9223372036854775807]"),
                 "offsets inside the file"));
  CHECK(contains(refused_entry("\"F32\"", "[1]", "[4,8]"), "a begin of 0"));
  CHECK(contains(refused_entry("\"F32\"", "[1]", "[0,4]"), "8 bytes of data"));
  CHECK(contains(refusal_of(file_of(R"({"a":{"dtype":"U8","shape":[0]}})", "")), "data_offsets"));
  CHECK(contains(refusal_of(file_of(R"({"a":{"dtype":"U8","dtype":"U8"}})", "")), "each key once"));
  CHECK(contains(refusal_of(file_of(R"({"a":{"size":1}})", "")), "an unknown key"));

  const std::string overlap = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                              R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})";
  CHECK(contains(refusal_of(file_of(overlap, "xyz")), "no overlap"));

  // 100,000 levels deep, and a name that would fill the screen
  CHECK(contains(refusal_of(file_of("{\"a\":" + std::string(100000, '['), "")), "an object"));
  CHECK(refusal_of(file_of("{\"" + std::string(100000, 'n') + "\":1}", "")).size() < 500);
}

TEST_CASE("safetensors: files that cannot be read are refused by name") {
  const ScratchFolder folder;
  for (const auto& path : {folder.path(), folder / "missing", std::filesystem::path("/dev/zero"),
                           folder / std::string(5000, 'x'), write_file(folder / "empty", "")}) {
    try {
      read_safetensors(path);
      FAIL("not refused: " << path);
    } catch (const UserError& error) {
      CHECK(error.problems().at(0).place == path.string());
    }
  }
  // cut between the reading of the header and of an array
  const auto path = write_file(folder / "cut", to_safetensors(some_tensors(), {}));
  const auto header = read_safetensors_header(path);
  std::filesystem::resize_file(path, header.data_start + 1);
  CHECK_THROWS_AS(read_tensor(path, header, *find_tensor(header, "mask")), UserError);
}

TEST_CASE("safetensors: no flipped bit, cut or random damage does harm") {
  const std::string content = to_safetensors(some_tensors(), {{"k", "v"}});
  std::uint64_t n_header = 0;
  std::memcpy(&n_header, content.data(), 8);
  const std::size_t data_start = 8 + n_header;

  int n_refused = 0;
  for (std::size_t byte = 0; byte < content.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = content;
      damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << bit));
      const bool accepted = is_accepted(damaged);
      // the arrays may hold anything, the length of the header nothing else
      if (byte >= data_start) CHECK(accepted);
      if (byte < 8) CHECK(!accepted);
      n_refused += accepted ? 0 : 1;
    }
  }
  CHECK(n_refused > 1000);

  for (std::size_t n = 0; n < content.size(); ++n) CHECK(!is_accepted(content.substr(0, n)));
  CHECK(!is_accepted(content + '\0'));

  std::mt19937 random(1);
  int n_accepted = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = content;
    for (unsigned k = 0; k < 1 + random() % 4; ++k) {
      const std::size_t at = 8 + random() % (damaged.size() - 8);
      const std::string pieces = "0123456789\"[]{},:-eFIU ";
      damaged[at] = pieces[random() % pieces.size()];
    }
    n_accepted += is_accepted(damaged) ? 1 : 0;
  }
  // both ends are reached: damage in arrays and metadata is accepted, most other is refused
  CHECK(n_accepted > 0);
  CHECK(n_accepted < 5000);
}

}  // namespace spikelane
