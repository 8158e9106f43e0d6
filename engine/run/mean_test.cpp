#include "engine/run/mean_test.h"

#include <algorithm>
#include <numeric>

#include "engine/learning/sums.h"

namespace spikelane {

constexpr int kBatch = 512;  // samples whose state is kept at a time

void fill_report(Report& report, const TestScores& scores) {
  report.mean_return = scores.mean_return;
  if (scores.mean_return) {
    if (scores.n_unstable > 0) report.n_unstable = scores.n_unstable;
  } else {
    report.test_loss = scores.loss;
    report.test_accuracy = scores.accuracy;
  }
  report.firing_rate = scores.firing_rate;
}

static PlanOptions with_counts(PlanOptions options) {
  options.keeps_counts = true;
  return options;
}

MeanTest::MeanTest(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                   ThreadPool& pool, const Dataset& data)
    : plan_(compile_plan(config.network, config.loss, data.n_steps, with_counts(options))),
      kernels_(kernels),
      pool_(pool),
      data_(data) {}

TestScores MeanTest::run(std::span<const float> parameters, int n_samples,
                         const RunBatch& run_batch) {
  if (n_samples == 0 || n_samples > data_.n_samples) n_samples = data_.n_samples;
  std::vector<double> losses, all_losses;
  std::vector<std::uint8_t> is_correct;
  std::int64_t n_correct = 0;
  std::vector<double> n_spikes(static_cast<std::size_t>(plan_->view().n_populations), 0.0);
  for (int begin = 0; begin < n_samples; begin += kBatch) {
    std::vector<std::int32_t> indices(
        static_cast<std::size_t>(std::min(kBatch, n_samples - begin)));
    std::iota(indices.begin(), indices.end(), begin);
    const EncodedInputs inputs(*plan_, data_, indices);
    Simulation simulation(*plan_, kernels_, pool_, 1, inputs.n_samples(), data_.n_steps);
    simulation.set_parameters(0, parameters);
    if (run_batch)
      run_batch(simulation, inputs, begin);
    else
      simulation.run(inputs, data_.n_steps);
    simulation.score(inputs, &losses, &is_correct, nullptr);
    all_losses.insert(all_losses.end(), losses.begin(), losses.end());
    n_correct += std::accumulate(is_correct.begin(), is_correct.end(), std::int64_t{0});
    for (int p = 0; p < plan_->view().n_populations; ++p) {
      const PopulationView& population = plan_->population(p);
      if (population.model == Model::kReadout) continue;
      n_spikes[static_cast<std::size_t>(p)] += static_cast<double>(simulation.count_spikes(p));
    }
  }
  TestScores scores;
  scores.loss = tree_sum_blocks_of_8(all_losses) / n_samples;
  scores.accuracy = static_cast<double>(n_correct) / n_samples;
  for (int p = 0; p < plan_->view().n_populations; ++p) {
    const PopulationView& population = plan_->population(p);
    if (population.model == Model::kReadout) continue;
    scores.firing_rate[plan_->network().populations[static_cast<std::size_t>(p)].name] =
        n_spikes[static_cast<std::size_t>(p)] /
        (static_cast<double>(population.n) * n_samples * data_.n_steps);
  }
  return scores;
}

}  // namespace spikelane
