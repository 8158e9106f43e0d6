#include "engine/state/scratch.h"

#include <algorithm>

namespace spikelane {

Scratch::Scratch(const Plan& plan, int max_window, bool has_tile) {
  const PlanView& view = plan.view();
  const bool is_sample_lanes = plan.layout() == Layout::kSampleLanes;
  const std::int64_t window = view.layer_major ? max_window : 1;
  const std::int64_t n_populations = view.n_populations;
  int largest = 0, most_projections = 0, most_heard = 0;
  for (int p = 0; p < view.n_populations; ++p) {
    largest = std::max(largest, plan.population(p).n_padded);
    most_projections = std::max(most_projections, plan.population(p).n_projections);
    most_heard = std::max(most_heard, plan.population(p).n_heard);
  }
  signals_.resize(static_cast<std::size_t>(n_populations));

  memory_ = carve([&](const auto& take) {
    for (int p = 0; p < view.n_populations && is_sample_lanes; ++p) {
      const PopulationView& population = plan.population(p);
      if (!is_spiking(population.model)) continue;
      SignalBuffer& signal = signals_[static_cast<std::size_t>(p)];
      take(signal.masks, window * population.n);
      take(signal.step_begin, window + 1);
      take(signal.entries, window * population.n + 1);
      if (view.layer_major && population.n <= 4) take(signal.codes, window * kLanes);
    }
    if (is_sample_lanes) take(view_.table, std::int64_t{largest} * kMaxCodes);
    take(view_.fired, n_populations * largest);
    take(view_.n_fired, n_populations);
    take(view_.nonzero, std::max(largest, (view.n_inputs + kGrain - 1) / kGrain * kGrain));
    take(view_.uses_table, n_populations);
    view_.heard_stride = std::max(largest, (view.n_inputs + kGrain - 1) / kGrain * kGrain);
    take(view_.heard, most_heard * view_.heard_stride);
    take(view_.heard_end, most_heard);
    if (view.rank > 0)
      take(view_.factor_sums,
           std::int64_t{most_projections} * view.rank * (is_sample_lanes ? window * kLanes : 1));
    take(view_.logits, std::int64_t{plan.output().n_padded} * kLanes);
    if (has_tile) {
      take(tile_, view.tile_bytes);
      take(block_, plan.n_block_floats());
    }
  });
  view_.fired_stride = largest;
  view_.factor_window = static_cast<int>(window);
  view_.signals = signals_.data();
}

}  // namespace spikelane
