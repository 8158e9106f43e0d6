// Records as tests compare them: the slow way, a state after each single step.
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/run/evaluation.h"
#include "engine/run/simulation.h"

namespace spikelane::test {

/// Spikes and membrane potentials of all populations.
inline std::vector<RecordField> all_fields(const NetworkDescription& network) {
  std::vector<std::string> names;
  for (const PopulationDescription& population : network.populations) {
    if (population.model != NeuronModel::kReadout) names.push_back(population.name + ".s");
    names.push_back(population.name + ".v");
  }
  return find_record_fields(network, names);
}

inline bool has_other_than_zeros(const std::vector<std::byte>& bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; });
}

/// The arrays of the fields over the first n samples.
inline std::vector<std::vector<std::byte>> record_by_steps(const Plan& plan,
                                                           const KernelTable& kernels,
                                                           ThreadPool& pool, const Dataset& data,
                                                           std::span<const float> parameters, int n,
                                                           std::span<const RecordField> fields) {
  std::vector<std::int32_t> indices(static_cast<std::size_t>(n));
  std::iota(indices.begin(), indices.end(), 0);
  const EncodedInputs inputs(plan, data, indices);
  Simulation simulation(plan, kernels, pool, 1, n, 1);
  simulation.set_parameters(0, parameters);
  std::vector<std::vector<std::byte>> arrays;
  const auto n_steps = static_cast<std::size_t>(data.n_steps);
  for (const RecordField& field : fields)
    arrays.emplace_back(static_cast<std::size_t>(n * field.n) * n_steps *
                        (field.is_spikes ? 1 : sizeof(float)));
  for (std::size_t t = 0; t < n_steps; ++t) {
    simulation.run(inputs, 1);
    for (std::size_t f = 0; f < fields.size(); ++f) {
      const FieldOffsets& at = plan.population(fields[f].population).at;
      const auto n_neurons = static_cast<std::size_t>(fields[f].n);
      const std::vector<float> values =
          fields[f].is_spikes ? simulation.state().gather_spikes(at.spikes, fields[f].n)
                              : simulation.state().gather_floats(at.v, fields[f].n);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t to = (i / n_neurons * n_steps + t) * n_neurons + i % n_neurons;
        if (fields[f].is_spikes)
          arrays[f][to] = static_cast<std::byte>(values[i] != 0.0f);
        else
          std::memcpy(arrays[f].data() + to * sizeof(float), &values[i], sizeof(float));
      }
    }
  }
  return arrays;
}

}  // namespace spikelane::test
