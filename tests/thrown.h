// What a call that ought to fail says.
#pragma once

#include <string>

#include "engine/config/user_error.h"

namespace spikelane::test {

/// The message of the RunError that run() throws.
template <class Run>
std::string thrown_by(const Run& run) {
  try {
    run();
  } catch (const RunError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace spikelane::test
