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

// A round is 12 chains of 16 lanes. 12 vector registers hide the latency of an fma and leave room
// for its operands, so narrower vectors take the chains in several goes. No two lanes start alike:
// the compiler would compute equal halves of a chain once.
static float burn_fma(int64_t n_rounds) {
  constexpr int kChains = 12 * kVectorBits / 512;
  alignas(64) float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = 0.01f * static_cast<float>(i);
  const Lanes first = load(lanes), x = broadcast(0.999f), y = broadcast(1e-3f);
  Lanes chains[kChains];
  for (int k = 0; k < kChains; ++k) chains[k] = first + broadcast(0.1f * static_cast<float>(k));
  for (int64_t i = 0; i < n_rounds * (12 / kChains); ++i)
    for (int k = 0; k < kChains; ++k) chains[k] = fma(chains[k], x, y);
  for (int k = 1; k < kChains; ++k) chains[0] = chains[0] + chains[k];
  store(lanes, chains[0]);
  float sum = 0.0f;
  for (int i = 0; i < 16; ++i) sum = sum + lanes[i];
  return sum;
}

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
                              draw_signs,
                              draw_sign_perturbed,
                              accumulate_gradient,
                              accumulate_low_rank,
                              burn_fma};

}  // namespace spikelane::SPIKELANE_ISA
