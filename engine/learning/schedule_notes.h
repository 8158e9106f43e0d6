// What a run's schedules do within its length: notes on those that end, or hardly act, before it.
#pragma once

#include <string>
#include <vector>

#include "engine/config/run_config.h"

namespace spikelane {

/// One sentence for each schedule that does not fit updates first_update .. run.n_updates - 1: a
/// cosine that reaches 0 before the end, a learning rate or sigma below 1e-6 of its start, a phase
/// of the searched tensors that begins after the end. Empty: all fit. Each begins with its key.
std::vector<std::string> schedule_notes(const RunConfig& config, int first_update);

}  // namespace spikelane
