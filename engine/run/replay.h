// One row once more through the reference twin: to find out when something happened, and for tests.
#pragma once

#include <vector>

#include "engine/state/encoded_inputs.h"
#include "kernels/reference/twin.h"

namespace spikelane {

/// The inputs of one sample at one step, (I), out of a batch encoded for `plan`.
std::vector<float> input_frame(const Plan& plan, const EncodedInputs& inputs, int sample, int t);

/// The step at which the row's state stops being finite, and where (`population`); the last step
/// when the twin finds nothing.
int find_not_finite_step(const Plan& plan, const float* block, const float* shared,
                         const EncodedInputs& inputs, int sample, int* population);

}  // namespace spikelane
