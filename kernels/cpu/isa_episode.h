// The closed loop's kernel of one instruction set, for its table: isa_episode.cpp has it.
#pragma once

#include "kernels/core/isa.h"
#include "kernels/step/episode_view.h"

namespace spikelane::SPIKELANE_ISA {

void run_episodes_here(const EpisodeArgs& args);

}  // namespace spikelane::SPIKELANE_ISA
