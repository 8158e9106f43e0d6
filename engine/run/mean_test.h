// How good one parameter set is on a data set: loss, accuracy, and how much each population fires.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/report/results.h"
#include "engine/run/simulation.h"

namespace spikelane {

struct TestScores {
  double loss = 0.0, accuracy = 0.0;
  std::optional<double> mean_return;          // closed loops; then accuracy says nothing
  int n_unstable = 0;                         // episodes that the physics ended
  std::map<std::string, double> firing_rate;  // spikes per neuron and step of spiking populations
};

/// What a report says of a test.
void fill_report(Report& report, const TestScores& scores);

/// Steps one batch from its reset to the end of its trials, instead of all steps at once; `first`
/// is the number of the batch's first sample.
using RunBatch =
    std::function<void(Simulation& simulation, const EncodedInputs& inputs, int first)>;

class MeanTest {
 public:
  /// `data` must have labels and outlive it; it is run in batches, so memory does not grow with it.
  MeanTest(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
           ThreadPool& pool, const Dataset& data);

  /// Scores of flat logical parameters (P) on the first n_samples samples (0: all). `run_batch`
  /// may be left out; what it throws ends the test.
  TestScores run(std::span<const float> parameters, int n_samples,
                 const RunBatch& run_batch = nullptr);

  /// The plan that is tested; it keeps spike counts.
  const Plan& plan() const { return *plan_; }

 private:
  std::unique_ptr<const Plan> plan_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  const Dataset& data_;
};

}  // namespace spikelane
