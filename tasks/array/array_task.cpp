#include "tasks/array/array_task.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/report/checksum.h"
#include "kernels/core/random.h"
#include "tasks/array/array_values.h"

namespace spikelane {

namespace {

// c1 of the shuffle that precedes the holding out; minibatches have 0
constexpr std::uint32_t kSplitStep = 1;
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
    problems.add("tensor \"inputs\"", "missing",
                 std::string("a tensor (B, T, I) of dtype ") + kInputDtypes);
    return;
  }
  if (!is_input_dtype(inputs->dtype)) {
    problems.add("tensor \"inputs\"", "dtype " + inputs->dtype,
                 std::string("dtype ") + kInputDtypes);
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
                                      const SafetensorsHeader& file, int n_classes,
                                      ArrayShape& shape, Problems& problems) {
  const TensorInfo* info = find_tensor(file, "labels");
  if (info == nullptr) return {};
  if (!is_label_dtype(info->dtype) || info->shape.size() != 1) {
    problems.add("tensor \"labels\"", "shape " + shape_text(info->shape) + " of " + info->dtype,
                 std::string("one size, (B), and dtype ") + kLabelDtypes);
    return {};
  }
  if (shape.n_samples > 0 && info->shape[0] != shape.n_samples) {
    problems.add("tensor \"labels\"", std::to_string(info->shape[0]) + " labels",
                 std::to_string(shape.n_samples) + ", one for each sample of \"inputs\"");
    return {};
  }
  const auto classes = integers_of(info->dtype, read_tensor(path, file, *info).bytes);
  const std::int64_t n_allowed = n_classes > 0 ? n_classes : kLargestSize;
  const auto wrong = std::find_if(classes.begin(), classes.end(), [&](std::int64_t label) {
    return label < 0 || label >= n_allowed;
  });
  if (wrong != classes.end()) {
    problems.add("labels[" + std::to_string(wrong - classes.begin()) + "]", std::to_string(*wrong),
                 "a class from 0 to " + std::to_string(n_allowed - 1) +
                     (n_classes > 0 ? ", as task.n_classes says" : ""));
    return {};
  }
  if (!classes.empty())
    shape.n_classes = n_classes > 0
                          ? n_classes
                          : static_cast<int>(*std::max_element(classes.begin(), classes.end())) + 1;
  return {classes.begin(), classes.end()};
}

// a misspelled "labels" would otherwise be a data set without them
void check_names(const SafetensorsHeader& file, Problems& problems) {
  const std::vector<std::string> names{"inputs", "labels"};
  for (const TensorInfo& info : file.tensors)
    if (std::find(names.begin(), names.end(), info.name) == names.end())
      problems.add("tensor " + in_quotes(info.name), "unexpected tensor",
                   one_of_text(names, info.name));
}

ArrayHeader read_header(const ArrayConfig& config, const std::filesystem::path& path) {
  ArrayHeader header;
  header.file = read_safetensors_header(path);
  Problems problems(path);
  check_names(header.file, problems);
  check_inputs(find_tensor(header.file, "inputs"), header.shape, problems);
  header.shape.n_classes = config.n_classes;
  header.labels = read_labels(path, header.file, config.n_classes, header.shape, problems);
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

using Indices = std::span<const std::int32_t>;

Dataset part_of(const ArrayHeader& header, Indices samples) {
  Dataset data;
  data.n_samples = static_cast<int>(samples.size());
  data.n_steps = header.shape.n_steps;
  data.n_inputs = header.shape.n_inputs;
  if (!header.labels.empty())
    for (const std::int32_t sample : samples)
      data.labels.push_back(header.labels[static_cast<std::size_t>(sample)]);
  return data;
}

// samples whose values are all 0 or 1, as events
Dataset events_of(const ArrayHeader& header, const Tensor& inputs, Indices samples) {
  Dataset data = part_of(header, samples);
  const std::size_t n_inputs = data.n_inputs, n_values = n_inputs * data.n_steps;
  data.offsets.push_back(0);
  for (const std::int32_t sample : samples) {
    const auto values = floats_of(inputs.dtype, inputs.bytes, sample * n_values, n_values);
    for (std::size_t i = 0; i < n_values; ++i) {
      if (values[i] == 0.0f) continue;
      data.events.push_back(
          {static_cast<std::int32_t>(i / n_inputs), static_cast<std::int32_t>(i % n_inputs)});
    }
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  return data;
}

Dataset values_of_samples(const ArrayHeader& header, const Tensor& inputs, Indices samples) {
  Dataset data = part_of(header, samples);
  data.is_dense = true;
  const std::size_t n_values = static_cast<std::size_t>(data.n_inputs) * data.n_steps;
  data.values.reserve(samples.size() * n_values);
  for (const std::int32_t sample : samples) {
    const auto values = floats_of(inputs.dtype, inputs.bytes, sample * n_values, n_values);
    data.values.insert(data.values.end(), values.begin(), values.end());
  }
  return data;
}

void check_finite(const Tensor& inputs, const std::filesystem::path& path) {
  const auto wrong = find_wrong_value(inputs.dtype, inputs.bytes);
  if (!wrong) return;
  const std::size_t n_inputs = inputs.shape[2], n_steps = inputs.shape[1];
  const std::size_t step = wrong->index / n_inputs % n_steps;
  const std::size_t sample = wrong->index / n_inputs / n_steps;
  throw UserError(path.string() + ": inputs[" + std::to_string(sample) + ", " +
                      std::to_string(step) + ", " + std::to_string(wrong->index % n_inputs) + "]",
                  wrong->text, "finite numbers of magnitude up to 3.4e38");
}

// all samples, in the file's order or shuffled by `seed`
std::vector<std::int32_t> order_of(int n_samples, bool is_shuffled, std::uint64_t seed) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(n_samples));
  std::iota(order.begin(), order.end(), 0);
  if (!is_shuffled) return order;
  const RandomKey key{seed, kSplitStep, 0, Stream::kShuffle, 0};
  for (int last = n_samples - 1; last > 0; --last) {
    const auto other = static_cast<std::int64_t>(
        std::uint64_t{SPIKELANE_ISA::random_word(last, key)} * (last + std::uint64_t{1}) >> 32);
    std::swap(order[static_cast<std::size_t>(last)], order[static_cast<std::size_t>(other)]);
  }
  return order;
}

// classes that one of the parts lacks and the other has
std::string missing_classes(const TaskData& data) {
  std::set<std::int32_t> train(data.train.labels.begin(), data.train.labels.end());
  std::set<std::int32_t> test(data.test.labels.begin(), data.test.labels.end());
  const auto list = [](const std::set<std::int32_t>& all, const std::set<std::int32_t>& in) {
    std::string text;
    int n = 0;
    for (const std::int32_t label : all)
      if (in.count(label) == 0 && ++n <= 8) text += (n > 1 ? ", " : "") + std::to_string(label);
    return n > 8 ? text + ", ... (" + std::to_string(n) + " in all)" : text;
  };
  const std::string not_tested = list(train, test), not_trained = list(test, train);
  std::string text;
  if (!not_trained.empty()) text = "the training samples lack the classes " + not_trained;
  if (!not_tested.empty())
    text += (text.empty() ? "" : "; ") + ("the held-out samples lack the classes " + not_tested);
  return text;
}

}  // namespace

ArrayShape describe_array(const ArrayConfig& config, const std::filesystem::path& path) {
  return read_header(config, path).shape;
}

TaskData load_array(const ArrayConfig& config, const std::filesystem::path& path,
                    std::uint64_t seed) {
  const ArrayHeader header = read_header(config, path);
  check_checksum_if_any(path, header.file);
  const Tensor inputs = read_tensor(path, header.file, *find_tensor(header.file, "inputs"));
  check_finite(inputs, path);
  const auto part = is_binary(inputs.dtype, inputs.bytes) ? events_of : values_of_samples;

  TaskData data;
  data.n_classes = header.shape.n_classes;
  const auto order = order_of(header.shape.n_samples, config.shuffle, seed);
  const auto n_train = static_cast<std::size_t>(header.shape.n_samples - config.n_test);
  data.train = part(header, inputs, Indices(order).first(n_train));
  if (config.n_test == 0) {
    data.test = data.train;
    data.tests_on_training_samples = true;
    return data;
  }
  data.test = part(header, inputs, Indices(order).subspan(n_train));
  const std::string missing = missing_classes(data);
  if (!missing.empty())
    data.warnings.push_back(
        "task.n_test: " + missing +
        (config.shuffle ? "" : "; task.shuffle mixes the samples before some are held out"));
  return data;
}

}  // namespace spikelane
