// Compiled once per instruction set, into namespace spikelane::SPIKELANE_ISA.
#include "kernels/core/random.h"
#include "kernels/cpu/isa_episode.h"
#include "kernels/cpu/isa_regression.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/lanes_team.h"
#include "kernels/step/es_gradient.h"
#include "kernels/step/kernl_online.h"
#include "kernels/step/low_rank_gradient.h"
#include "kernels/step/trial.h"

namespace spikelane::SPIKELANE_ISA {

static void run_tiles_here(const TrialArgs& args) { run_tiles(LanesTeam(), args); }

static void run_kernl_trials_here(const KernlTrialArgs& args) {
  run_kernl_trials(LanesTeam(), args);
}

static void run_kernl_online_here(const KernlOnlineArgs& args) {
  run_kernl_online(LanesTeam(), args);
}

static float burn_fma(int64_t n_rounds) {
  constexpr int kChains = 12;
  Lanes chains[kChains];
  for (int k = 0; k < kChains; ++k) chains[k] = broadcast(0.1f * static_cast<float>(k));
  const Lanes x = broadcast(0.999f), y = broadcast(1e-3f);
  for (int64_t i = 0; i < n_rounds; ++i)
    for (int k = 0; k < kChains; ++k) chains[k] = fma(chains[k], x, y);
  for (int k = 1; k < kChains; ++k) chains[0] = chains[0] + chains[k];
  alignas(64) float sums[16];
  store(sums, chains[0]);
  return sums[0];
}

#if defined(__AVX512F__)
constexpr const char* kIsaName = "x86-64-v4";
constexpr int kVectorBits = 512;
#elif defined(__AVX2__)
constexpr const char* kIsaName = "x86-64-v3";
constexpr int kVectorBits = 256;
#elif defined(__x86_64__)
constexpr const char* kIsaName = "x86-64-v2";
constexpr int kVectorBits = 128;
#else
constexpr const char* kIsaName = "neon";
constexpr int kVectorBits = 128;
#endif

extern const KernelTable kKernels;
const KernelTable kKernels = {kIsaName,
                              kVectorBits,
                              run_tiles_here,
                              run_kernl_trials_here,
                              run_regression_here,
                              score_regression_here,
                              run_kernl_online_here,
                              run_episodes_here,
                              draw_normals,
                              draw_uniforms,
                              draw_perturbed,
                              accumulate_gradient,
                              accumulate_low_rank,
                              burn_fma};

}  // namespace spikelane::SPIKELANE_ISA
