#include "engine/learning/kernl_memory.h"

#include <algorithm>

namespace spikelane {

// hands every array of one thread to `take(pointer, n)`
template <class Take>
void KernlMemory::place(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
                        bool takes_error, Views& views, const Take& take) {
  const PlanView& view = plan.view();
  const std::int64_t n_steps = view.n_steps;
  views.histories.resize(static_cast<std::size_t>(view.n_populations));
  std::int64_t n_events = 0, n_largest = 0;
  const bool has_signals = config.has_tensor() || takes_error;
  for (const LearnedView& learned : rule.learned()) {
    std::int64_t n_pre = 0;
    const PopulationView& population = plan.population(learned.population);
    for (int q = 0; q < population.n_projections; ++q)
      n_pre += std::int64_t{population.projections[q].n_pre} *
               std::max(1, population.projections[q].n_delays);
    n_events = std::max(n_events, n_pre * n_steps);
    n_largest = std::max<std::int64_t>(n_largest, learned.n_padded);
  }
  const bool has_s = config.derivative_at == DerivativeAt::kSeed ||
                     config.derivative_at == DerivativeAt::kSeedPlain;
  for (int p = 0; p < view.n_populations; ++p) {
    const PopulationView& population = plan.population(p);
    if (!is_spiking(population.model)) continue;
    HistoryView& history = views.histories[static_cast<std::size_t>(p)];
    history.window = view.n_steps;
    history.surrogate = static_cast<Surrogate>(config.surrogate);
    history.gamma = static_cast<float>(config.gamma);
    if (population.model == Model::kAlif) take(history.h, n_steps * population.n_padded);
    if (has_s) take(history.s, n_steps * population.n_padded);
    take(history.step_begin, n_steps + 1);
    take(history.units, n_steps * population.n);
  }
  KernlScratch& kernl = views.kernl;
  for (int list = 0; list < 2; ++list) {
    take(kernl.step_begin[list], n_steps + 1);
    take(kernl.rows[list], n_events);
  }
  for (float*& signals : kernl.signals) take(signals, has_signals ? n_steps * n_largest : 0);
  take(kernl.error, n_largest);
  take(kernl.nonzero, n_largest);
  take(kernl.source, n_largest);
  take(kernl.output_error, std::int64_t{plan.output().n_padded});
}

std::size_t KernlMemory::n_bytes_of_trial(const Plan& plan, const KernlRule& rule,
                                          const KernlConfig& config, bool takes_error) {
  Views views;
  return bytes_of_arrays(
      [&](const auto& take) { place(plan, rule, config, takes_error, views, take); });
}

KernlMemory::Views KernlMemory::views_in(char* data, const Plan& plan, const KernlRule& rule,
                                         const KernlConfig& config, bool takes_error) {
  Views views;
  point_arrays(data,
               [&](const auto& take) { place(plan, rule, config, takes_error, views, take); });
  return views;
}

KernlMemory::KernlMemory(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
                         bool takes_error)
    : scratch_(plan, plan.view().n_steps, true),
      scratch_view_(scratch_.view()),
      memory_(n_bytes_of_trial(plan, rule, config, takes_error)),
      views_(views_in(memory_.data(), plan, rule, config, takes_error)) {
  scratch_view_.histories = views_.histories.data();
}

}  // namespace spikelane
