// Task `array`: what is read, and every way a file can be wrong.
#include "tasks/array/array_task.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/config/user_error.h"
#include "engine/report/safetensors.h"
#include "engine/run/fingerprints.h"
#include "tasks/array/array_values.h"
#include "tests/scratch_folder.h"

namespace spikelane {
namespace {

using test::ScratchFolder;

using Bytes = std::vector<std::uint8_t>;
using Labels = std::vector<std::int32_t>;

std::filesystem::path save(const ScratchFolder& folder, const std::vector<Tensor>& tensors) {
  return test::write_file(folder / "data.safetensors", to_safetensors(tensors, {}));
}

// 3 samples, 2 steps, 2 inputs
Tensor binary_inputs() {
  return make_tensor<std::uint8_t>("inputs", {3, 2, 2}, Bytes{1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0});
}

Tensor labels(const Labels& values) {
  return make_tensor<std::int32_t>("labels", {static_cast<std::int64_t>(values.size())}, values);
}

// all problems of a file, for which description and loading must agree
std::vector<Problem> problems_of(const std::vector<Tensor>& tensors, int n_test = 0) {
  const ScratchFolder folder;
  const auto path = save(folder, tensors);
  const ArrayConfig config{"data.safetensors", n_test, 0, false};
  std::vector<Problem> problems;
  try {
    describe_array(config, path);
    FAIL("not refused");
  } catch (const UserError& error) {
    problems = error.problems();
  }
  CHECK_THROWS_AS(load_array(config, path), UserError);
  for (const Problem& problem : problems) {
    if (problem.place != "task.n_test") CHECK(problem.place.rfind(path.string(), 0) == 0);
  }
  return problems;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("array: zeros and ones become events") {
  const ScratchFolder folder;
  const auto path = save(folder, {binary_inputs(), labels({2, 0, 1})});
  const ArrayConfig config{"data.safetensors", 1, 0, false};
  const ArrayShape shape = describe_array(config, path);
  CHECK(shape.n_samples == 3);
  CHECK(shape.n_steps == 2);
  CHECK(shape.n_inputs == 2);
  CHECK(shape.n_classes == 3);

  const TaskData data = load_array(config, path);
  CHECK(data.n_classes == 3);
  CHECK(data.train.n_samples == 2);
  CHECK(!data.train.is_dense);
  CHECK(data.train.offsets == std::vector<std::int64_t>{0, 3, 3});
  REQUIRE(data.train.events.size() == 3);
  CHECK(data.train.events[0].step == 0);
  CHECK(data.train.events[0].unit == 0);
  CHECK(data.train.events[1].step == 1);
  CHECK(data.train.events[1].unit == 0);
  CHECK(data.train.events[2].unit == 1);
  CHECK(data.train.labels == Labels{2, 0});
  CHECK(data.test.n_samples == 1);
  CHECK(data.test.offsets == std::vector<std::int64_t>{0, 1});
  CHECK(data.test.events[0].step == 0);
  CHECK(data.test.events[0].unit == 1);
  CHECK(data.test.labels == Labels{1});
}

TEST_CASE("array: other bytes and floats are dense values") {
  const ScratchFolder folder;
  const ArrayConfig config{"data.safetensors", 1, 0, false};
  const auto bytes = make_tensor<std::uint8_t>("inputs", {2, 1, 2}, Bytes{0, 255, 1, 2});
  const TaskData from_bytes = load_array(config, save(folder, {bytes}));
  CHECK(from_bytes.n_classes == 0);
  CHECK(from_bytes.train.is_dense);
  CHECK(from_bytes.train.values == std::vector<float>{0, 255});
  CHECK(from_bytes.test.values == std::vector<float>{1, 2});
  CHECK(from_bytes.train.labels.empty());
  CHECK(from_bytes.train.events.empty());

  const std::vector<float> values{0, 1, -0.5F, 3e38F};
  const auto floats = make_tensor<float>("inputs", {2, 2, 1}, values);
  const TaskData from_floats = load_array(config, save(folder, {floats, labels({0, 0})}));
  CHECK(from_floats.n_classes == 1);
  CHECK(from_floats.train.values == std::vector<float>{0, 1});
  CHECK(from_floats.test.values == std::vector<float>{-0.5F, 3e38F});
  CHECK(from_floats.test.labels == Labels{0});
}

TEST_CASE("array: without held-out samples the training samples are tested") {
  const ScratchFolder folder;
  const TaskData data =
      load_array({"data.safetensors", 0, 0, false}, save(folder, {binary_inputs()}));
  CHECK(data.train.n_samples == 3);
  CHECK(data.test.n_samples == 3);
  CHECK(data.test.offsets == data.train.offsets);
}

TEST_CASE("array: every dtype of numpy's that holds 0 and 1 gives the same events") {
  const ScratchFolder folder;
  const ArrayConfig config{"data.safetensors", 1, 0, false};
  const Bytes bits{1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0};
  const TaskData expected = load_array(config, save(folder, {binary_inputs(), labels({2, 0, 1})}));
  const auto check = [&](const std::string& dtype, const auto& one) {
    Tensor inputs{"inputs", dtype, {3, 2, 2}, {}};
    inputs.bytes.resize(bits.size() * sizeof one);
    for (std::size_t i = 0; i < bits.size(); ++i)
      if (bits[i] != 0) std::memcpy(inputs.bytes.data() + i * sizeof one, &one, sizeof one);
    const TaskData data = load_array(config, save(folder, {inputs, labels({2, 0, 1})}));
    CAPTURE(dtype);
    CHECK_FALSE(data.train.is_dense);
    CHECK(data.train.offsets == expected.train.offsets);
    CHECK(data.test.offsets == expected.test.offsets);
    CHECK(data_fingerprint(data) == data_fingerprint(expected));
  };
  check("BOOL", std::uint8_t{1});
  check("I8", std::int8_t{1});
  check("U16", std::uint16_t{1});
  check("I16", std::int16_t{1});
  check("F16", std::uint16_t{0x3c00});
  check("F32", 1.0f);
  check("F64", 1.0);
}

TEST_CASE("array: graded values of every dtype, and half floats bit by bit") {
  const ScratchFolder folder;
  const ArrayConfig config{"data.safetensors", 1, 0, false};
  const auto values_of_first = [&](const std::string& dtype, const auto& a, const auto& b) {
    Tensor inputs{"inputs", dtype, {2, 1, 2}, {}};
    inputs.bytes.resize(4 * sizeof a);
    std::memcpy(inputs.bytes.data(), &a, sizeof a);
    std::memcpy(inputs.bytes.data() + sizeof a, &b, sizeof b);
    const TaskData data = load_array(config, save(folder, {inputs}));
    CHECK(data.train.is_dense);
    return data.train.values;
  };
  CHECK(values_of_first("I8", std::int8_t{-128}, std::int8_t{7}) == std::vector<float>{-128, 7});
  CHECK(values_of_first("I16", std::int16_t{-300}, std::int16_t{300}) ==
        std::vector<float>{-300, 300});
  CHECK(values_of_first("U16", std::uint16_t{65535}, std::uint16_t{2}) ==
        std::vector<float>{65535, 2});
  CHECK(values_of_first("F64", 0.1, -2.5) == std::vector<float>{0.1f, -2.5f});
  CHECK(values_of_first("F16", std::uint16_t{0xc100}, std::uint16_t{0x0001}) ==
        std::vector<float>{-2.5f, 0x1p-24f});
  CHECK(float_of_half(0x7bff) == 65504.0f);
  CHECK(float_of_half(0x0400) == 0x1p-14f);
  CHECK(float_of_half(0x83ff) == -1023.0f * 0x1p-24f);
  CHECK(std::signbit(float_of_half(0x8000)));
  CHECK(std::isnan(float_of_half(0x7e00)));
  // out of range, and not finite as a half
  for (const auto& [dtype, bits] : {std::pair<const char*, double>{"F64", 1e39}}) {
    Tensor inputs = make_tensor<double>("inputs", {2, 1, 1}, std::vector<double>{0.5, bits});
    CAPTURE(dtype);
    CHECK_THROWS_WITH_AS(load_array(config, save(folder, {inputs})), doctest::Contains("1e+39"),
                         UserError);
  }
}

TEST_CASE("array: labels of every integer type; n_classes of the config") {
  const ScratchFolder folder;
  const auto read = [&](const Tensor& classes, int n_classes) {
    return load_array({"data.safetensors", 1, n_classes, false},
                      save(folder, {binary_inputs(), classes}));
  };
  const auto check = [&](const std::string& dtype, auto zero) {
    using T = decltype(zero);
    const std::vector<T> values{2, 0, 1};
    Tensor classes{"labels", dtype, {3}, {}};
    classes.bytes.resize(3 * sizeof(T));
    std::memcpy(classes.bytes.data(), values.data(), 3 * sizeof(T));
    CAPTURE(dtype);
    CHECK(read(classes, 0).train.labels == Labels{2, 0});
    CHECK(read(classes, 0).n_classes == 3);
  };
  check("I64", std::int64_t{0});
  check("I16", std::int16_t{0});
  check("I8", std::int8_t{0});
  check("U8", std::uint8_t{0});
  check("U16", std::uint16_t{0});
  check("U32", std::uint32_t{0});
  check("U64", std::uint64_t{0});
  // a file with fewer classes than the network has
  CHECK(read(labels({1, 0, 1}), 3).n_classes == 3);
  CHECK_THROWS_WITH_AS(read(labels({1, 3, 1}), 3), doctest::Contains("as task.n_classes says"),
                       UserError);
}

TEST_CASE("array: samples in the order of their classes") {
  const ScratchFolder folder;
  Bytes inputs(24 * 4);
  Labels classes;
  for (int b = 0; b < 24; ++b) {
    classes.push_back(b / 8);
    inputs[static_cast<std::size_t>(b) * 4 + static_cast<std::size_t>(b) % 4] = 1;
  }
  const auto path =
      save(folder, {make_tensor<std::uint8_t>("inputs", {24, 2, 2}, inputs), labels(classes)});
  const TaskData sorted = load_array({"data.safetensors", 8, 0, false}, path);
  REQUIRE(sorted.warnings.size() == 1);
  CHECK(contains(sorted.warnings[0], "the training samples lack the classes 2"));
  CHECK(contains(sorted.warnings[0], "the held-out samples lack the classes 0, 1"));
  CHECK(contains(sorted.warnings[0], "task.shuffle"));
  const TaskData mixed = load_array({"data.safetensors", 8, 0, true}, path, 5);
  CHECK(mixed.warnings.empty());
  // every sample once, with its own inputs
  std::map<int, int> n_of;
  for (const Dataset* part : {&mixed.train, &mixed.test})
    for (const int label : part->labels) ++n_of[label];
  CHECK(n_of == std::map<int, int>{{0, 8}, {1, 8}, {2, 8}});
  CHECK(mixed.train.events.size() + mixed.test.events.size() == 24);
  CHECK(data_fingerprint(mixed) ==
        data_fingerprint(load_array({"data.safetensors", 8, 0, true}, path, 5)));
  CHECK(data_fingerprint(mixed) !=
        data_fingerprint(load_array({"data.safetensors", 8, 0, true}, path, 6)));
  CHECK(load_array({"data.safetensors", 0, 0, false}, path).tests_on_training_samples);
}

TEST_CASE("array: tensors that are missing or of the wrong kind") {
  CHECK(problems_of({labels({0})})[0].value == "missing");
  const std::vector<std::int64_t> integers(4);
  auto found = problems_of({make_tensor<std::int64_t>("inputs", {4, 1, 1}, integers)});
  CHECK(found[0].value == "dtype I64");
  CHECK(contains(found[0].allowed, "BOOL, U8, I8, U16, I16, F16, F32 or F64"));
  CHECK(problems_of({make_tensor<std::uint8_t>("inputs", {4, 1}, Bytes(4))})[0].value ==
        "shape (4, 1)");
  CHECK(contains(problems_of({make_tensor<std::uint8_t>("inputs", {0, 4, 1}, Bytes{})})[0].value,
                 "empty data set"));
  CHECK(contains(problems_of({make_tensor<std::uint8_t>("inputs", {4, 1, 0}, Bytes{})})[0].value,
                 "empty data set"));
  CHECK(contains(
      problems_of({make_tensor<float>("inputs", {1LL << 40, 1, 0}, std::vector<float>{})})[0].value,
      "empty data set"));
  CHECK(contains(
      problems_of({binary_inputs(), make_tensor<float>("labels", {3}, std::vector<float>(3))})[0]
          .value,
      "F32"));
  CHECK(contains(problems_of({binary_inputs(),
                              make_tensor<std::int32_t>("labels", {3, 1}, Labels{0, 1, 2})})[0]
                     .value,
                 "(3, 1)"));
}

TEST_CASE("array: tensors of any other name are refused, a misspelled one with the right one") {
  const auto found =
      problems_of({binary_inputs(), make_tensor<std::int32_t>("lables", {3}, Labels{0, 1, 1})});
  REQUIRE(found.size() == 1);
  CHECK(contains(found[0].place, "tensor \"lables\""));
  CHECK(contains(found[0].allowed, "nearest: \"labels\""));
  CHECK(problems_of({labels({0}), make_tensor<std::uint8_t>("Inputs", {1, 1, 1}, Bytes(1)),
                     make_tensor<float>("w", {1}, std::vector<float>(1))})
            .size() == 3);
}

TEST_CASE("array: labels and sizes that do not fit") {
  auto found = problems_of({binary_inputs(), labels({0, 1})});
  CHECK(found[0].value == "2 labels");
  CHECK(contains(found[0].allowed, "3, one for each"));
  found = problems_of({binary_inputs(), labels({0, 1, -4})});
  CHECK(contains(found[0].place, "labels[2]"));
  CHECK(found[0].value == "-4");
  CHECK(problems_of({binary_inputs(), labels({0, 2147483647, 0})})[0].value == "2147483647");
  CHECK(problems_of({binary_inputs()}, 3)[0].place == "task.n_test");
  CHECK(problems_of({binary_inputs()}, -1)[0].value == "-1");
  // all at once
  CHECK(problems_of({binary_inputs(), labels({0, 1})}, 3).size() == 2);
  CHECK(problems_of({make_tensor<std::int64_t>("inputs", {1}, std::vector<std::int64_t>(1)),
                     make_tensor<float>("labels", {1}, std::vector<float>(1))},
                    -2)
            .size() == 4);
}

TEST_CASE("array: values that are not finite are named by place") {
  const ScratchFolder folder;
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    std::vector<float> values(12);
    values[2 * 4 + 1 * 2 + 0] = bad;
    const auto path = save(folder, {make_tensor<float>("inputs", {3, 2, 2}, values)});
    try {
      load_array({"data.safetensors", 1, 0, false}, path);
      FAIL("not refused");
    } catch (const UserError& error) {
      CHECK(error.problems().at(0).place == path.string() + ": inputs[2, 1, 0]");
      CHECK(error.problems().at(0).value == (std::isnan(bad) ? "NaN" : "infinity"));
    }
  }
}

TEST_CASE("array: a damaged file is refused before anything is made of it") {
  const ScratchFolder folder;
  const std::string content = to_safetensors({binary_inputs(), labels({2, 0, 1})}, {});
  const auto path = folder / "data.safetensors";
  CHECK_THROWS_AS(load_array({"data.safetensors", 1, 0, false}, path), UserError);
  for (std::size_t n = 0; n < content.size(); n += 7) {
    test::write_file(path, content.substr(0, n));
    CHECK_THROWS_AS(load_array({"data.safetensors", 1, 0, false}, path), UserError);
  }
  // one flipped bit: refused, or a data set whose parts fit together
  int n_read = 0;
  for (std::size_t bit = 0; bit < content.size() * 8; bit += 3) {
    std::string damaged = content;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    test::write_file(path, damaged);
    try {
      const TaskData data = load_array({"data.safetensors", 1, 0, false}, path);
      ++n_read;
      CHECK(data.train.n_samples >= 1);
      CHECK(data.test.n_samples == 1);
      if (!data.train.is_dense) {
        CHECK(data.train.offsets.back() == static_cast<std::int64_t>(data.train.events.size()));
      }
    } catch (const UserError&) {
    }
  }
  CHECK(n_read > 0);
}

}  // namespace spikelane
