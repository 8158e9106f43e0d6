// Fingerprints of what a run rests on besides its config: XXH64 over contents, 16 hex digits.
#pragma once

#include <string>

#include "engine/run/task.h"

namespace spikelane {

/// Of training and test data as the engine holds them: sizes, then events or values, then labels.
/// Of data that are made on demand, of what they are made from. Names and times do not enter. For
/// control tasks it is that of the environment's model, or "" where the config says all of it.
std::string data_fingerprint(const TaskData& data);

}  // namespace spikelane
