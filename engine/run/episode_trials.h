// Closed loops for the rules: the episodes of an evolution strategy's members, and the test of one
// parameter set on held-out episodes.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/run/episode_runner.h"
#include "engine/run/mean_test.h"
#include "engine/run/member_trials.h"

namespace spikelane {

/// Waits for episodes on a device.
void read_episodes(DeviceTrials& device, EpisodeScores& scores);

/// The members' losses are minus the returns of task.n_episodes episodes, whose starts are drawn
/// anew in each update and are the same for all members.
class EpisodeTrials : public MemberTrials {
 public:
  /// All must outlive it.
  EpisodeTrials(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                ThreadPool& pool, const ClosedLoop& loop);

  const Plan& plan() const override { return *plan_; }
  int n_samples() const override { return loop_.config().n_episodes; }
  bool gives_returns() const override { return true; }
  void begin_update(std::int64_t update) override;
  void run(const Members& members, int first, int n, TrialScores& scores) override;
  /// On a CUDA device for the built-in environments.
  bool runs_on_device() const override { return cuda_ != nullptr && loop_.built_in() != 0; }
  MemberScoresView start(const Members& members, int first, int n) override;
  void finish(const Members& members, std::span<double> losses, std::int64_t* n_correct,
              const std::function<void()>& before_throwing) override;
  std::int64_t n_sample_steps() const override { return n_sample_steps_; }

 private:
  const LoopView& view() const { return loop_.view(); }

  const ClosedLoop& loop_;
  const CudaFunctions* cuda_;
  std::unique_ptr<const Plan> plan_;
  EpisodeRunner runner_;
  std::unique_ptr<DeviceTrials> device_;  // for as many members as the last call had
  int first_device_member_ = 0, n_device_members_ = 0;
  RandomKey key_;
  EpisodeScores episodes_;
  std::int64_t n_sample_steps_ = 0;
};

/// Returns of one parameter set on held-out episodes: starts of a stream of their own, the same at
/// every test.
class EpisodeTest {
 public:
  /// All must outlive it.
  EpisodeTest(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
              ThreadPool& pool, const ClosedLoop& loop);

  /// Scores of flat logical parameters (P) on the first n_episodes held-out episodes (0: all).
  TestScores run(std::span<const float> parameters, int n_episodes, const EpisodeWatch& watch = {});

  /// What the last run gave, by episode.
  const EpisodeScores& episodes() const { return episodes_; }
  /// XXH64 over returns, lengths and spikes of each population, episodes ascending.
  std::string state_hash() const;
  /// The plan that is tested; it keeps spike counts.
  const Plan& plan() const { return *plan_; }

 private:
  void run_on_device(std::span<const float> parameters, int n_episodes, const RandomKey& key);

  const ClosedLoop& loop_;
  const CudaFunctions* cuda_;             // for the built-in environments
  std::unique_ptr<DeviceTrials> device_;  // for as many episodes as the last call had
  int n_device_episodes_ = 0;
  std::uint64_t seed_;
  std::unique_ptr<const Plan> plan_;
  EpisodeRunner runner_;
  EpisodeScores episodes_;
};

}  // namespace spikelane
