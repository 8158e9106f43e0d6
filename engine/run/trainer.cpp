#include "engine/run/trainer.h"

#include <algorithm>

#include "engine/state/hash.h"

namespace spikelane {

std::string hash_training(std::int64_t update, std::span<const ParameterTensor> tensors,
                          std::span<const float> parameters, const OptimiserState& optimiser,
                          std::span<const float> rule_state, std::uint64_t loss_hash) {
  StateHash hash;
  hash.add(static_cast<std::uint64_t>(update));
  std::vector<const ParameterTensor*> sorted;
  for (const ParameterTensor& tensor : tensors) sorted.push_back(&tensor);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const ParameterTensor* tensor : sorted)
    hash.add(parameters.subspan(static_cast<std::size_t>(tensor->begin),
                                static_cast<std::size_t>(tensor->end - tensor->begin)));
  for (const OptimiserVector& vector : optimiser.vectors)
    hash.add(std::span<const float>(vector.values));
  for (std::int64_t n_updates : optimiser.n_updates)
    hash.add(static_cast<std::uint64_t>(n_updates));
  if (!rule_state.empty()) hash.add(rule_state);
  hash.add(loss_hash);
  return hash.text();
}

}  // namespace spikelane
