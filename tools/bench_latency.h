// How long single calls take: the mean from blocks of calls without a clock inside, the median of
// all blocks, so that one that was interrupted does not count; the spread from runs with a clock
// around each call.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "tools/bench_scenes.h"
#include "tools/bench_timing.h"

namespace spikelane {

struct CallTimes {
  Repetitions times;  // of whole runs
  double microseconds_mean = 0.0;
  std::vector<double> microseconds;  // of each call, ascending
};

/// What two looks at the clock take when nothing lies between them.
double clock_microseconds();

/// Writes mean and percentiles.
void set_latency(SceneResult& result, const CallTimes& calls, int n_steps);

/// Runs of n_steps calls each, every run after `restore`; `prepare` comes before each call and is
/// not part of its own time.
template <class Restore, class Call, class Prepare>
CallTimes time_calls(bool is_quick, int n_steps, Restore restore, Call call, Prepare prepare) {
  constexpr int kCallsPerBlock = 1000;
  const int n_calls = std::min(n_steps, kCallsPerBlock);
  CallTimes result;
  std::vector<double> block_seconds;
  result.times = repeat(is_quick, restore, [&] {
    for (int t = 0; t < n_steps; t += n_calls)
      block_seconds.push_back(seconds_of([&] {
        for (int i = 0; i < n_calls; ++i) {
          prepare();
          call();
        }
      }));
  });
  result.microseconds_mean = summarise(block_seconds).seconds_median / n_calls * 1e6;
  const double clock = clock_microseconds();
  for (int i = 0; i < kMinRepeats; ++i) {
    restore();
    for (int t = 0; t < n_steps; ++t) {
      prepare();
      const auto start = std::chrono::steady_clock::now();
      call();
      const std::chrono::duration<double, std::micro> taken =
          std::chrono::steady_clock::now() - start;
      result.microseconds.push_back(std::max(0.0, taken.count() - clock));
    }
  }
  std::sort(result.microseconds.begin(), result.microseconds.end());
  return result;
}

template <class Restore, class Call>
CallTimes time_calls(bool is_quick, int n_steps, Restore restore, Call call) {
  return time_calls(is_quick, n_steps, restore, call, [] {});
}

}  // namespace spikelane
