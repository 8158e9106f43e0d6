#include "tools/stop_signal.h"

#include <csignal>

namespace spikelane {
namespace {

std::atomic<int> stop_flag{0};
static_assert(std::atomic<int>::is_always_lock_free, "set by a signal handler");

extern "C" void set_stop_flag(int) {
  stop_flag.store(1);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

const std::atomic<int>& catch_stop_signals() {
  // writes that are under way go on after the handler
  struct sigaction action {};
  action.sa_handler = set_stop_flag;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return stop_flag;
}

void ignore_write_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace spikelane
