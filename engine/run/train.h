// The training loop: updates, reports, tests of the mean on held-out data.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string>

#include "engine/plan/plan.h"
#include "engine/report/checkpoint.h"
#include "engine/report/results.h"
#include "engine/run/ranks.h"
#include "engine/run/task.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

/// What the loop tells its caller, and what it is told. All are called from the calling thread,
/// between updates.
struct TrainHooks {
  /// After every update: how many are done.
  std::function<void(int n_done)> on_update;
  /// After every report and at the end (then result.final_report is set): the results so far and
  /// the mean parameters, flat and logical. What it throws ends the run.
  std::function<void(const RunResult& result, const Plan& plan, std::span<const float> mean)>
      on_report;
  /// When run.checkpoint_every says so, when the run is stopped and at its end: the training
  /// between two updates. Nothing is saved where it is not set. What it throws ends the run.
  std::function<void(const Checkpoint& checkpoint)> on_checkpoint;
  /// Goes on from there; throws UserError where it is not one of this config. Null: from the start.
  const Checkpoint* resume = nullptr;
  /// Of `data`, for checkpoints and results (engine/run/fingerprints.h).
  std::string data_fingerprint;
  /// The weights to begin with, flat and logical (P). Empty: those of the config's seed.
  std::span<const float> start;
  /// Set to 1 by a signal handler: the loop ends before the next update. With several ranks one
  /// that has been told to stop is enough.
  const std::atomic<int>* stop = nullptr;
  /// The processes that share the work; all of them run this loop, and the first one alone tests
  /// the mean, reports and saves. Null: this process by itself.
  Ranks* ranks = nullptr;
};

/// Trains by config.rule on `data`, whose sizes check_against_task has accepted. A stop by signal
/// gives a result with `interrupted` set. Throws RunError when a state or a loss is not finite
/// (with several ranks SharedError on all of them); what on_report has been given until then stays
/// valid.
RunResult train(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                ThreadPool& pool, const TaskData& data, const TrainHooks& hooks);

}  // namespace spikelane
