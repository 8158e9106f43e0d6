#include "engine/learning/learning_memory.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/core/lanes.h"

namespace spikelane {

namespace {

// as the plan pads it
double padded(int n) { return (n + 31) / 32 * 32.0; }

struct Sizes {
  double n_block = 0.0;            // floats of a member's weights
  double n_parameters = 0.0;       // without padding
  double n_padded = 0.0, n = 0.0;  // of spiking populations, sums
  double largest_padded = 0.0;     // of one
  double largest_pre = 0.0;        // presynaptic neurons of one population
  double largest_source = 0.0;     // of one projection
  double n_slow = 0.0;             // populations with a slow filter
  double n_learned = 0.0;
};

Sizes sizes_of(const RunConfig& config) {
  Sizes sizes;
  const NetworkDescription& network = config.network;
  const auto find = [&](const std::string& name) {
    return std::find_if(network.populations.begin(), network.populations.end(),
                        [&](const PopulationDescription& p) { return p.name == name; });
  };
  for (const PopulationDescription& population : network.populations) {
    double n_pre = 0.0;
    for (const ProjectionDescription& projection : network.projections) {
      if (projection.to != population.name) continue;
      const auto source = find(projection.from);
      const double n = (source == network.populations.end() ? network.n_inputs : source->n) *
                       static_cast<double>(projection.n_delays());
      n_pre += n;
      sizes.n_block +=
          n * padded(population.n) + (projection.has_bias ? padded(population.n) : 0.0);
      sizes.n_parameters += (n + (projection.has_bias ? 1.0 : 0.0)) * population.n;
      if (population.model == NeuronModel::kAlif)
        sizes.largest_source = std::max(sizes.largest_source, n);
    }
    if (population.model != NeuronModel::kAlif) continue;
    sizes.n += population.n;
    sizes.n_padded += padded(population.n);
    sizes.largest_padded = std::max(sizes.largest_padded, padded(population.n));
    sizes.largest_pre = std::max(sizes.largest_pre, n_pre);
    const bool adapts = std::any_of(population.adaptation.begin(), population.adaptation.end(),
                                    [](double a) { return a > 0.0; });
    sizes.n_learned += 1.0;
    sizes.n_slow += adapts && config.rule.kernl.filters != FilterKind::kMembrane ? 1.0 : 0.0;
  }
  return sizes;
}

}  // namespace

LearningMemory learning_memory(const RunConfig& config, int n_steps, int n_batch) {
  const KernlConfig& kernl = config.rule.kernl;
  const Sizes sizes = sizes_of(config);
  const bool has_s =
      kernl.derivative_at == DerivativeAt::kSeed || kernl.derivative_at == DerivativeAt::kSeedPlain;
  LearningMemory memory;
  if (kernl.mode == KernlMode::kTrial) {
    // h, S and who fired; the events of a population by step, straight and through a trace; L, L'
    const double floats_a_step = (has_s ? 2.0 : 1.0) * sizes.n_padded + sizes.n +
                                 2.0 * sizes.largest_pre +
                                 (kernl.has_tensor() ? 2.0 * sizes.largest_padded : 0.0);
    memory.n_thread_bytes = 4.0 * (n_steps * floats_a_step + sizes.n_block);
    memory.n_batch_bytes = std::min(4.0 * ((n_batch + 7) / 8) * sizes.n_block,
                                    kernl.max_memory_mib * (1024.0 * 1024.0));
    return memory;
  }
  const double k = kernl.k_steps;
  // fast, read and slow traces; h, who fired and the error of a block
  const double n_traces = 2.0 * sizes.n_learned + sizes.n_slow;
  // who acts is a row of each thread, and leaves a gradient
  const bool is_acting = kernl.mode == KernlMode::kActing;
  const double n_rows = is_acting ? 1 : n_batch;
  memory.n_batch_bytes =
      4.0 * n_rows *
          (n_traces * sizes.n_block + (k + 1.0) * (sizes.n_padded + sizes.n) + k * sizes.n_padded +
           k * config.network.n_inputs + sizes.largest_padded) +
      4.0 * std::ceil(n_rows / 8.0) * sizes.n_block;
  memory.n_thread_bytes =
      4.0 * (sizes.n_block + 4.0 * k * sizes.largest_padded + k * sizes.largest_source);
  if (is_acting) {
    memory.n_thread_bytes += memory.n_batch_bytes;
    memory.n_batch_bytes = 4.0 * n_batch * sizes.n_parameters;
  }
  return memory;
}

}  // namespace spikelane
