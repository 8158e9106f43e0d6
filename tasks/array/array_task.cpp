#include "tasks/array/array_task.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/report/checksum.h"

namespace spikelane {

namespace {

constexpr std::int64_t kLargestSize = std::numeric_limits<std::int32_t>::max();

// what a file holds once it has passed all checks
struct ArrayHeader {
  SafetensorsHeader file;
  ArrayShape shape;
  std::vector<std::int32_t> labels;  // (B) or empty
};

class Problems {
 public:
  explicit Problems(const std::filesystem::path& path) : file_(path.string()) {}
  void add(const std::string& where, std::string value, std::string allowed) {
    list_.push_back({file_ + ": " + where, std::move(value), std::move(allowed)});
  }
  void add_at(std::string place, std::string value, std::string allowed) {
    list_.push_back({std::move(place), std::move(value), std::move(allowed)});
  }
  void throw_if_any() {
    if (!list_.empty()) throw UserError(std::move(list_));
  }

 private:
  std::string file_;
  std::vector<Problem> list_;
};

void check_inputs(const TensorInfo* inputs, ArrayShape& shape, Problems& problems) {
  if (inputs == nullptr) {
    problems.add("tensor \"inputs\"", "missing", "a tensor (B, T, I) of dtype U8 or F32");
    return;
  }
  if (inputs->dtype != "U8" && inputs->dtype != "F32") {
    problems.add("tensor \"inputs\"", "dtype " + inputs->dtype, "dtype U8 or F32");
  }
  const auto& sizes = inputs->shape;
  if (sizes.size() != 3) {
    problems.add("tensor \"inputs\"", "shape " + shape_text(sizes),
                 "three sizes: (B samples, T steps, I inputs)");
    return;
  }
  if (*std::min_element(sizes.begin(), sizes.end()) < 1) {
    problems.add("tensor \"inputs\"", "shape " + shape_text(sizes) + ", an empty data set",
                 "at least one sample, one step and one input");
    return;
  }
  if (*std::max_element(sizes.begin(), sizes.end()) > kLargestSize) {
    problems.add("tensor \"inputs\"", "shape " + shape_text(sizes),
                 "sizes up to " + std::to_string(kLargestSize));
    return;
  }
  shape.n_samples = static_cast<int>(sizes[0]);
  shape.n_steps = static_cast<int>(sizes[1]);
  shape.n_inputs = static_cast<int>(sizes[2]);
}

// labels are read only where their dtype and shape are right
std::vector<std::int32_t> read_labels(const std::filesystem::path& path,
                                      const SafetensorsHeader& file, ArrayShape& shape,
                                      Problems& problems) {
  const TensorInfo* info = find_tensor(file, "labels");
  if (info == nullptr) return {};
  if (info->dtype != "I32" || info->shape.size() != 1) {
    problems.add("tensor \"labels\"", "shape " + shape_text(info->shape) + " of " + info->dtype,
                 "one size, (B), and dtype I32");
    return {};
  }
  if (shape.n_samples > 0 && info->shape[0] != shape.n_samples) {
    problems.add("tensor \"labels\"", std::to_string(info->shape[0]) + " labels",
                 std::to_string(shape.n_samples) + ", one for each sample of \"inputs\"");
    return {};
  }
  auto labels = values_of<std::int32_t>(read_tensor(path, file, *info));
  const auto is_wrong = [](std::int32_t label) { return label < 0 || label == kLargestSize; };
  const auto wrong = std::find_if(labels.begin(), labels.end(), is_wrong);
  if (wrong != labels.end()) {
    problems.add("labels[" + std::to_string(wrong - labels.begin()) + "]", std::to_string(*wrong),
                 "a class from 0 to " + std::to_string(kLargestSize - 1));
  } else if (!labels.empty()) {
    shape.n_classes = *std::max_element(labels.begin(), labels.end()) + 1;
  }
  return labels;
}

// a misspelled "labels" would otherwise be a data set without them
void check_names(const SafetensorsHeader& file, Problems& problems) {
  const std::vector<std::string> names{"inputs", "labels"};
  for (const TensorInfo& info : file.tensors)
    if (std::find(names.begin(), names.end(), info.name) == names.end())
      problems.add("tensor " + in_quotes(info.name), "a tensor that nobody asks for",
                   one_of_text(names, info.name));
}

ArrayHeader read_header(const ArrayConfig& config, const std::filesystem::path& path) {
  ArrayHeader header;
  header.file = read_safetensors_header(path);
  Problems problems(path);
  check_names(header.file, problems);
  check_inputs(find_tensor(header.file, "inputs"), header.shape, problems);
  header.labels = read_labels(path, header.file, header.shape, problems);
  const int n_samples = header.shape.n_samples;
  if (config.n_test < 0 || (n_samples > 0 && config.n_test >= n_samples)) {
    problems.add_at("task.n_test", std::to_string(config.n_test),
                    n_samples > 0 ? "0 to " + std::to_string(n_samples - 1) + ", the file has " +
                                        std::to_string(n_samples) + " samples"
                                  : "an integer >= 0");
  }
  problems.throw_if_any();
  return header;
}

Dataset empty_dataset(const ArrayHeader& header, int first, int n) {
  Dataset data;
  data.n_samples = n;
  data.n_steps = header.shape.n_steps;
  data.n_inputs = header.shape.n_inputs;
  if (!header.labels.empty()) {
    data.labels.assign(header.labels.begin() + first, header.labels.begin() + first + n);
  }
  return data;
}

// values of samples first .. first+n-1, which are all 0 or 1, as events
Dataset events_of(const ArrayHeader& header, const Tensor& inputs, int first, int n) {
  Dataset data = empty_dataset(header, first, n);
  const std::size_t n_inputs = data.n_inputs, n_values = n_inputs * data.n_steps;
  data.offsets.push_back(0);
  for (int sample = first; sample < first + n; ++sample) {
    const std::byte* values = inputs.bytes.data() + sample * n_values;
    for (std::size_t i = 0; i < n_values; ++i) {
      if (values[i] == std::byte{0}) continue;
      data.events.push_back(
          {static_cast<std::int32_t>(i / n_inputs), static_cast<std::int32_t>(i % n_inputs)});
    }
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  return data;
}

Dataset values_of_samples(const ArrayHeader& header, const Tensor& inputs, int first, int n) {
  Dataset data = empty_dataset(header, first, n);
  data.is_dense = true;
  const std::size_t n_values = static_cast<std::size_t>(data.n_inputs) * data.n_steps;
  data.values.resize(n * n_values);
  if (inputs.dtype == "F32") {
    std::memcpy(data.values.data(), inputs.bytes.data() + first * n_values * sizeof(float),
                data.values.size() * sizeof(float));
  } else {
    const std::byte* values = inputs.bytes.data() + first * n_values;
    std::transform(values, values + data.values.size(), data.values.begin(),
                   [](std::byte value) { return static_cast<float>(value); });
  }
  return data;
}

void check_finite(const Tensor& inputs, const std::filesystem::path& path) {
  if (inputs.dtype != "F32") return;
  const std::size_t n = inputs.bytes.size() / sizeof(float);
  for (std::size_t i = 0; i < n; ++i) {
    float value;
    std::memcpy(&value, inputs.bytes.data() + i * sizeof(float), sizeof(float));
    if (std::isfinite(value)) continue;
    const std::size_t n_inputs = inputs.shape[2], n_steps = inputs.shape[1];
    const std::size_t step = i / n_inputs % n_steps, sample = i / n_inputs / n_steps;
    throw UserError(path.string() + ": inputs[" + std::to_string(sample) + ", " +
                        std::to_string(step) + ", " + std::to_string(i % n_inputs) + "]",
                    std::isnan(value) ? "NaN" : "infinity", "finite numbers");
  }
}

}  // namespace

ArrayShape describe_array(const ArrayConfig& config, const std::filesystem::path& path) {
  return read_header(config, path).shape;
}

TaskData load_array(const ArrayConfig& config, const std::filesystem::path& path) {
  const ArrayHeader header = read_header(config, path);
  check_checksum_if_any(path, header.file);
  const Tensor inputs = read_tensor(path, header.file, *find_tensor(header.file, "inputs"));
  check_finite(inputs, path);
  const bool is_binary =
      inputs.dtype == "U8" && std::all_of(inputs.bytes.begin(), inputs.bytes.end(),
                                          [](std::byte value) { return value <= std::byte{1}; });
  const auto part = is_binary ? events_of : values_of_samples;

  TaskData data;
  data.n_classes = header.shape.n_classes;
  const int n_train = header.shape.n_samples - config.n_test;
  data.train = part(header, inputs, 0, n_train);
  data.test = config.n_test == 0 ? data.train : part(header, inputs, n_train, config.n_test);
  return data;
}

}  // namespace spikelane
