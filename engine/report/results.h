// RunResult: what a run found out, as numbers. Written as results.json by write_results; nothing
// here knows JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace spikelane {

/// One row of the learning curve. What does not apply is left empty and not written.
struct Report {
  int update = 0;
  double wall_s = 0.0;
  std::optional<double> train_loss,
      train_accuracy;  // means over all updates since the last report and over the members
  std::optional<double> test_loss, test_accuracy;  // of the mean parameters on held-out data
  std::optional<double> train_return;              // as train_loss, of a control task's episodes
  std::optional<double> mean_return;               // of the mean parameters, over held-out episodes
  std::optional<int> n_unstable;  // held-out episodes that the physics ended, where there are any
  std::map<std::string, double>
      firing_rate;  // per spiking population, spikes per neuron and step, on the held-out data
  std::optional<double> gradient_norm;    // of the last update
  std::optional<double> regression_loss;  // mean over all updates since the last report
};

struct MachineInfo {
  std::string cpu, isa, backend, device;
  int n_threads = 0;
  int n_ranks = 1;        // processes that shared the work
  std::string physics{};  // library and version, "MuJoCo 2.2.2"; empty where the task has none
};

struct BuildInfo {
  std::string revision, compiler, flags;
};

struct Timing {
  double total_s = 0.0, data_s = 0.0, trial_s = 0.0, update_s = 0.0, test_s = 0.0;
  double sample_steps_per_s = 0.0;  // members x samples x steps of training over trial_s
  // several ranks: time in exchanges on the first one, waiting included, and what it received
  std::optional<double> exchange_s{}, exchange_bytes{};
};

/// What a rule learns beside the parameters: KeRNL's sensitivity tensor and filter.
struct RuleTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

struct RunResult {
  std::uint64_t seed = 0;
  std::vector<Report> reports;
  Report final_report;
  Timing timing;
  MachineInfo machine;
  std::vector<RuleTensor> rule_tensors;    // for the weight file, at each report
  std::string state_hash;                  // 16 hex digits
  std::string interrupted;                 // empty, or why the run ended early
  std::string data_fingerprint;            // engine/run/fingerprints.h; "" where there is none
  bool tests_on_training_samples = false;  // no samples are held out
};

}  // namespace spikelane
