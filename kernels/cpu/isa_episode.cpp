// Compiled once per instruction set: closed loops.
#include "kernels/cpu/isa_episode.h"

#include "kernels/cpu/lanes_team.h"
#include "kernels/step/episode.h"

namespace spikelane::SPIKELANE_ISA {

void run_episodes_here(const EpisodeArgs& args) { run_episodes(LanesTeam(), args); }

}  // namespace spikelane::SPIKELANE_ISA
