#include "engine/device/device_steps.h"

#include <cstring>

namespace spikelane {

// copying more than this each step takes longer than a second wait for those who ask for it
constexpr std::size_t kMostCopiedBytes = 65536;

DeviceSteps::DeviceSteps(const CudaFunctions& cuda, const Plan& plan, const CudaTrialArgs& args,
                         const CudaGrid& grid, int n_views, std::size_t n_state_bytes)
    : cuda_(cuda),
      n_values_(std::int64_t{plan.view().n_inputs} * plan.lanes_per_tile()),
      n_copied_bytes_(n_state_bytes <= kMostCopiedBytes ? n_state_bytes : 0) {
  const auto place = [&](std::int64_t& where, std::int64_t n_bytes) {
    where = places_.end;
    places_.end = (places_.end + n_bytes + 63) / 64 * 64;
  };
  place(places_.args, sizeof(CudaTrialArgs));
  place(places_.first_not_finite, sizeof *args.first_not_finite);
  place(places_.views, n_views * static_cast<std::int64_t>(sizeof(InputView)));
  place(places_.step_begin, n_views * 2 * static_cast<std::int64_t>(sizeof(std::int32_t)));
  place(places_.values, n_views * n_values_ * static_cast<std::int64_t>(sizeof(float)));
  memory_ = DeviceMemory(cuda, static_cast<std::size_t>(places_.end) + DeviceMemory::kSpare);
  there_ = PinnedMemory(cuda, static_cast<std::size_t>(places_.end));
  back_ = PinnedMemory(cuda, 64 + n_copied_bytes_);

  CudaTrialArgs& step = *at<CudaTrialArgs>(places_.args);
  step = args;
  step.inputs = reinterpret_cast<const InputView*>(memory_.data() + places_.views);
  step.has_own_inputs = 1;
  step.resets = step.scores = 0;
  step.record = nullptr;
  step.first_not_finite =
      reinterpret_cast<unsigned long long*>(memory_.data() + places_.first_not_finite);
  *at<unsigned long long>(places_.first_not_finite) = ~0ull;

  check_cuda(cuda.begin_graph());
  // whatever goes wrong on the way is said when the capture has ended
  const char* error =
      cuda.copy_in(memory_.data(), there_.data(), static_cast<std::size_t>(places_.end));
  if (!error)
    error = cuda.run_trials(plan.layout(), 0,
                            reinterpret_cast<const CudaTrialArgs*>(memory_.data() + places_.args),
                            &grid);
  if (!error)
    error = cuda.copy_out(back_.data(), step.first_not_finite, sizeof *step.first_not_finite);
  if (!error && n_copied_bytes_ > 0)
    error = cuda.copy_out(back_.data() + 64, args.tiles, n_copied_bytes_);
  const std::string first_error = error ? error : "";
  error = cuda.end_graph(&graph_);
  check_cuda(first_error.empty() ? error : first_error.c_str());
}

DeviceSteps::~DeviceSteps() {
  if (graph_) cuda_.release_graph(graph_);
}

unsigned long long DeviceSteps::run(int t, std::span<const InputView> views) {
  CudaTrialArgs& args = *at<CudaTrialArgs>(places_.args);
  args.t_begin = t;
  args.t_end = t + 1;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const std::int64_t values = places_.values + static_cast<std::int64_t>(i) * n_values_ * 4;
    const std::int64_t begin = places_.step_begin + static_cast<std::int64_t>(i) * 8;
    InputView& view = at<InputView>(places_.views)[i];
    view = views[i];
    if (view.dense) {
      std::memcpy(at<float>(values), view.dense, static_cast<std::size_t>(n_values_) * 4);
      view.dense = reinterpret_cast<const float*>(memory_.data() + values);
      continue;
    }
    std::memcpy(at<std::int32_t>(begin), view.step_begin, 8);
    std::memcpy(at<std::int32_t>(values), view.units,
                static_cast<std::size_t>(view.step_begin[1]) * 4);
    view.step_begin = reinterpret_cast<const std::int32_t*>(memory_.data() + begin);
    view.units = reinterpret_cast<const std::int32_t*>(memory_.data() + values);
  }
  check_cuda(cuda_.launch_graph(graph_));
  check_cuda(cuda_.wait());
  return *reinterpret_cast<const unsigned long long*>(back_.data());
}

}  // namespace spikelane
