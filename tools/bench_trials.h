// The trials of a scene once more, with the state kept: what fired, how many operations that took,
// and the hash of where it ended.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/run/task.h"
#include "tools/bench_scenes.h"

namespace spikelane {

struct CountedTrials {
  std::string state_hash;
  double firing_rate = 0.0;     // spikes per spiking neuron and step
  double n_operations = 0.0;    // float operations that the definition asks for
  double n_weight_bytes = 0.0;  // of weights read, each row once a trial
  std::vector<double> losses;   // (M, B)
};

/// A job as Evaluator::run takes it.
struct BenchJob {
  const NetworkDescription& network;
  const LossConfig& loss;
  const Dataset& data;
  std::vector<std::int32_t> samples;
  int n_members;
  std::function<void(int, float*)> fill_block;
  int rank = 0;  // of the members' noise, whose weights are then `shared`
  const float* shared = nullptr;
};

/// 0 .. n-1.
std::vector<std::int32_t> first_samples(int n);

/// Runs members 0 .. n_members-1 into a State of their own.
CountedTrials count_trials(const BenchMachine& machine, const BenchJob& job);

}  // namespace spikelane
