// BenchResult: what `spikelane bench` measured, and its JSON, whose contract is
// tools/bench.schema.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/report/results.h"

namespace spikelane {

/// A kernel that a scene launches on a CUDA device.
struct BenchKernel {
  std::string name;
  std::int64_t n_launches = 0;  // in one repetition
  int n_blocks = 0, n_threads = 0, n_registers = 0, n_shared_bytes = 0;
  int n_resident_blocks = 0;  // of a multiprocessor at once
};

/// One scene. What does not apply to it is left empty and not written.
struct SceneResult {
  std::string scene;
  double seconds_min = 0.0, seconds_median = 0.0;
  std::optional<double> sample_steps_per_s;  // members x samples x steps
  std::optional<double> env_steps_per_s;     // control steps of all environments
  std::optional<double> physics_share;       // of the time, 0..1, that environments take
  std::optional<double> microseconds_p50, microseconds_p99, microseconds_p999,
      microseconds_max;                // of one step
  std::optional<double> firing_rate;   // spikes per neuron and step
  std::string bound;                   // which limit is meant: "FMA peak", "memory bandwidth", ...
  std::optional<double> bound_share;   // what was reached of it, 0..1
  std::optional<double> n_operations;  // float operations of one repetition, counted
  std::optional<double> n_bytes;       // of weights that one repetition must read from memory
  std::optional<double> microseconds_mean;  // of one step, the median of blocks of calls
  std::optional<double> normals_per_s, normals_per_s_alone;  // in the scene; nothing but drawing
  std::optional<double> member_bytes;  // of a member's own numbers, which each thread holds once
  std::optional<double> resident_mib;  // the largest resident memory while it ran
  int n_repeats = 0;
  std::vector<BenchKernel> kernels;  // on a CUDA device, with these three
  std::optional<double> operations_per_sample_step, bytes_per_sample_step, operations_per_byte;
  std::string command;     // that runs this scene alone; may be empty
  std::string state_hash;  // 16 hex digits
};

struct BenchResult {
  std::string command;  // as typed, so that the figures can be made again
  MachineInfo machine;
  BuildInfo build;
  double peak_gflops = 0.0, bandwidth_gb_s = 0.0;  // measured before the scenes
  std::vector<SceneResult> scenes;
};

/// The document, indented by 2, with a newline at the end; numbers keep every bit.
std::string bench_to_json(const BenchResult& result);

}  // namespace spikelane
