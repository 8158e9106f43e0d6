#include "tools/stop_signal.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace spikelane {
namespace {

std::atomic<int> stop_flag{0};
const char* slow_text = "";
static_assert(std::atomic<int>::is_always_lock_free, "set by a signal handler");

extern "C" void set_stop_flag(int) {
  stop_flag.store(1);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  ::alarm(1);
}

// a second has gone by since the stop, and no safe point has come
extern "C" void say_why(int) {
  const int kept = errno;
  const auto ignored = ::write(STDERR_FILENO, slow_text, std::strlen(slow_text));
  static_cast<void>(ignored);
  errno = kept;
}

}  // namespace

const std::atomic<int>& catch_stop_signals(const char* text_when_slow) {
  slow_text = text_when_slow;
  // writes that are under way go on after the handler
  struct sigaction action {};
  action.sa_handler = set_stop_flag;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = say_why;
  sigaction(SIGALRM, &action, nullptr);
  return stop_flag;
}

void end_stop_wait() { ::alarm(0); }

void ignore_write_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace spikelane
