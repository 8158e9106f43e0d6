// Policy files: a network with its weights in one file, a safetensors file whose metadata hold the
// config. What `spikelane export --policy` writes and the C API loads.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/report/results.h"
#include "engine/report/safetensors.h"

namespace spikelane {

/// A config whose network.n_inputs is known, and its parameters, flat and logical.
struct Policy {
  RunConfig config;
  std::vector<float> parameters;
};

/// The content of a policy file: the tensors of a weight file, and as metadata `spikelane.format`
/// ("1") and `spikelane.config`, the config as JSON. Equal policies give equal bytes.
std::string policy_to_safetensors(const RunConfig& config, std::span<const float> parameters);

/// Reads a policy from the tensors and metadata of a safetensors file; `place` stands for the file
/// in errors. Throws UserError: no policy file, another format, and all errors of config and
/// weights.
Policy parse_policy(const std::vector<Tensor>& tensors, const Metadata& metadata,
                    const std::string& place);

/// A config and the tensors of a weight file. The number of inputs is read from the tensors.
Policy make_policy(RunConfig config, const std::vector<Tensor>& tensors, const std::string& place);

/// What `spikelane train --out` has left in a folder: the config in results.json and
/// weights.safetensors. Throws UserError.
Policy read_training(const std::filesystem::path& folder);

}  // namespace spikelane
