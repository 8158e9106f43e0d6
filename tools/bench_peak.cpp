#include "tools/bench_peak.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cpu/kernel_table.h"
#include "tools/bench_timing.h"

namespace spikelane {

namespace {

// of burn_fma: 12 chains of 16 lanes, an fma counts as two
constexpr double kFlopsPerRound = 12.0 * 16.0 * 2.0;

volatile float kept_value;  // so that no loop here is left out

double measure_gflops(ThreadPool& pool, int n_threads, bool is_quick) {
  const KernelTable& kernels = *find_kernels("");
  const double wanted_s = is_quick ? 1e-4 : 0.02;
  auto burn = [&](std::int64_t n_rounds) {
    return seconds_of([&] {
      pool.for_each(n_threads, [&](std::int64_t, int) { kept_value = kernels.burn_fma(n_rounds); });
    });
  };
  std::int64_t n_rounds = 1000;
  while (burn(n_rounds) < wanted_s) n_rounds *= 2;
  double best = 0.0;
  for (int i = 0; i < (is_quick ? 2 : 9); ++i)
    best = std::max(
        best, kFlopsPerRound * static_cast<double>(n_rounds) * n_threads / burn(n_rounds) * 1e-9);
  return best;
}

// three arrays of together more than twice the last cache, and never so many that the benchmark
// would be the largest user of memory it measures
std::int64_t triad_length(bool is_quick) {
  constexpr std::int64_t kMinBytes = 24 << 20, kMaxBytes = 512 << 20;
  std::int64_t last_cache = 0;
#if defined(_SC_LEVEL3_CACHE_SIZE)
  last_cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
  const std::int64_t n_bytes = std::clamp(last_cache / 4 * 3, kMinBytes, kMaxBytes);
  return (is_quick ? 1 << 16 : n_bytes) / static_cast<std::int64_t>(sizeof(float));
}

double measure_bandwidth(ThreadPool& pool, bool is_quick) {
  const std::int64_t n = triad_length(is_quick);
  const auto length = static_cast<std::size_t>(n);
  // written first by the thread that reads it later
  const std::unique_ptr<float[]> a(new float[length]), b(new float[length]), c(new float[length]);
  const std::int64_t n_parts = pool.n_threads();
  auto for_parts = [&](auto body) {
    pool.for_each(n_parts, [&](std::int64_t part, int) {
      body(n * part / n_parts, n * (part + 1) / n_parts);
    });
  };
  for_parts([&](std::int64_t begin, std::int64_t end) {
    std::fill(a.get() + begin, a.get() + end, 0.0f);
    std::fill(b.get() + begin, b.get() + end, 1.0f);
    std::fill(c.get() + begin, c.get() + end, 2.0f);
  });
  double best = 0.0;
  for (int i = 0; i < (is_quick ? 2 : 12); ++i) {
    const double seconds = seconds_of([&] {
      for_parts([&](std::int64_t begin, std::int64_t end) {
        float* to = a.get();
        const float *x = b.get(), *y = c.get();
#pragma omp simd
        for (std::int64_t k = begin; k < end; ++k) to[k] = x[k] + 3.0f * y[k];
      });
    });
    kept_value = a[length / 2];
    best = std::max(best, 3.0 * sizeof(float) * static_cast<double>(n) / seconds * 1e-9);
  }
  return best;
}

}  // namespace

MachinePeak measure_peak(ThreadPool& pool, bool is_quick) {
  MachinePeak peak;
  peak.gflops_one_thread = measure_gflops(pool, 1, is_quick);
  peak.gflops = pool.n_threads() == 1 ? peak.gflops_one_thread
                                      : measure_gflops(pool, pool.n_threads(), is_quick);
  peak.bandwidth_gb_s = measure_bandwidth(pool, is_quick);
  return peak;
}

}  // namespace spikelane
