// TaskPort: an environment as function pointers over numbers in the caller's memory, so that the
// fused loop of kernels/step/episode.h, a C host and a test can step the same one. Built-in
// environments and MuJoCo worlds look alike from here.
#pragma once

#include <stdint.h>

#include "kernels/core/random.h"

namespace spikelane {

enum class EpisodeEnd : int {
  kGoesOn,
  kTerminated,  // the task's own rule ended it
  kUnstable     // the physics left the finite numbers: the step's reward does not count
};

struct StepOutcome {
  double reward;
  EpisodeEnd end;
};

/// Everything an environment knows between steps is `state`; `world` is a thread's working memory
/// and carries nothing from one call to the next. Calls for different rows may run on different
/// threads with different worlds. Nothing allocates, locks or logs after the world was made.
struct TaskPort {
  int n_observations;
  int n_actions;      // choices when is_discrete, else numbers of an action
  int is_discrete;    // actions are one number: 0, 1, .. n_actions-1; else each is -1 .. 1
  int n_state;        // doubles a row
  const void* model;  // const and shared by all threads; null for built-in environments

  /// A start state drawn from `key` (streams as in RandomKey; index counts the numbers) and its
  /// observation (n_observations).
  void (*reset)(const TaskPort& port, void* world, const RandomKey& key, double* state,
                float* observation);

  /// One control step.
  StepOutcome (*step)(const TaskPort& port, void* world, const float* action, double* state,
                      float* observation);

  /// Working memory of a thread, or null where there is none to make.
  void* (*make_world)(const TaskPort& port);
  void (*free_world)(void* world);
};

}  // namespace spikelane
