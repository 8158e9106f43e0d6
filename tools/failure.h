// What went wrong, as a message and an exit code.
#pragma once

namespace spikelane {

inline constexpr int kRunFailed = 1, kWrongInput = 2;

/// Called while an exception is being handled: prints it to standard error, and returns the exit
/// code. What it does not know it throws on.
int report_failure();

}  // namespace spikelane
