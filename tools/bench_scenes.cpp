#include "tools/bench_scenes.h"

namespace spikelane {

const std::vector<BenchScene>& bench_scenes() {
  static const std::vector<BenchScene> scenes = {
      {"es_seed", "3-4-10 leaky, T 200, 30 members x 600 samples: all trials with their losses",
       run_es_seed},
      {"es_randman", "10-64-10, T 200, 256 members x 256 samples: a whole generation",
       run_es_randman},
      {"ec_shape", "256 recurrent, T 33, 10,240 members x 1 sample: weights drawn in the run",
       run_ec_shape},
      {"ec_shape_drawn", "the same net, 512 members whose weights were drawn before",
       run_ec_shape_drawn},
      {"low_rank_ec",
       "a generation of ec_shape's net and members, noise on every weight and of rank 1 and 4",
       run_low_rank_ec},
      {"low_rank_784", "the same of 784-1024-10, T 50, 128 members x 16 samples", run_low_rank_784},
      {"latency", "64 and 256 recurrent in a closed loop, one row, one step a call", run_latency},
      {"latency_api",
       "256 recurrent, one row, through the C API, and as an exported C file (--steps N)",
       run_latency_api},
      {"kernl_tensor",
       "the original KeRNL program's update of M and g: 200 alif, 81 inputs, T 838, batch 25",
       run_kernl_tensor},
      {"closed_loop",
       "32 recurrent steering cart-poles (256 members x 16) and MuJoCo hoppers (32 x 16)",
       run_closed_loop},
      {"smnist_trial",
       "e-prop of 220 alif, 80 inputs, T 840, by whole trials: one update, batch 32 and 256",
       run_smnist_trial},
      {"smnist_online", "the same net online: traces that advance with time", run_smnist_online},
      {"online_latency", "one row of it, one step a call: learning, and acting alone",
       run_online_latency},
  };
  return scenes;
}

void compare_with_peak(SceneResult& result, double gflops, const char* bound) {
  result.bound = bound;
  result.bound_share = *result.n_operations / result.seconds_min * 1e-9 / gflops;
}

void set_times(SceneResult& result, const Repetitions& times) {
  result.seconds_min = times.seconds_min;
  result.seconds_median = times.seconds_median;
  result.n_repeats = times.n_repeats;
}

}  // namespace spikelane
