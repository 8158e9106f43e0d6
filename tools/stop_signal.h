// Ctrl-C and SIGTERM as a flag that a run looks at.
#pragma once

#include <atomic>

namespace spikelane {

/// Catches SIGINT and SIGTERM from here on: the first one sets the flag that is returned, a second
/// one kills the process. `text_when_slow`, which must stay, goes to standard error a second after
/// the first one, unless end_stop_wait was called.
const std::atomic<int>& catch_stop_signals(const char* text_when_slow);

/// The run has come to its safe point.
void end_stop_wait();

/// Makes a closed pipe and a file that grew too large errors of the write that meets them, instead
/// of signals that kill the process.
void ignore_write_signals();

}  // namespace spikelane
