// What changes from update to update by plan: learning rate, sigma, and which tensors are searched.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/config/run_config.h"

namespace spikelane {

/// One named tensor in the flat vector of all parameters: entries begin .. end-1, no padding.
struct ParameterTensor {
  std::string name;  // "input.hidden.weight"
  std::int64_t begin = 0, end = 0;
};

/// The entries of one searched tensor; `tensor` is its index in the list of ParameterTensor.
struct ParameterRange {
  int tensor = 0;
  std::int64_t begin = 0, end = 0;
};

/// base^exponent in double by repeated squaring: the same bits on every machine, unlike libm's pow.
/// Relative error at most about 2 * exponent * 2^-53.
double power(double base, std::uint64_t exponent);

/// lr * lr_decay^update, and where cosine_updates is set times half a cosine that ends there at 0;
/// update 0 is the first.
double learning_rate_at(const OptimiserConfig& config, std::int64_t update);

/// The smallest sigma a schedule may decay to; the gradient is divided by it.
inline constexpr float kSmallestSigma = 0x1p-80f;

/// sigma_of[tensor], or sigma where the tensor is not named, times sigma_decay^update, rounded to
/// float once: the float that multiplies eps is the one the gradient is divided by.
float sigma_at(const EsConfig& config, const std::string& tensor, std::int64_t update);

/// Which tensors are searched at which update: the phases of a config with the names resolved.
class SearchSchedule {
 public:
  /// Throws UserError with every name in config.phases that no tensor bears.
  SearchSchedule(const EsConfig& config, std::span<const ParameterTensor> tensors);

  /// The searched tensors at `update`, ascending by position, each at most once. Before the first
  /// phase, and without phases, all of them.
  std::span<const ParameterRange> searched_at(std::int64_t update) const;

 private:
  struct Phase {
    std::int64_t from_update = 0;
    std::vector<ParameterRange> searched;
  };
  std::vector<Phase> phases_;  // ascending from_update, the first from the beginning
};

}  // namespace spikelane
