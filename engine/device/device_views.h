// What kernels see of plan, inputs and scratch, copied to a CUDA device.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/device/staged_copies.h"
#include "engine/plan/plan.h"
#include "engine/state/scratch.h"

namespace spikelane {

/// Puts the plan's view and all it points at; returns where the PlanView is.
std::int64_t put_plan(DeviceImage& image, const PlanView& plan);

/// Puts inputs of `n_steps` steps; returns where the InputViews are.
std::int64_t put_inputs(DeviceImage& image, const PlanView& plan, std::span<const InputView> views,
                        int n_steps);

/// Waits for what was asked for; returns the first of n_parts on the device whose state is not
/// finite.
std::optional<NotFinite> wait_for_parts(ReturnedCopies& returned, const NotFinite* from,
                                        int n_parts);

/// Neurons of the largest population, padded.
int largest_population(const Plan& plan);

/// Scratch of `n_teams` teams, one after the other in one allocation.
class DeviceScratch {
 public:
  DeviceScratch() = default;
  DeviceScratch(const CudaFunctions& cuda, const Plan& plan, int max_window, int n_teams);
  const ScratchView* views() const { return views_; }  // on the device

 private:
  DeviceMemory memory_;
  const ScratchView* views_ = nullptr;
};

}  // namespace spikelane
