// Names of neuron models, resets and surrogates, shared by the engine and all ISA objects.
#pragma once

namespace spikelane {

enum class Model : int { kLeaky, kReadout, kAlif };
enum class Reset : int { kSubtract, kZero, kNone };

/// What stands for ds/dv' in learning, of x = (v' - B)/B.
enum class Surrogate : int { kTriangle, kExponential, kBaseTriangle, kSlopeTriangle };

constexpr bool is_spiking(Model model) { return model != Model::kReadout; }

}  // namespace spikelane
