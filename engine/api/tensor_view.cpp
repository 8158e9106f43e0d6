#include "engine/api/tensor_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/report/safetensors.h"

namespace spikelane {
namespace {

constexpr std::int64_t kLargestSize = std::numeric_limits<std::int32_t>::max();
constexpr std::array<const char*, 12> kDtypeNames = {"bool",  "uint8",   "int8",    "uint16",
                                                     "int16", "uint32",  "int32",   "uint64",
                                                     "int64", "float16", "float32", "float64"};

std::string dtype_text(const spikelane_tensor& tensor) {
  return kDtypeNames[static_cast<std::size_t>(tensor.dtype)];
}
std::vector<std::int64_t> shape_of(const spikelane_tensor& tensor) {
  return {tensor.shape, tensor.shape + tensor.n_dims};
}
std::string form_text(const spikelane_tensor& tensor) {
  return "shape " + shape_text(shape_of(tensor)) + " of " + dtype_text(tensor);
}
bool is_integer(const spikelane_tensor& tensor) { return tensor.dtype <= SPIKELANE_I64; }

// IEEE half precision, exact in float
float from_half(std::uint16_t half) {
  const int exponent = half >> 10 & 31, mantissa = half & 1023;
  float value;
  if (exponent == 31)
    value =
        mantissa ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  else if (exponent == 0)
    value = std::ldexp(static_cast<float>(mantissa), -24);
  else
    value = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  return half & 0x8000 ? -value : value;
}

// reads of any alignment
template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Calls body(read), where read(address) gives an element in a type that holds it exactly.
template <class Body>
void with_reader(const spikelane_tensor& tensor, const Body& body) {
  switch (tensor.dtype) {
    case SPIKELANE_BOOL:
      return body([](const std::byte* at) { return static_cast<int>(*at != std::byte{0}); });
    case SPIKELANE_U8:
      return body([](const std::byte* at) { return load<std::uint8_t>(at); });
    case SPIKELANE_I8:
      return body([](const std::byte* at) { return load<std::int8_t>(at); });
    case SPIKELANE_U16:
      return body([](const std::byte* at) { return load<std::uint16_t>(at); });
    case SPIKELANE_I16:
      return body([](const std::byte* at) { return load<std::int16_t>(at); });
    case SPIKELANE_U32:
      return body([](const std::byte* at) { return load<std::uint32_t>(at); });
    case SPIKELANE_I32:
      return body([](const std::byte* at) { return load<std::int32_t>(at); });
    case SPIKELANE_U64:
      return body([](const std::byte* at) { return load<std::uint64_t>(at); });
    case SPIKELANE_I64:
      return body([](const std::byte* at) { return load<std::int64_t>(at); });
    case SPIKELANE_F16:
      return body([](const std::byte* at) { return from_half(load<std::uint16_t>(at)); });
    case SPIKELANE_F32:
      return body([](const std::byte* at) { return load<float>(at); });
    default:
      return body([](const std::byte* at) { return load<double>(at); });
  }
}

/// Calls body(value, i) for each element in C order; body returns false to end.
template <class Body>
void for_each(const spikelane_tensor& tensor, const Body& body) {
  with_reader(tensor, [&](const auto& read) {
    std::int64_t sizes[3] = {1, 1, 1}, strides[3] = {0, 0, 0};
    const int first = 3 - tensor.n_dims;
    for (int d = 0; d < tensor.n_dims; ++d) {
      sizes[first + d] = tensor.shape[d];
      strides[first + d] = tensor.strides[d];
    }
    const auto* data = static_cast<const std::byte*>(tensor.data);
    std::int64_t i = 0;
    for (std::int64_t a = 0; a < sizes[0]; ++a)
      for (std::int64_t b = 0; b < sizes[1]; ++b) {
        const std::byte* row = data + a * strides[0] + b * strides[1];
        for (std::int64_t c = 0; c < sizes[2]; ++c, ++i)
          if (!body(read(row + c * strides[2]), i)) return;
      }
  });
}

std::string index_text(const spikelane_tensor& tensor, std::int64_t i) {
  std::string text;
  for (int d = tensor.n_dims - 1; d >= 0; --d) {
    text = std::to_string(i % tensor.shape[d]) + (text.empty() ? "" : ", " + text);
    i /= tensor.shape[d];
  }
  return std::string(tensor.name) + "[" + text + "]";
}

void add_not_finite(const spikelane_tensor& tensor, std::int64_t i, double value,
                    Problems& problems) {
  problems.add(index_text(tensor, i), std::isnan(value) ? "NaN" : "infinity", "a finite number");
}

void read_dense(const spikelane_tensor& tensor, Dataset& data, Problems& problems) {
  if (tensor.n_dims != 3) {
    problems.add(tensor.name, form_text(tensor),
                 "three sizes: (samples, steps, inputs), of any dtype");
    return;
  }
  const auto shape = shape_of(tensor);
  if (*std::min_element(shape.begin(), shape.end()) < 1 ||
      *std::max_element(shape.begin(), shape.end()) > kLargestSize) {
    problems.add(tensor.name, form_text(tensor), "sizes from 1 to " + std::to_string(kLargestSize));
    return;
  }
  data.n_samples = static_cast<int>(shape[0]);
  data.n_steps = static_cast<int>(shape[1]);
  data.n_inputs = static_cast<int>(shape[2]);
  bool is_binary = true, is_finite = true;
  for_each(tensor, [&](auto value, std::int64_t i) {
    if (value == 0 || value == 1) return true;
    is_binary = false;
    const auto as_float = static_cast<float>(value);
    if (std::isfinite(as_float)) return true;
    add_not_finite(tensor, i, static_cast<double>(value), problems);
    return is_finite = false;
  });
  if (!is_finite) return;
  const std::int64_t n_inputs = shape[2], n_values = shape[1] * shape[2];
  if (!is_binary) {
    data.is_dense = true;
    data.values.reserve(static_cast<std::size_t>(shape[0] * n_values));
    for_each(tensor, [&](auto value, std::int64_t) {
      data.values.push_back(static_cast<float>(value));
      return true;
    });
    return;
  }
  data.offsets.push_back(0);
  for_each(tensor, [&](auto value, std::int64_t i) {
    if (value != 0) {
      const std::int64_t at = i % n_values;
      data.events.push_back(
          {static_cast<std::int32_t>(at / n_inputs), static_cast<std::int32_t>(at % n_inputs)});
    }
    if ((i + 1) % n_values == 0)
      data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
    return true;
  });
}

/// A list of integers from 0 to `last`; what lies outside is a problem.
std::vector<std::int64_t> read_integers(const spikelane_tensor& tensor, std::int64_t last,
                                        Problems& problems) {
  std::vector<std::int64_t> values;
  if (tensor.n_dims != 1 || !is_integer(tensor)) {
    problems.add(tensor.name, form_text(tensor), "one size and an integer dtype");
    return values;
  }
  values.reserve(static_cast<std::size_t>(tensor.shape[0]));
  for_each(tensor, [&](auto value, std::int64_t i) {
    const auto number = static_cast<std::int64_t>(value);
    // an unsigned value beyond the signed range becomes negative
    if (number < 0 || number > last) {
      problems.add(index_text(tensor, i), std::to_string(value),
                   "an integer from 0 to " + std::to_string(last));
      return false;
    }
    values.push_back(number);
    return true;
  });
  return values;
}

void read_events(const TensorViews& tensors, const std::string& prefix, EventSizes sizes,
                 Dataset& data, Problems& problems) {
  const spikelane_tensor* parts[3];
  const char* const names[3] = {"inputs.offsets", "inputs.step", "inputs.unit"};
  for (int i = 0; i < 3; ++i) {
    parts[i] = tensors.find(prefix + names[i]);
    if (!parts[i]) problems.add(prefix + names[i], "nothing", "an array: events have all three");
  }
  if (sizes.n_steps < 1) problems.add("n_steps", std::to_string(sizes.n_steps), "an integer >= 1");
  if (sizes.n_inputs < 1)
    problems.add("n_inputs", std::to_string(sizes.n_inputs), "an integer >= 1");
  if (!problems.is_empty()) return;
  const auto offsets = read_integers(*parts[0], std::numeric_limits<std::int64_t>::max(), problems);
  const auto steps = read_integers(*parts[1], sizes.n_steps - 1, problems);
  const auto units = read_integers(*parts[2], sizes.n_inputs - 1, problems);
  if (!problems.is_empty()) return;
  const auto n_events = static_cast<std::int64_t>(steps.size());
  if (units.size() != steps.size())
    problems.add(prefix + "inputs.unit", std::to_string(units.size()) + " units",
                 std::to_string(n_events) + ", one for each step");
  if (offsets.size() < 2 || offsets.front() != 0 || offsets.back() != n_events ||
      !std::is_sorted(offsets.begin(), offsets.end()))
    problems.add(prefix + "inputs.offsets", form_text(*parts[0]),
                 "numbers that rise from 0 to " + std::to_string(n_events) +
                     ", one more than there are samples");
  if (!problems.is_empty()) return;
  data.n_samples = static_cast<int>(offsets.size()) - 1;
  data.n_steps = sizes.n_steps;
  data.n_inputs = sizes.n_inputs;
  data.offsets.push_back(0);
  const auto is_before = [](const InputEvent& a, const InputEvent& b) {
    return a.step != b.step ? a.step < b.step : a.unit < b.unit;
  };
  const auto is_same = [](const InputEvent& a, const InputEvent& b) {
    return a.step == b.step && a.unit == b.unit;
  };
  std::vector<InputEvent> events;
  for (int sample = 0; sample < data.n_samples; ++sample) {
    events.clear();
    for (auto i = offsets[static_cast<std::size_t>(sample)];
         i < offsets[static_cast<std::size_t>(sample) + 1]; ++i)
      events.push_back({static_cast<std::int32_t>(steps[static_cast<std::size_t>(i)]),
                        static_cast<std::int32_t>(units[static_cast<std::size_t>(i)])});
    std::sort(events.begin(), events.end(), is_before);
    events.erase(std::unique(events.begin(), events.end(), is_same), events.end());
    data.events.insert(data.events.end(), events.begin(), events.end());
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
}

}  // namespace

TensorViews::TensorViews(const spikelane_tensor* tensors, std::size_t n_tensors) {
  Problems problems;
  for (std::size_t i = 0; i < n_tensors; ++i) {
    const std::string place = "tensors[" + std::to_string(i) + "]";
    const spikelane_tensor& tensor = tensors[i];
    if (tensor.struct_size != sizeof(spikelane_tensor) || tensor.name == nullptr) {
      problems.add(place, "no name, or a structure of another size", "a spikelane_tensor");
      continue;
    }
    if (tensor.dtype < 0 || tensor.dtype > SPIKELANE_F64)
      problems.add(tensor.name, "dtype " + std::to_string(tensor.dtype), "a spikelane_dtype");
    else if (tensor.n_dims < 1 || tensor.n_dims > 3)
      problems.add(tensor.name, std::to_string(tensor.n_dims) + " sizes", "1 to 3 sizes");
    else if (std::any_of(tensor.shape, tensor.shape + tensor.n_dims, [](std::int64_t size) {
               return size < 0 || size > std::int64_t{1} << 40;
             }))
      problems.add(tensor.name, form_text(tensor), "sizes from 0 to 2^40");
    else if (tensor.data == nullptr && std::find(tensor.shape, tensor.shape + tensor.n_dims, 0) ==
                                           tensor.shape + tensor.n_dims)
      problems.add(tensor.name, "NULL", "the address of its elements");
    else if (find(tensor.name))
      problems.add(tensor.name, "a second time", "each name once");
    else
      tensors_.push_back(tensor);
  }
  problems.throw_if_any();
}

const spikelane_tensor* TensorViews::find(const std::string& name) const {
  for (const spikelane_tensor& tensor : tensors_)
    if (name == tensor.name) return &tensor;
  return nullptr;
}

Dataset dataset_of(const TensorViews& tensors, const std::string& prefix, EventSizes sizes,
                   Problems& problems) {
  Dataset data;
  const spikelane_tensor* dense = tensors.find(prefix + "inputs");
  if (dense && tensors.find(prefix + "inputs.offsets"))
    problems.add(prefix + "inputs", "it beside events", "one of the two");
  else if (dense)
    read_dense(*dense, data, problems);
  else if (tensors.find(prefix + "inputs.offsets"))
    read_events(tensors, prefix, sizes, data, problems);
  else
    problems.add(prefix + "inputs", "nothing", "an array (samples, steps, inputs), or events");
  if (const spikelane_tensor* labels = tensors.find(prefix + "labels")) {
    const auto classes = read_integers(*labels, kLargestSize - 1, problems);
    if (problems.is_empty() && static_cast<int>(classes.size()) != data.n_samples)
      problems.add(prefix + "labels", form_text(*labels),
                   "shape (" + std::to_string(data.n_samples) + "), one for each sample of " +
                       prefix + "inputs");
    data.labels.assign(classes.begin(), classes.end());
  }
  return data;
}

void check_data_names(const TensorViews& tensors, bool has_test, Problems& problems) {
  std::vector<std::string> names;
  for (const char* prefix : {"", "test."})
    if (has_test || *prefix == '\0')
      for (const char* name : {"inputs", "labels", "inputs.offsets", "inputs.step", "inputs.unit"})
        names.push_back(std::string(prefix) + name);
  for (const spikelane_tensor& tensor : tensors.all())
    if (std::find(names.begin(), names.end(), tensor.name) == names.end())
      problems.add(in_quotes(tensor.name), "a tensor that nobody asks for",
                   one_of_text(names, tensor.name));
}

void set_parameters(const TensorViews& tensors, const Plan& plan, std::vector<float>& parameters,
                    Problems& problems) {
  std::vector<std::string> names;
  for (const TensorPlan& wanted : plan.tensors()) {
    names.push_back(wanted.logical.name);
    const spikelane_tensor* tensor = tensors.find(wanted.logical.name);
    if (!tensor) continue;
    std::vector<std::int64_t> shape{wanted.n_rows, wanted.n_columns};
    if (wanted.is_bias) shape = {wanted.n_columns};
    if (shape_of(*tensor) != shape) {
      problems.add(tensor->name, form_text(*tensor),
                   "shape " + shape_text(shape) +
                       (wanted.is_bias ? ", (neurons)" : ", (presynaptic, postsynaptic)"));
      continue;
    }
    for_each(*tensor, [&](auto value, std::int64_t i) {
      const auto number = static_cast<float>(value);
      if (!std::isfinite(number)) {
        add_not_finite(*tensor, i, static_cast<double>(value), problems);
        return false;
      }
      parameters[static_cast<std::size_t>(wanted.logical.begin + i)] = number;
      return true;
    });
  }
  for (const spikelane_tensor& tensor : tensors.all())
    if (std::find(names.begin(), names.end(), tensor.name) == names.end())
      problems.add(in_quotes(tensor.name), "not a tensor of this network",
                   one_of_text(names, tensor.name));
}

}  // namespace spikelane
