// The scenes of `spikelane bench`: fixed jobs whose speed is reported beside the hash of what they
// computed. docs/performance.md describes them.
#pragma once

#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/plan/plan.h"
#include "engine/report/bench_result.h"
#include "engine/run/task.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"
#include "tools/bench_peak.h"
#include "tools/bench_timing.h"

namespace spikelane {

/// What a scene runs on.
struct BenchMachine {
  const KernelTable& kernels;
  ThreadPool& pool;
  PlanOptions plan_options;
  MachinePeak peak;
  bool is_quick = false;  // tiny sizes, for tests: the figures mean nothing
  long n_steps = 0;       // of latency_api; 0: its own number
};

struct BenchScene {
  const char* name;
  const char* summary;
  std::vector<SceneResult> (*run)(const BenchMachine&);
};

const std::vector<BenchScene>& bench_scenes();

std::vector<SceneResult> run_es_seed(const BenchMachine& machine);
std::vector<SceneResult> run_es_randman(const BenchMachine& machine);
std::vector<SceneResult> run_ec_shape(const BenchMachine& machine);
std::vector<SceneResult> run_ec_shape_drawn(const BenchMachine& machine);
std::vector<SceneResult> run_low_rank_ec(const BenchMachine& machine);
std::vector<SceneResult> run_low_rank_784(const BenchMachine& machine);
std::vector<SceneResult> run_latency(const BenchMachine& machine);
std::vector<SceneResult> run_latency_api(const BenchMachine& machine);
std::vector<SceneResult> run_kernl_tensor(const BenchMachine& machine);
std::vector<SceneResult> run_closed_loop(const BenchMachine& machine);
std::vector<SceneResult> run_smnist_trial(const BenchMachine& machine);
std::vector<SceneResult> run_smnist_online(const BenchMachine& machine);
std::vector<SceneResult> run_online_latency(const BenchMachine& machine);

/// The config of es_randman: that of configs/randman_es.json.
RunConfig es_randman_config();

/// Net and rule of ec_shape; its one sample, in which each input fires in 15 of 100 steps.
RunConfig ec_shape_config(int n_members);
Dataset ec_shape_sample(const KernelTable& kernels);

/// The config of kernl_tensor: network and rule of configs/mnist_kernl_original.json.
RunConfig kernl_tensor_config();

/// Float operations of one normal and of mean + sigma*eps. Philox: 10 rounds of 8 operations for 4
/// numbers. Then, for a pair: 4 for the uniform, 27 for the logarithm, 2 for the radius, 19 for the
/// octant, 12 for the quarter turn, 2 products.
constexpr double kOperationsPerDraw = 80.0 / 4 + 66.0 / 2 + 2;

void set_times(SceneResult& result, const Repetitions& times);

/// Holds `n_operations` in `seconds_min` against the FMA peak of `gflops`.
void compare_with_peak(SceneResult& result, double gflops, const char* bound);

}  // namespace spikelane
