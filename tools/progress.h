// What a run says while it goes on: one line rewritten on a terminal, one JSON line a report
// elsewhere and under mpirun.
#pragma once

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include "engine/report/results.h"

namespace spikelane {

/// Where text for people goes: standard output on a terminal; else standard error, since standard
/// output then holds JSON lines.
std::FILE* text_stream();

/// Writes and flushes; that nobody reads any more is no error.
void say(std::FILE* stream, const std::string& text);

class Progress {
 public:
  explicit Progress(int n_updates);

  void on_update(int n_done);

  /// Prints the reports that have come since the last call; and to standard error, when a
  /// population becomes silent or saturated, a warning with its firing rate.
  void on_report(const RunResult& result);

  /// Ends the terminal's line, before anything else is printed.
  void end();

 private:
  using Clock = std::chrono::steady_clock;

  int n_updates_;
  bool is_terminal_;
  bool has_line_ = false;
  std::size_t n_printed_ = 0;           // reports
  std::map<std::string, bool> is_odd_;  // populations that were silent or saturated in the last one
  std::string scores_;                  // of the last reports, as shown on the line
  Clock::time_point start_ = Clock::now(), shown_;
};

/// "12.3 s", "4 min 05 s", "2 h 13 min"
std::string duration_text(double seconds);

/// 1234567.0 is "1.23 M": a unit follows.
std::string rate_text(double per_second);

/// The last lines for people: the test's scores, hash and speed of a finished run; and warnings
/// about populations that are silent or saturated, to standard error.
void print_summary(const RunResult& result);

/// The last JSON line, where standard output is no terminal: `final` and `state_hash`.
void print_final_line(const RunResult& result);

}  // namespace spikelane
