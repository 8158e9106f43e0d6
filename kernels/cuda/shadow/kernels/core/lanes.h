// What nvcc finds in place of kernels/core/lanes.h: this folder comes first in its include path. A
// worker of a CUDA team holds one lane, so there are no packs and no SIMD headers.
#pragma once

#include "kernels/core/device.h"
#include "kernels/core/scalar_lane.h"
