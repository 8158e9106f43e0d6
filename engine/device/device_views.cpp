#include "engine/device/device_views.h"

#include <algorithm>
#include <vector>

#include "engine/config/user_error.h"

namespace spikelane {

std::int64_t put_plan(DeviceImage& image, const PlanView& plan) {
  for (int p = 0; p < plan.n_populations; ++p)
    if (plan.populations[p].n_heard > 0)
      throw UserError("--backend", "\"cuda\" for a network with delay_steps",
                      "\"cpu\": delays run on the CPU alone");
  const std::int64_t at_populations = image.put(plan.populations, plan.n_populations);
  for (int p = 0; p < plan.n_populations; ++p) {
    const PopulationView& population = plan.populations[p];
    // the image may move while it grows: the struct is looked up anew for each pointer
    auto copy = [&] { return image.at<PopulationView>(at_populations) + p; };
    auto put_constants = [&](const float* values, auto field) {
      if (!values) return;
      const std::int64_t at = image.put(values, population.n_padded);
      image.point(field(), at);
    };
    put_constants(population.beta, [&] { return &copy()->beta; });
    put_constants(population.threshold, [&] { return &copy()->threshold; });
    put_constants(population.alif.input_gain, [&] { return &copy()->alif.input_gain; });
    put_constants(population.alif.adaptation, [&] { return &copy()->alif.adaptation; });
    put_constants(population.alif.rho, [&] { return &copy()->alif.rho; });
    put_constants(population.alif.b_gain, [&] { return &copy()->alif.b_gain; });
    put_constants(population.alif.v_reset, [&] { return &copy()->alif.v_reset; });
    put_constants(population.alif.t_refractory, [&] { return &copy()->alif.t_refractory; });
    const std::int64_t at_projections = image.put(population.projections, population.n_projections);
    image.point(&copy()->projections, at_projections);
    for (int q = 0; q < population.n_projections; ++q) {
      const ProjectionView& projection = population.projections[q];
      if (!projection.trace_of) continue;
      const std::int64_t at = image.put(projection.trace_of, projection.n_post);
      image.point(&image.at<ProjectionView>(at_projections)[q].trace_of, at);
    }
  }
  const std::int64_t at_traces = image.put(plan.traces, plan.n_traces);
  const std::int64_t at_plan = image.put(&plan, 1);
  image.point(&image.at<PlanView>(at_plan)->populations, at_populations);
  image.point(&image.at<PlanView>(at_plan)->traces, at_traces);
  return at_plan;
}

std::int64_t put_inputs(DeviceImage& image, const PlanView& plan, std::span<const InputView> views,
                        int n_steps) {
  const int n_lanes = plan.layout == Layout::kSampleLanes ? kLanes : 1;
  const std::int64_t at_views = image.put(views.data(), static_cast<std::int64_t>(views.size()));
  for (std::size_t i = 0; i < views.size(); ++i) {
    const InputView& view = views[i];
    auto copy = [&] { return image.at<InputView>(at_views) + i; };
    if (view.dense) {
      const auto at = image.put(view.dense, std::int64_t{n_steps} * plan.n_inputs * n_lanes);
      image.point(&copy()->dense, at);
    }
    if (view.step_begin) {
      const auto at = image.put(view.step_begin, std::int64_t{n_steps} + 1);
      image.point(&copy()->step_begin, at);
    }
    if (view.entries) {
      const auto at = image.put(view.entries, view.step_begin[n_steps]);
      image.point(&copy()->entries, at);
    }
    if (view.units) {
      const auto at = image.put(view.units, view.step_begin[n_steps]);
      image.point(&copy()->units, at);
    }
    if (view.codes) {
      const auto at = image.put(view.codes, std::int64_t{n_steps} * kLanes);
      image.point(&copy()->codes, at);
      const auto at_units = image.put(view.code_units, view.n_codes);
      image.point(&copy()->code_units, at_units);
    }
  }
  return at_views;
}

std::optional<NotFinite> wait_for_parts(ReturnedCopies& returned, const NotFinite* from,
                                        int n_parts) {
  std::vector<NotFinite> parts(static_cast<std::size_t>(n_parts));
  returned.ask(parts.data(), from, n_parts);
  returned.wait();
  for (const NotFinite& part : parts)
    if (part.population >= 0) return part;
  return std::nullopt;
}

int largest_population(const Plan& plan) {
  int n_largest = 0;
  for (int p = 0; p < plan.view().n_populations; ++p)
    n_largest = std::max(n_largest, plan.population(p).n_padded);
  return n_largest;
}

DeviceScratch::DeviceScratch(const CudaFunctions& cuda, const Plan& plan, int max_window,
                             int n_teams) {
  // one on the host shows where everything lies; it is gone before the device's is taken
  const Scratch model(plan, max_window, false);
  const auto stride = static_cast<std::int64_t>(model.n_bytes());
  const int n_populations = plan.view().n_populations;
  std::vector<ScratchView> views(static_cast<std::size_t>(n_teams));
  std::vector<SignalBuffer> signals(views.size() * static_cast<std::size_t>(n_populations));
  const std::int64_t at_views = stride * n_teams;
  const std::int64_t n_view_bytes =
      static_cast<std::int64_t>(views.size() * sizeof(ScratchView) + 63) / 64 * 64;
  const std::int64_t n_bytes =
      at_views + n_view_bytes + static_cast<std::int64_t>(signals.size() * sizeof(SignalBuffer));
  memory_ = DeviceMemory(cuda, static_cast<std::size_t>(n_bytes));
  for (int team = 0; team < n_teams; ++team) {
    char* base = memory_.data() + stride * team;
    auto move = [&](auto*& pointer) {
      using T = std::remove_reference_t<decltype(*pointer)>;
      if (pointer)
        pointer = reinterpret_cast<T*>(base + (reinterpret_cast<char*>(pointer) - model.base()));
    };
    ScratchView& view = views[static_cast<std::size_t>(team)];
    view = model.view();
    for (int p = 0; p < n_populations; ++p) {
      SignalBuffer& signal = signals[static_cast<std::size_t>(team * n_populations + p)];
      signal = model.view().signals[p];
      move(signal.masks);
      move(signal.step_begin);
      move(signal.entries);
      move(signal.codes);
    }
    view.signals = reinterpret_cast<SignalBuffer*>(memory_.data() + at_views + n_view_bytes) +
                   std::ptrdiff_t{team} * n_populations;
    move(view.table);
    move(view.fired);
    move(view.n_fired);
    move(view.nonzero);
    move(view.logits);
    move(view.factor_sums);
    move(view.uses_table);
  }
  check_cuda(
      cuda.copy_in(memory_.data() + at_views, views.data(), views.size() * sizeof(ScratchView)));
  check_cuda(cuda.copy_in(memory_.data() + at_views + n_view_bytes, signals.data(),
                          signals.size() * sizeof(SignalBuffer)));
  // the vectors go with this function
  check_cuda(cuda.wait());
  views_ = reinterpret_cast<const ScratchView*>(memory_.data() + at_views);
}

}  // namespace spikelane
