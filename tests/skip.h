// A test that cannot do its work here says so, and is counted as skipped, not as passed.
#pragma once

#include <atomic>
#include <cstdio>
#include <string>

namespace spikelane::test {

/// Set by note_skip, cleared by tests/main.cpp before each test case.
inline std::atomic<bool> test_was_skipped{false};

/// Prints "skipped: <reason>" and counts the running test case as skipped (as failed when it also
/// fails). May be called from any thread, any number of times; the test case itself returns
/// afterwards or goes on with what it can do.
inline void note_skip(const std::string& reason) {
  test_was_skipped = true;
  std::printf("skipped: %s\n", reason.c_str());
  std::fflush(stdout);
}

}  // namespace spikelane::test
