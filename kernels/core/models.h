// Names of neuron models and resets, shared by the engine and all ISA objects.
#pragma once

namespace spikelane {

enum class Model : int { kLeaky, kReadout };
enum class Reset : int { kSubtract, kZero, kNone };

}  // namespace spikelane
