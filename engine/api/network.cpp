#include "engine/api/network.h"

#include <cmath>
#include <functional>

#include "engine/config/parse_config.h"
#include "engine/report/atomic_file.h"
#include "engine/report/checksum.h"
#include "engine/state/hash.h"

namespace spikelane {

SharedHandles<ApiNetwork>& api_networks() {
  // never destroyed: a host's own static objects may still use it at exit
  static auto& handles = *new SharedHandles<ApiNetwork>;
  return handles;
}

void set_digests(ApiNetwork& network) {
  const Policy& policy = network.policy;
  StateHash hash;
  hash.add(std::string_view(network_digest(policy.config)));
  hash.add(static_cast<std::uint64_t>(policy.config.network.n_inputs));
  hash.add(std::span<const float>(policy.parameters));
  network.digest = hash.value();
  hash.add(std::string_view(config_digest(policy.config)));
  network.learner_digest = hash.value();
}

namespace {

spikelane_status read_load_options(const ErrorText& text, const spikelane_load_options* given,
                                   spikelane_load_options& options) {
  options = spikelane_default_load_options();
  if (const auto status = read_struct(text, "options", given, options)) return status;
  if (options.abi_version != SPIKELANE_ABI_VERSION)
    return text.fail(SPIKELANE_ERROR_VERSION,
                     "options.abi_version: found %u; allowed: %d, the ABI of this library (%s)",
                     static_cast<unsigned>(options.abi_version), SPIKELANE_ABI_VERSION,
                     spikelane_version());
  if ((options.allocate == nullptr) != (options.release == nullptr))
    return text.fail(SPIKELANE_ERROR_ARGUMENT,
                     "options.allocate: found without release, or the reverse; allowed: both");
  return SPIKELANE_OK;
}

}  // namespace

spikelane_status load_network(const char* source, const spikelane_load_options* given,
                              spikelane_network* network, const ErrorText& text,
                              const std::function<Policy()>& read,
                              std::vector<RuleTensor> rule_tensors) {
  if (network == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "network: found NULL");
  spikelane_load_options options;
  if (const auto status = read_load_options(text, given, options)) return status;
  auto loaded = std::make_shared<ApiNetwork>();
  loaded->policy = read();
  loaded->rule_tensors = std::move(rule_tensors);
  loaded->coding = std::make_shared<const ApiCoding>(loaded->policy.config, options.is_raw != 0);
  set_digests(*loaded);
  loaded->memory = {options.allocate, options.release, options.allocator_user};
  loaded->log = options.log;
  loaded->log_user = options.log_user;
  const NetworkDescription& description = loaded->policy.config.network;
  loaded->say("spikelane " + std::string(spikelane_version()) + ": loaded " + source + ", " +
              std::to_string(description.n_inputs) + " inputs, " +
              std::to_string(description.populations.size()) + " populations, " +
              std::to_string(loaded->policy.parameters.size()) + " parameters");
  network->id = api_networks().add(loaded);
  return SPIKELANE_OK;
}

}  // namespace spikelane

using namespace spikelane;

spikelane_status spikelane_load(const char* path, const spikelane_load_options* options,
                                spikelane_network* network, char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (path == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "path: found NULL");
    return load_network(path, options, network, text, [&] {
      Metadata metadata;
      check_checksum_if_any(path, read_safetensors_header(path));
      const auto tensors = read_safetensors(path, &metadata);
      return parse_policy(tensors, metadata, path);
    });
  });
}

spikelane_status spikelane_load_memory(const void* bytes, size_t n_bytes,
                                       const spikelane_load_options* options,
                                       spikelane_network* network, char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (bytes == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "bytes: found NULL");
    return load_network("memory", options, network, text, [&] {
      Metadata metadata;
      const std::string_view content(static_cast<const char*>(bytes), n_bytes);
      const auto tensors = parse_safetensors(content, "memory", &metadata);
      if (metadata.count("checksum") != 0) check_checksum(content, "memory");
      return parse_policy(tensors, metadata, "memory");
    });
  });
}

spikelane_status spikelane_load_config(const char* config_path, const char* weights_path,
                                       const spikelane_load_options* options,
                                       spikelane_network* network, char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (config_path == nullptr)
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "config_path: found NULL");
    if (weights_path == nullptr)
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "weights_path: found NULL");
    return load_network(config_path, options, network, text, [&] {
      check_checksum_if_any(weights_path, read_safetensors_header(weights_path));
      return make_policy(parse_config_file(config_path), read_safetensors(weights_path),
                         weights_path);
    });
  });
}

spikelane_status spikelane_unload(spikelane_network network, char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (api_networks().close(network.id)) return SPIKELANE_OK;
    return text.fail(SPIKELANE_ERROR_HANDLE, "network: no such handle, or unloaded already");
  });
}

spikelane_status spikelane_describe(spikelane_network network, spikelane_network_info* info,
                                    char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    const auto found = api_networks().find(network.id);
    if (!found) return text.fail(SPIKELANE_ERROR_HANDLE, "network: no such handle");
    const RunConfig& config = found->policy.config;
    spikelane_network_info filled{};
    filled.n_observations = found->coding->n_observations();
    filled.n_actions = found->coding->n_actions();
    filled.n_populations = static_cast<int32_t>(config.network.populations.size());
    filled.n_parameters = static_cast<int64_t>(found->policy.parameters.size());
    filled.dt_ms = config.dt_ms;
    filled.control_period_ms = found->coding->control_period_ms();
    return write_struct(text, "info", filled, info);
  });
}

spikelane_status spikelane_describe_population(spikelane_network network, int32_t population,
                                               spikelane_population_info* info, char* error,
                                               size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    const auto found = api_networks().find(network.id);
    if (!found) return text.fail(SPIKELANE_ERROR_HANDLE, "network: no such handle");
    const auto& populations = found->policy.config.network.populations;
    if (population < 0 || population >= static_cast<int>(populations.size()))
      return text.fail(SPIKELANE_ERROR_ARGUMENT,
                       "population: found %d; allowed: an integer from 0 to %d",
                       static_cast<int>(population), static_cast<int>(populations.size()) - 1);
    const PopulationDescription& description = populations[static_cast<std::size_t>(population)];
    spikelane_population_info filled{};
    filled.n_neurons = description.n;
    filled.is_spiking = description.model != NeuronModel::kReadout;
    description.name.copy(filled.name, sizeof filled.name - 1);
    return write_struct(text, "info", filled, info);
  });
}

spikelane_status spikelane_save(spikelane_network network, const char* path, char* error,
                                size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (path == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "path: found NULL");
    const auto found = api_networks().find(network.id);
    if (!found) return text.fail(SPIKELANE_ERROR_HANDLE, "network: no such handle");
    try {
      write_file_atomically(path,
                            policy_to_safetensors(found->policy.config, found->policy.parameters));
    } catch (const RunError& failure) {
      return text.fail(SPIKELANE_ERROR_INPUT, "%s", failure.what());
    }
    return SPIKELANE_OK;
  });
}
