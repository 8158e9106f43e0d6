// Evaluation of one parameter set on a data set: scores, the hash of the final state, and on demand
// what populations did step by step.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "engine/report/safetensors.h"
#include "engine/run/mean_test.h"

namespace spikelane {

/// One array of a record: "<population>.s", spikes, or "<population>.v", membrane potentials.
struct RecordField {
  std::string name;
  int population = 0, n = 0;
  bool is_spikes = false;
};

/// Finds what is to be recorded. Throws UserError at "--record" with every unknown or repeated name
/// and the names that are allowed; readouts have no spikes.
std::vector<RecordField> find_record_fields(const NetworkDescription& network,
                                            const std::vector<std::string>& names);

/// Bytes of a record's arrays; a double, since a large network may go beyond 2^63.
double n_record_bytes(const std::vector<RecordField>& fields, int n_samples, int n_steps);

struct EvaluationOptions {
  int n_samples = 0;  // the first n_samples; 0: all
  std::vector<RecordField> record;
  const std::atomic<int>* stop = nullptr;  // ends the evaluation when it is not 0
  // of a batch's record that a CUDA device holds at a time, and pinned memory as well
  std::size_t n_device_record_bytes = std::size_t{64} << 20;
};

struct Evaluation {
  bool was_interrupted = false;  // then nothing else is set
  TestScores scores;
  /// As hash_state over all samples at once.
  std::string state_hash;
  /// One (B, T, n) array a field: spikes U8; membrane potentials after the step F32, a readout's
  /// are its value after the step.
  std::vector<Tensor> record;
};

/// Runs the samples of `data`, which must have labels, in batches. Memory beside data and record:
/// one batch of 512 samples, and up to 20 bytes for each sample and neuron, kept for the hash.
/// Throws RunError when a state is not finite.
Evaluation evaluate(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                    ThreadPool& pool, const Dataset& data, std::span<const float> parameters,
                    const EvaluationOptions& evaluation_options);

}  // namespace spikelane
