// The benchmark's protocol: warm up, then restore and run again, at least five times, and report
// minimum and median. Memory is measured in the same place.
#pragma once

#include <chrono>
#include <vector>

namespace spikelane {

template <class Work>
double seconds_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Repetitions {
  double seconds_min = 0.0, seconds_median = 0.0;
  int n_repeats = 0;
};

/// Minimum and median; `seconds` must not be empty.
Repetitions summarise(std::vector<double> seconds);

constexpr int kMinRepeats = 5, kMaxRepeats = 200;
constexpr double kMinTotalS = 1.0;  // short scenes are repeated until they have run this long

/// `restore` puts everything back to where a repetition starts and is not timed.
template <class Restore, class Work>
Repetitions repeat(bool is_quick, Restore restore, Work work) {
  restore();
  work();
  std::vector<double> seconds;
  double total_s = 0.0;
  while (static_cast<int>(seconds.size()) < kMinRepeats ||
         (!is_quick && total_s < kMinTotalS && static_cast<int>(seconds.size()) < kMaxRepeats)) {
    restore();
    seconds.push_back(seconds_of(work));
    total_s += seconds.back();
  }
  return summarise(std::move(seconds));
}

/// Starts a new maximum of the process's resident memory, where the system allows it.
void restart_peak_memory();

/// The largest resident memory since then (or since the start), in MiB; 0 where it is not known.
double peak_memory_mib();

}  // namespace spikelane
