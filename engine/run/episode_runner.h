// EpisodeRunner: whole episodes of many members in closed loops, cut over threads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/run/closed_loop.h"
#include "engine/state/aligned_memory.h"
#include "engine/state/scratch.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

/// What the episodes gave, (members, episodes).
struct EpisodeScores {
  std::vector<double> returns;
  std::vector<std::int32_t> lengths;   // control steps
  std::vector<std::uint8_t> ends;      // EpisodeEnd
  std::vector<std::int64_t> n_spikes;  // (members, episodes, populations), where the plan counts

  std::int64_t n_control_steps() const;
  int n_unstable() const;
};

/// For a state that stopped being finite in an episode of a member, at or before at.step.
[[noreturn]] void throw_episode_not_finite(const Plan& plan, int member, int episode,
                                           const NotFinite& at);

class EpisodeRunner {
 public:
  /// All must outlive it. Memory: one tile, one block, one world and one tile of environment states
  /// a thread.
  EpisodeRunner(const Plan& plan, const ClosedLoop& loop, const KernelTable& kernels,
                ThreadPool& pool);
  ~EpisodeRunner();
  EpisodeRunner(const EpisodeRunner&) = delete;
  EpisodeRunner& operator=(const EpisodeRunner&) = delete;

  /// The weights of all members that follow, where the plan has a rank.
  void set_shared(const float* shared) { shared_ = shared; }

  /// Episodes 0 .. n_episodes-1 of members first .. first+n-1; the start of episode e is drawn from
  /// `key` with e in the place of its member, so all members see the same. `scores` holds the n
  /// members alone. `fill_block` writes a member's parameters and is called from several threads.
  /// `watch` is told of every step (then from several threads). Throws RunError when a network's
  /// state stops being finite.
  void run(int first, int n, const std::function<void(int, float*)>& fill_block, int n_episodes,
           const RandomKey& key, EpisodeScores& scores, const EpisodeWatch& watch = {});

 private:
  struct Worker {
    Scratch scratch;
    void* world;
    float *frames, *observations, *actions;
    double* states;
  };

  const Plan& plan_;
  const ClosedLoop& loop_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  const float* shared_ = nullptr;
  AlignedMemory memory_;
  std::vector<Worker> workers_;  // one a thread
};

}  // namespace spikelane
