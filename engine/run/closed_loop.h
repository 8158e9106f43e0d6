// ClosedLoop: what a control task hands to the engine: an environment (kernels/step/task_port.h)
// and how the network is tied to it.
#pragma once

#include <memory>
#include <vector>

#include "engine/config/run_config.h"
#include "kernels/step/episode_view.h"

namespace spikelane {

/// Appends segments (x1, z1, x2, z2), in m, that show the environment at `state`.
using DrawState = void (*)(const TaskPort& port, void* world, const double* state,
                           std::vector<float>& segments);

class ClosedLoop {
 public:
  /// `model` keeps alive what port.model points at; `built_in` says which built-in environment it
  /// is, for devices, which have these alone and call no pointers (tasks/control/environments.h).
  /// Throws UserError where the config gives another number of scales, centres or widths than the
  /// environment has observations.
  ClosedLoop(const ControlConfig& config, const TaskPort& port, DrawState drawing,
             std::shared_ptr<const void> model = nullptr, int built_in = 0);
  ClosedLoop(const ClosedLoop&) = delete;
  ClosedLoop& operator=(const ClosedLoop&) = delete;

  const LoopView& view() const { return view_; }
  const ControlConfig& config() const { return config_; }
  int n_inputs() const { return n_coded_inputs(view_.observation); }
  /// Readout neurons: one for each choice, or for each number of an action.
  int n_outputs() const { return view_.action.n_outputs; }
  /// Network steps of the longest episode.
  int n_steps() const { return view_.max_steps * view_.control_steps; }
  DrawState draw() const { return draw_; }
  int built_in() const { return built_in_; }  // 0: none

 private:
  ControlConfig config_;
  std::shared_ptr<const void> model_;
  DrawState draw_;
  int built_in_;
  std::vector<float> inverse_scale_, centres_;
  LoopView view_{};
};

}  // namespace spikelane
