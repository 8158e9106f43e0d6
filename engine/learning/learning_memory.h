// How much memory learning by KeRNL or e-prop asks for, from the config alone: so that a run that
// does not fit is refused before anything is made.
#pragma once

#include "engine/config/run_config.h"

namespace spikelane {

/// Bytes beside parameters, optimiser and data, a regression left out. With all threads and the
/// whole batch they are at most what trainers say they hold (KernlTrainer::n_bytes,
/// OnlineTrainer::n_bytes), and less than that by 10 % at most.
struct LearningMemory {
  double n_thread_bytes = 0.0;  // trial: histories of one row, T x n. Online: sums of a block
  // trial: a gradient for each 8 samples, as many as max_memory_mib allows. Online: each row's
  // traces
  double n_batch_bytes = 0.0;
};

/// `config.rule` is kernl and `config.network.n_inputs` known; batches of n_batch samples.
LearningMemory learning_memory(const RunConfig& config, int n_steps, int n_batch);

}  // namespace spikelane
