// Compiled once per instruction set: the kernels of KeRNL's regression.
#include "kernels/cpu/isa_regression.h"

#include "kernels/cpu/lanes_team.h"
#include "kernels/step/kernl_regression.h"

namespace spikelane::SPIKELANE_ISA {

void run_regression_here(const RegressionArgs& args) { run_regression(LanesTeam(), args); }

void score_regression_here(const RegressionScoreArgs& args) { score_rows(LanesTeam(), args); }

}  // namespace spikelane::SPIKELANE_ISA
