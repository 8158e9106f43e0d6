// The CPU kernels of one instruction set, as functions. isa_kernels.cpp is compiled once per ISA
// and fills one table each; the engine picks one at run time and knows nothing else of ISAs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/core/random.h"
#include "kernels/step/episode_view.h"
#include "kernels/step/es_gradient_view.h"
#include "kernels/step/kernl_regression_view.h"
#include "kernels/step/kernl_view.h"
#include "kernels/step/views.h"

namespace spikelane {

struct KernelTable {
  const char* isa;  // "x86-64-v4"
  int vector_bits;
  void (*run_tiles)(const TrialArgs& args);
  void (*run_kernl_trials)(const KernlTrialArgs& args);
  void (*run_regression)(const RegressionArgs& args);
  void (*score_regression)(const RegressionScoreArgs& args);
  void (*run_kernl_online)(const KernlOnlineArgs& args);
  void (*run_episodes)(const EpisodeArgs& args);
  void (*draw_normals)(float* out, int64_t first_index, int64_t n, const RandomKey& key);
  void (*draw_uniforms)(float* out, int64_t first_index, int64_t n, const RandomKey& key);
  /// out = mean + scale*eps, two roundings
  void (*draw_perturbed)(float* out, const float* mean, float scale, int64_t first_index, int64_t n,
                         const RandomKey& key);
  /// The same two with +1 or -1 for the normals.
  void (*draw_signs)(float* out, int64_t first_index, int64_t n, const RandomKey& key);
  void (*draw_sign_perturbed)(float* out, const float* mean, float scale, int64_t first_index,
                              int64_t n, const RandomKey& key);
  AccumulateGradient accumulate_gradient;
  AccumulateLowRank accumulate_low_rank;
  /// 2 * 16 * 16 * n_rounds float operations in chains of fma, for the measured peak; returns a
  /// value to keep
  float (*burn_fma)(int64_t n_rounds);
};

/// The tables that this machine can run, slowest first. Never empty.
const std::vector<const KernelTable*>& runnable_kernels();

/// The table named `isa`, or null; "" is the fastest.
const KernelTable* find_kernels(const std::string& isa);

/// "x86-64-v2, x86-64-v3": what find_kernels takes here.
std::string runnable_isa_names();

}  // namespace spikelane
