// DeviceSteps: single steps of all rows with inputs that are known one step at a time. What a step
// does is a CUDA graph, captured once and replayed: its inputs to the device, the kernel, and back
// to the host whether all is finite and, of small nets, the state.
#pragma once

#include <span>

#include "engine/device/device_memory.h"
#include "engine/plan/plan.h"

namespace spikelane {

class DeviceSteps {
 public:
  /// `args` are those of a window whose state stays on the device, for n_views tiles whose state
  /// has n_state_bytes. All must outlive it.
  DeviceSteps(const CudaFunctions& cuda, const Plan& plan, const CudaTrialArgs& args,
              const CudaGrid& grid, int n_views, std::size_t n_state_bytes);
  ~DeviceSteps();
  DeviceSteps(const DeviceSteps&) = delete;
  DeviceSteps& operator=(const DeviceSteps&) = delete;

  /// Step t; each view is dense or lists units. Waits for it; returns the lowest tile whose state
  /// is not finite, or all ones.
  unsigned long long run(int t, std::span<const InputView> views);

  /// The tiles after the last step; null where they are not copied each step.
  const char* state() const { return n_copied_bytes_ > 0 ? back_.data() + 64 : nullptr; }

 private:
  // where each part lies in the piece that goes to the device
  struct Places {
    std::int64_t args, first_not_finite, views, step_begin, values, end;
  };
  template <class T>
  T* at(std::int64_t place) const {
    return reinterpret_cast<T*>(there_.data() + place);
  }

  const CudaFunctions& cuda_;
  std::int64_t n_values_;  // of a view, 4 bytes each
  std::size_t n_copied_bytes_;
  Places places_{};
  DeviceMemory memory_;
  PinnedMemory there_, back_;  // back: first_not_finite, and from byte 64 on the tiles
  void* graph_ = nullptr;
};

}  // namespace spikelane
