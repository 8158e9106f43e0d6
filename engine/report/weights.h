// Weight files: the parameters of a network as a safetensors file, one array for each tensor.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/plan.h"
#include "engine/report/results.h"
#include "engine/report/safetensors.h"

namespace spikelane {

/// The content of a weight file: the flat logical parameters (plan.n_parameters()) as float32
/// arrays `<from>.<to>.weight` (pre, post) and `<to>.bias` (post). It depends on nothing else, so
/// equal parameters give equal bytes. What a rule has learned beside them comes behind:
/// `<population>.sensitivity` (F, N, N) and `<population>.filter` (F, N), F left out when 1.
std::string weights_to_safetensors(const Plan& plan, std::span<const float> parameters,
                                   std::span<const RuleTensor> rule_tensors = {});

/// Reads a weight file for `plan` into the flat logical vector. Throws UserError: errors of the
/// file as read_safetensors_header, else every mismatch at once: tensors that are missing or
/// unknown (what a rule has learned is passed over), wrong shapes and dtypes, and of each tensor
/// the first value that is not finite.
std::vector<float> read_weights(const std::filesystem::path& path, const Plan& plan);

/// The same from the tensors of a file that has been read; `file` stands for it in errors.
std::vector<float> weights_of(const std::vector<Tensor>& tensors, const std::string& file,
                              const Plan& plan);

}  // namespace spikelane
