#include "tools/bench_latency.h"

namespace spikelane {

double clock_microseconds() {
  using Clock = std::chrono::steady_clock;
  std::vector<double> gaps;
  for (int i = 0; i < 10001; ++i) {
    const auto start = Clock::now();
    gaps.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::nth_element(gaps.begin(), gaps.begin() + 5000, gaps.end());
  return gaps[5000];
}

static double percentile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void set_latency(SceneResult& result, const CallTimes& calls, int n_steps) {
  set_times(result, calls.times);
  result.sample_steps_per_s = n_steps / calls.times.seconds_min;
  result.microseconds_mean = calls.microseconds_mean;
  result.microseconds_p50 = percentile(calls.microseconds, 0.5);
  result.microseconds_p99 = percentile(calls.microseconds, 0.99);
  result.microseconds_p999 = percentile(calls.microseconds, 0.999);
}

}  // namespace spikelane
