// Weight files: the parameters of a network as a safetensors file, one array for each tensor.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/plan.h"

namespace spikelane {

/// The content of a weight file: the flat logical parameters (plan.n_parameters()) as float32
/// arrays `<from>.<to>.weight` (pre, post) and `<to>.bias` (post). It depends on nothing else, so
/// equal parameters give equal bytes.
std::string weights_to_safetensors(const Plan& plan, std::span<const float> parameters);

/// Reads a weight file for `plan` into the flat logical vector. Throws UserError: errors of the
/// file as read_safetensors_header, else every mismatch at once: tensors that are missing or
/// unknown, wrong shapes and dtypes, and of each tensor the first value that is not finite.
std::vector<float> read_weights(const std::filesystem::path& path, const Plan& plan);

}  // namespace spikelane
