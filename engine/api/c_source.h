// A network as C source: one C99 file with weights and a step, for machines where the engine itself
// does not run. It computes the bits that the engine computes.
#pragma once

#include <string>

#include "engine/report/policy_file.h"

namespace spikelane {

/// The text of the file. Its functions are <name>_reset, <name>_step and <name>_self_check; `name`
/// is a C identifier.
std::string policy_to_c(const Policy& policy, const std::string& name);

//// A C identifier made of a name, a suffix left out: "Walker-2.c" gives "walker_2".
std::string c_identifier(const std::string& text);

}  // namespace spikelane
