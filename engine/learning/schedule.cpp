#include "engine/learning/schedule.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "engine/config/user_error.h"
#include "kernels/core/double_math.h"

namespace spikelane {

double power(double base, std::uint64_t exponent) {
  double result = 1.0;
  for (double square = base; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result *= square;
    square *= square;
  }
  return result;
}

double learning_rate_at(const OptimiserConfig& config, std::int64_t update) {
  const double rate = config.lr * power(config.lr_decay, static_cast<std::uint64_t>(update));
  if (config.cosine_updates == 0) return rate;
  const double part = std::min(1.0, static_cast<double>(update) / config.cosine_updates);
  return rate * (0.5 * (1.0 + own_cos(3.14159265358979323846 * part)));
}

float sigma_at(const EsConfig& config, const std::string& tensor, std::int64_t update) {
  const auto own = config.sigma_of.find(tensor);
  const double start = own == config.sigma_of.end() ? config.sigma : own->second;
  const double sigma = start * power(config.sigma_decay, static_cast<std::uint64_t>(update));
  return std::max(static_cast<float>(sigma), kSmallestSigma);
}

SearchSchedule::SearchSchedule(const EsConfig& config, std::span<const ParameterTensor> tensors) {
  std::string names;
  std::vector<ParameterRange> all;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    names += (i == 0 ? "" : ", ") + tensors[i].name;
    all.push_back({static_cast<int>(i), tensors[i].begin, tensors[i].end});
  }

  phases_.push_back({std::numeric_limits<std::int64_t>::min(), all});
  std::vector<Problem> problems;
  for (std::size_t p = 0; p < config.phases.size(); ++p) {
    const SearchPhase& phase = config.phases[p];
    std::vector<bool> is_searched(tensors.size(), phase.searched.empty());
    for (std::size_t s = 0; s < phase.searched.size(); ++s) {
      const auto found =
          std::find_if(tensors.begin(), tensors.end(),
                       [&](const ParameterTensor& t) { return t.name == phase.searched[s]; });
      if (found != tensors.end())
        is_searched[static_cast<std::size_t>(found - tensors.begin())] = true;
      else
        problems.push_back({"rule.phases." + std::to_string(p) + ".searched." + std::to_string(s),
                            "\"" + phase.searched[s] + "\"", "a tensor of the network: " + names});
    }
    Phase& resolved = phases_.emplace_back();
    resolved.from_update = phase.from_update;
    for (const ParameterRange& range : all)
      if (is_searched[static_cast<std::size_t>(range.tensor)]) resolved.searched.push_back(range);
  }
  if (!problems.empty()) throw UserError(problems);
}

std::span<const ParameterRange> SearchSchedule::searched_at(std::int64_t update) const {
  const Phase* current = &phases_.front();
  for (const Phase& phase : phases_)
    if (phase.from_update <= update) current = &phase;
  return current->searched;
}

}  // namespace spikelane
