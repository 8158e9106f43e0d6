// The regression's kernels of one instruction set, for its table: isa_regression.cpp has them.
#pragma once

#include "kernels/core/isa.h"
#include "kernels/step/kernl_regression_view.h"

namespace spikelane::SPIKELANE_ISA {

void run_regression_here(const RegressionArgs& args);
void score_regression_here(const RegressionScoreArgs& args);

}  // namespace spikelane::SPIKELANE_ISA
