// Weight files: the parameters of a network as a safetensors file, one array for each tensor.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/plan/plan.h"
#include "engine/report/results.h"
#include "engine/report/safetensors.h"

namespace spikelane {

/// The content of a weight file: the flat logical parameters (plan.n_parameters()) as float32
/// arrays `<from>.<to>.weight` (pre, post) and `<to>.bias` (post). The metadata hold what they
/// belong to: "config" (the config without `run`), "config_digest", "network_digest" and
/// "data_fingerprint". It depends on nothing else, so equal trainings give equal bytes. What a rule
/// has learned beside them comes behind:
/// `<population>.sensitivity` (F, N, N) and `<population>.filter` (F, N), F left out when 1.
std::string weights_to_safetensors(const Plan& plan, std::span<const float> parameters,
                                   std::span<const RuleTensor> rule_tensors = {},
                                   const Metadata& origin = {});

/// The metadata of weights that `config` has trained on data of that fingerprint.
Metadata weights_origin(const RunConfig& config, const std::string& data_fingerprint);

/// What differs between a weight file's origin and `config`, a sentence each: keys of the network,
/// dt_ms and the task with both values. A file without an origin gives one sentence that says so.
std::vector<std::string> origin_differences(const Metadata& metadata, const RunConfig& config,
                                            const std::string& place);

/// Reads a weight file for `plan` into the flat logical vector. Throws UserError: errors of the
/// file as read_safetensors_header, else every mismatch at once: tensors that are missing or
/// unknown (what a rule has learned is passed over), wrong shapes and dtypes, and of each tensor
/// the first value that is not finite.
std::vector<float> read_weights(const std::filesystem::path& path, const Plan& plan,
                                Metadata* metadata = nullptr);

/// The same from the tensors of a file that has been read; `file` stands for it in errors.
std::vector<float> weights_of(const std::vector<Tensor>& tensors, const std::string& file,
                              const Plan& plan);

}  // namespace spikelane
