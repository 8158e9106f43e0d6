// A network's config and tensors by name, and the files of a training.
#include <filesystem>

#include "engine/api/network.h"
#include "engine/config/parse_config.h"
#include "engine/plan/plan.h"
#include "engine/report/atomic_file.h"
#include "engine/report/results_json.h"
#include "engine/report/weights.h"
#include "include/spikelane/train.h"

namespace spikelane {
namespace {

/// One tensor, of the network or of the rule.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> values;
  bool is_rules = false;
};

std::vector<NamedTensor> tensors_of(const ApiNetwork& network) {
  std::vector<NamedTensor> tensors;
  const auto plan = compile_plan(network.policy.config.network, LossConfig{}, 1, PlanOptions{});
  for (const TensorPlan& tensor : plan->tensors()) {
    const auto begin = static_cast<std::size_t>(tensor.logical.begin);
    const auto n = static_cast<std::size_t>(tensor.logical.end - tensor.logical.begin);
    std::vector<std::int64_t> shape{tensor.n_rows, tensor.n_columns};
    if (tensor.is_bias) shape = {tensor.n_columns};
    tensors.push_back({tensor.logical.name, std::move(shape),
                       std::span(network.policy.parameters).subspan(begin, n)});
  }
  for (const RuleTensor& tensor : network.rule_tensors)
    tensors.push_back({tensor.name, tensor.shape, tensor.values, true});
  return tensors;
}

/// Calls body(network) where the handle is one.
template <class Body>
spikelane_status with_network(spikelane_network network, char* error, std::size_t error_size,
                              const Body& body) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    const auto found = api_networks().find(network.id);
    if (!found) return text.fail(SPIKELANE_ERROR_HANDLE, "network: no such handle");
    return body(text, *found);
  });
}

spikelane_status fail_number(const ErrorText& text, std::int32_t parameter, std::size_t n) {
  return text.fail(SPIKELANE_ERROR_ARGUMENT,
                   "parameter: found %d; allowed: an integer from 0 to %d",
                   static_cast<int>(parameter), static_cast<int>(n) - 1);
}

}  // namespace
}  // namespace spikelane

using namespace spikelane;

spikelane_status spikelane_describe_parameter(spikelane_network network, int32_t parameter,
                                              spikelane_parameter_info* info, char* error,
                                              size_t error_size) {
  return with_network(network, error, error_size,
                      [&](const ErrorText& text, const ApiNetwork& found) {
                        const auto tensors = tensors_of(found);
                        if (parameter < 0 || static_cast<std::size_t>(parameter) >= tensors.size())
                          return fail_number(text, parameter, tensors.size());
                        const NamedTensor& tensor = tensors[static_cast<std::size_t>(parameter)];
                        spikelane_parameter_info filled{};
                        filled.n_dims = static_cast<int32_t>(tensor.shape.size());
                        filled.is_rules = tensor.is_rules;
                        std::copy(tensor.shape.begin(), tensor.shape.end(), filled.shape);
                        tensor.name.copy(filled.name, sizeof filled.name - 1);
                        return write_struct(text, "info", filled, info);
                      });
}

spikelane_status spikelane_read_parameter(spikelane_network network, int32_t parameter,
                                          float* values, size_t n_values, char* error,
                                          size_t error_size) {
  return with_network(
      network, error, error_size, [&](const ErrorText& text, const ApiNetwork& found) {
        const auto tensors = tensors_of(found);
        if (parameter < 0 || static_cast<std::size_t>(parameter) >= tensors.size())
          return fail_number(text, parameter, tensors.size());
        const auto from = tensors[static_cast<std::size_t>(parameter)].values;
        if (values == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "values: found NULL");
        if (n_values != from.size())
          return text.fail(SPIKELANE_ERROR_ARGUMENT, "n_values: found %zu; allowed: %zu", n_values,
                           from.size());
        std::copy(from.begin(), from.end(), values);
        return SPIKELANE_OK;
      });
}

spikelane_status spikelane_read_config(spikelane_network network, spikelane_text_function on_text,
                                       void* user, char* error, size_t error_size) {
  return with_network(network, error, error_size,
                      [&](const ErrorText& text, const ApiNetwork& found) {
                        if (on_text == nullptr)
                          return text.fail(SPIKELANE_ERROR_ARGUMENT, "on_text: found NULL");
                        on_text(user, config_to_json(found.policy.config).c_str());
                        return SPIKELANE_OK;
                      });
}

spikelane_status spikelane_save_weights(spikelane_network network, const char* path, char* error,
                                        size_t error_size) {
  return with_network(
      network, error, error_size, [&](const ErrorText& text, const ApiNetwork& found) {
        if (path == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "path: found NULL");
        const auto plan = compile_plan(found.policy.config.network, LossConfig{}, 1, PlanOptions{});
        try {
          write_file_atomically(
              path, weights_to_safetensors(*plan, found.policy.parameters, found.rule_tensors));
        } catch (const RunError& failure) {
          return text.fail(SPIKELANE_ERROR_INPUT, "%s", failure.what());
        }
        return SPIKELANE_OK;
      });
}

spikelane_status spikelane_load_training(const char* folder, const spikelane_load_options* options,
                                         spikelane_network* network, char* error,
                                         size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (folder == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "folder: found NULL");
    return load_network(folder, options, network, text, [&] { return read_training(folder); });
  });
}
