// Ctrl-C and SIGTERM as a flag that a run looks at.
#pragma once

#include <atomic>

namespace spikelane {

/// Catches SIGINT and SIGTERM from here on: the first one sets the flag that is returned, a second
/// one kills the process.
const std::atomic<int>& catch_stop_signals();

/// Makes a closed pipe and a file that grew too large errors of the write that meets them, instead
/// of signals that kill the process.
void ignore_write_signals();

}  // namespace spikelane
