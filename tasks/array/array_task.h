// Task `array`: inputs (B, T, I) and optional labels (B) that somebody else has made, from a
// safetensors file.
#pragma once

#include <filesystem>

#include "engine/config/run_config.h"
#include "engine/run/task.h"

namespace spikelane {

/// Sizes of an array file. n_classes is that of the config, else the largest label
/// + 1, 0 without labels.
struct ArrayShape {
  int n_samples = 0, n_steps = 0, n_inputs = 0, n_classes = 0;
};

/// Reads the header and the labels of `path` and checks both, and `config.n_test`; the inputs are
/// not read. Throws UserError with every problem found: missing or unknown tensors, wrong dtype or
/// rank, sizes that disagree or are zero, negative labels, n_test without training samples left.
ArrayShape describe_array(const ArrayConfig& config, const std::filesystem::path& path);

/// Reads the file. Inputs that are all 0 or 1, of whatever dtype, become events, all others dense
/// values. With config.shuffle the samples are put in an order drawn from `seed` first. The last
/// n_test samples are held out (n_test = 0: all samples are both trained and tested on). A class
/// that only one of the two parts has is a warning.
/// Throws UserError as describe_array, and for values that are not finite.
TaskData load_array(const ArrayConfig& config, const std::filesystem::path& path,
                    std::uint64_t seed = 0);

}  // namespace spikelane
