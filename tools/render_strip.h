// A picture of one episode: a strip of stick figures, as SVG.
#pragma once

#include <string>
#include <vector>

#include "engine/run/closed_loop.h"

namespace spikelane {

/// Gathers the states of one held-out episode while it runs, and draws them afterwards.
class EpisodeFilm {
 public:
  explicit EpisodeFilm(const ClosedLoop& loop) : loop_(loop) {}

  /// To be given to the run of the episodes; keeps episode 0 alone.
  EpisodeWatch watch();

  /// Two strips: the whole episode in even distances, and from its middle on every second control
  /// step, which shows a gait. Each figure has its own ground and stands under its control step.
  std::string to_svg(const std::string& title) const;

 private:
  std::vector<int> whole_steps() const;
  std::vector<int> close_steps() const;

  const ClosedLoop& loop_;
  std::vector<double> states_;  // (control steps + 1, n_state), the start first
};

}  // namespace spikelane
