// ActingRow: one episode of a network that learns from its reward while it acts (reward-modulated
// KeRNL). Actions are drawn from the softmax of the readouts; the last readout, the critic, says
// what it expects of the future. Eligibilities advance with time (engine/run/kernl_online.h), so
// memory does not grow with the episode.
//
//   r'(i)    = (1 - discount) reward(i)         so that the critic's values are of reward's size
//
//   g(b)     = sum over block b's control steps of ((p - chosen) dv - critic_weight dV)
//
//   e(b)     = (discount trace_decay)^n e(b-1) + g(b)         n control steps in the block
//
//   delta(b) = sum_i discount^i r'(i) + discount^n V(next block's first step) - V(its own)
//
//   gradient = sum over blocks of delta(b) e(b)
//
// dv, dV: what the rule says of weights and readouts. The critic's V counts as 0 where the task has
// ended the episode, and goes on as it was last where only the time was up.
#pragma once

#include <span>
#include <vector>

#include "engine/run/closed_loop.h"
#include "engine/run/kernl_online.h"

namespace spikelane {

struct ActedEpisode {
  double total_return = 0.0;
  int length = 0;  // control steps
};

class ActingRow {
 public:
  /// All must outlive it. `loop` has choices for actions.
  ActingRow(const RunConfig& config, const Plan& plan, const KernlRule& rule,
            const KernelTable& kernels, const ClosedLoop& loop);
  ~ActingRow();
  ActingRow(const ActingRow&) = delete;
  ActingRow& operator=(const ActingRow&) = delete;

  /// The episode that starts as `key` says; actions are drawn from its seed, update and member.
  /// `gradient`, flat and logical (P), is overwritten. Throws RunError when a state is not finite.
  ActedEpisode run(const float* block, const RandomKey& key, std::span<float> gradient);

 private:
  int draw_action(RandomKey key, int step);
  void credit(double surprise, std::span<float> gradient) const;

  const KernlConfig& rule_;
  const Plan& plan_;
  const ClosedLoop& loop_;
  ThreadPool pool_{1};
  KernlOnline online_;
  void* world_;
  float error_scale_;          // of a readout's value in z times weight
  std::vector<double> state_;  // of the environment
  std::vector<float> observation_, x_;
  std::vector<float> values_, error_;     // (O)
  std::vector<float> eligibility_, sum_;  // (P) e, and the block's g
};

}  // namespace spikelane
