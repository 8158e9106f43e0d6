// What this machine can do at most: the limits that the benchmark's scenes are held against.
#pragma once

#include "kernels/cpu/thread_pool.h"

namespace spikelane {

struct MachinePeak {
  double gflops = 0.0;             // float32 fma on all threads of the pool, two operations each
  double gflops_one_thread = 0.0;  // the same on one
  double bandwidth_gb_s = 0.0;     // triad a = b + 3c beyond the caches, 12 bytes an element
};

/// Measures for a fifth of a second or so each, best of several, always with the widest vectors of
/// this machine. The triad's three arrays are freed again before it returns.
MachinePeak measure_peak(ThreadPool& pool, bool is_quick);

}  // namespace spikelane
