#include "engine/report/weights.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "engine/config/config_differences.h"
#include "engine/config/parse_config.h"
#include "engine/config/problems.h"
#include "engine/report/checksum.h"

namespace spikelane {
namespace {

std::vector<std::int64_t> shape_of(const TensorPlan& tensor) {
  if (tensor.is_bias) return {tensor.n_columns};
  if (tensor.n_delays > 0)
    return {tensor.n_delays, tensor.n_rows / tensor.n_delays, tensor.n_columns};
  return {tensor.n_rows, tensor.n_columns};
}

std::span<const float> part_of(const TensorPlan& tensor, std::span<const float> parameters) {
  return parameters.subspan(static_cast<std::size_t>(tensor.logical.begin),
                            static_cast<std::size_t>(tensor.logical.end - tensor.logical.begin));
}

// "input.hidden.weight[3, 7]"
std::string element_name(const TensorPlan& tensor, std::int64_t i) {
  const std::string column = std::to_string(i % tensor.n_columns);
  const std::int64_t row = i / tensor.n_columns;
  std::string place = tensor.is_bias ? column : std::to_string(row) + ", " + column;
  if (tensor.n_delays > 0) {
    const std::int64_t n_pre = tensor.n_rows / tensor.n_delays;
    place = std::to_string(row / n_pre) + ", " + std::to_string(row % n_pre) + ", " + column;
  }
  return tensor.logical.name + "[" + place + "]";
}

void check_finite(const TensorPlan& tensor, std::span<const float> values, const std::string& file,
                  Problems& problems) {
  const auto is_wrong = [](float x) { return !std::isfinite(x); };
  const auto first = std::find_if(values.begin(), values.end(), is_wrong);
  if (first == values.end()) return;
  const auto n = std::count_if(first, values.end(), is_wrong);
  std::string value = std::isnan(*first) ? "NaN" : "infinity";
  if (n > 1) value += " (and " + std::to_string(n - 1) + " more values that are not finite)";
  problems.add(file + ": " + element_name(tensor, first - values.begin()), value,
               "a finite number");
}

// true when the array is there and as the plan wants it
bool has_right_form(const TensorPlan& tensor, const TensorInfo* info, const std::string& file,
                    Problems& problems) {
  const std::string place = file + ": tensor " + in_quotes(tensor.logical.name);
  const std::string shape = shape_text(shape_of(tensor));
  if (info == nullptr) {
    problems.add(place, "missing", "shape " + shape + " of dtype F32");
    return false;
  }
  const bool has_shape = info->shape == shape_of(tensor), has_dtype = info->dtype == "F32";
  if (!has_shape) problems.add(place, "shape " + shape_text(info->shape), "shape " + shape);
  if (!has_dtype) problems.add(place, "dtype " + info->dtype, "dtype F32");
  return has_shape && has_dtype;
}

// the network alone does not need what KeRNL's regression has learned
bool is_of_rule(const Plan& plan, const std::string& name) {
  for (const PopulationDescription& population : plan.network().populations)
    if (population.model == NeuronModel::kAlif &&
        (name == population.name + ".sensitivity" || name == population.name + ".filter"))
      return true;
  return false;
}

}  // namespace

std::string weights_to_safetensors(const Plan& plan, std::span<const float> parameters,
                                   std::span<const RuleTensor> rule_tensors,
                                   const Metadata& origin) {
  assert(static_cast<std::int64_t>(parameters.size()) == plan.n_parameters());
  std::vector<Tensor> tensors;
  for (const TensorPlan& tensor : plan.tensors()) {
    const auto values = part_of(tensor, parameters);
    tensors.push_back(
        make_tensor(tensor.logical.name, shape_of(tensor), values.data(), values.size()));
  }
  for (const RuleTensor& tensor : rule_tensors)
    tensors.push_back(make_tensor(tensor.name, tensor.shape, tensor.values));
  return to_checked_safetensors(tensors, origin);
}

// `read(i)` gives the tensor of infos[i]
template <class Read>
static std::vector<float> collect_weights(const std::vector<TensorInfo>& infos,
                                          const std::string& file, const Plan& plan,
                                          const Read& read) {
  Problems problems;
  std::vector<std::string> names;
  std::vector<float> parameters(static_cast<std::size_t>(plan.n_parameters()));
  for (const TensorPlan& tensor : plan.tensors()) {
    names.push_back(tensor.logical.name);
    const auto info = std::find_if(infos.begin(), infos.end(), [&](const TensorInfo& candidate) {
      return candidate.name == tensor.logical.name;
    });
    if (!has_right_form(tensor, info == infos.end() ? nullptr : &*info, file, problems)) continue;
    const auto values = values_of<float>(read(static_cast<std::size_t>(info - infos.begin())));
    check_finite(tensor, values, file, problems);
    std::copy(values.begin(), values.end(), parameters.begin() + tensor.logical.begin);
  }
  for (const TensorInfo& info : infos)
    if (std::find(names.begin(), names.end(), info.name) == names.end() &&
        !is_of_rule(plan, info.name))
      problems.add(file + ": tensor " + in_quotes(info.name), "not a tensor of this network",
                   one_of_text(names, info.name));
  problems.throw_if_any();
  return parameters;
}

Metadata weights_origin(const RunConfig& config, const std::string& data_fingerprint) {
  RunConfig without_run = config;
  without_run.run = {};
  return {{"config", config_to_json(without_run)},
          {"config_digest", config_digest(config)},
          {"network_digest", network_digest(config)},
          {"data_fingerprint", data_fingerprint}};
}

std::vector<std::string> origin_differences(const Metadata& metadata, const RunConfig& config,
                                            const std::string& place) {
  const auto text = metadata.find("config");
  if (text == metadata.end())
    return {place + " does not say which network it was trained for, so that is not compared"};
  std::vector<std::string> list;
  for (const ConfigDifference& difference :
       config_differences(parse_config(text->second, place + ": config"), config)) {
    const std::string& key = difference.key;
    if (key.rfind("rule.", 0) == 0 || key.rfind("loss.", 0) == 0 || key == "seed" ||
        key == "data_dir")
      continue;
    list.push_back(key + ": " + difference.now + "; the weights of " + place +
                   " were trained with " + difference.before);
  }
  return list;
}

std::vector<float> read_weights(const std::filesystem::path& path, const Plan& plan,
                                Metadata* metadata) {
  const SafetensorsHeader header = read_safetensors_header(path);
  check_checksum_if_any(path, header);
  if (metadata) *metadata = header.metadata;
  return collect_weights(header.tensors, path.string(), plan, [&](std::size_t i) {
    return read_tensor(path, header, header.tensors[i]);
  });
}

std::vector<float> weights_of(const std::vector<Tensor>& tensors, const std::string& file,
                              const Plan& plan) {
  std::vector<TensorInfo> infos;
  for (const Tensor& tensor : tensors)
    infos.push_back({tensor.name, tensor.dtype, tensor.shape, 0, tensor.bytes.size()});
  return collect_weights(infos, file, plan, [&](std::size_t i) { return tensors[i]; });
}

}  // namespace spikelane
