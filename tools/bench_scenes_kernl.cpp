// KeRNL and e-prop: one update of the sequential-MNIST net by whole trials and online, and the
// latency of one row that learns while it acts.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/learning/members.h"
#include "engine/run/kernl_trainer.h"
#include "engine/run/online_trainer.h"
#include "engine/run/simulation.h"
#include "tasks/scenes/scenes.h"
#include "tools/bench_device.h"
#include "tools/bench_latency.h"
#include "tools/bench_scenes.h"
#include "tools/bench_trials.h"

namespace spikelane {

namespace {

constexpr int kNeurons = 220, kInputs = 80, kSteps = 840, kClasses = 10;
// what threshold crossings of an MNIST image give: about 2,010 spikes in 840 steps
constexpr double kInputRate = 2010.0 / (kInputs * kSteps);

RunConfig smnist_config(int batch, KernlMode mode) {
  RunConfig config;
  PopulationDescription hidden, output;
  hidden.name = "hidden";
  hidden.model = NeuronModel::kAlif;
  hidden.n = kNeurons;
  hidden.beta = {0.951229424500714};  // 20 ms
  hidden.resistance = {20.504166};
  hidden.adaptation = {0.7};
  hidden.adaptation_decay = {0.998572448};  // 700 ms
  hidden.adaptation_scaling = AdaptationScaling::kWholeSpikes;
  output.name = "output";
  output.model = NeuronModel::kReadout;
  output.n = kClasses;
  output.beta = {0.951229424500714};
  output.gain = 0.05;
  config.network.n_inputs = kInputs;
  config.network.populations = {hidden, output};
  InitDescription init;
  init.kind = InitKind::kNormal;
  for (const auto& [from, to, std] :
       {std::tuple{"input", "hidden", 0.5}, std::tuple{"hidden", "hidden", 0.07},
        std::tuple{"hidden", "output", 0.07}}) {
    ProjectionDescription projection;
    projection.from = from;
    projection.to = to;
    init.std = std;
    projection.init = init;
    config.network.projections.push_back(projection);
  }
  config.loss.logits = LogitKind::kMean;
  config.loss.window = 28;
  config.loss.scale = 10.0;
  config.rule.kind = RuleKind::kKernl;
  config.rule.kernl.mode = mode;
  config.rule.kernl.batch = batch;
  config.rule.kernl.optimiser.lr = 1e-3;
  return config;
}

Dataset smnist_like_data(int n_samples, int n_steps) {
  return random_events({n_samples, n_steps, kInputs, kClasses, 11}, kInputRate, n_samples,
                       kInputRate);
}

// what a row's step asks for: the neuron (14 operations, 3 of them h), a row of weights forwards
// and one backwards for each event; backwards 11 operations of the filters
double operations(double n_row_steps, double firing_rate) {
  const double n_events = kInputRate * kInputs + firing_rate * kNeurons;
  return n_row_steps * kNeurons * (14.0 + 11.0 + 2.0 * n_events);
}

// what must go through device memory at least once: by trials h of each step, written forwards and
// read backwards; online traces (fast, slow, read), in and out with each block of K steps; of each
// part of 8 rows the gradient likewise
double learning_bytes(const Plan& plan, const KernlConfig& rule, int n_steps) {
  const double n_rows = rule.batch, n_parts = std::ceil(n_rows / 8.0);
  const auto n_block = static_cast<double>(plan.n_block_floats());
  if (rule.mode == KernlMode::kTrial)
    return 2.0 * 4.0 * (n_rows * n_steps * plan.population(0).n_padded + n_parts * n_block);
  const double n_blocks = std::ceil(static_cast<double>(n_steps) / rule.k_steps);
  return 2.0 * 4.0 * n_blocks * n_block * (3.0 * n_rows + n_parts);
}

template <class AnyTrainer>
SceneResult measure_updates(const BenchMachine& machine, const char* name, int full_batch,
                            KernlMode mode) {
  const int n_steps = machine.is_quick ? 42 : kSteps;
  const int batch = machine.is_quick ? full_batch / 16 : full_batch;
  const RunConfig config = smnist_config(batch, mode);
  const Dataset data = smnist_like_data(batch, n_steps);
  const int n_updates = machine.is_quick ? 1 : 3;
  std::unique_ptr<AnyTrainer> trainer;
  restart_peak_memory();
  const Repetitions times = repeat(
      machine.is_quick,
      [&] {
        trainer = std::make_unique<AnyTrainer>(config, machine.plan_options, machine.kernels,
                                               machine.pool, data);
        trainer->update();
      },
      [&] {
        for (int i = 0; i < n_updates; ++i) trainer->update();
      });
  SceneResult result;
  result.scene = std::string(name) + "_b" + std::to_string(full_batch);
  set_times(result,
            {times.seconds_min / n_updates, times.seconds_median / n_updates, times.n_repeats});
  result.sample_steps_per_s = static_cast<double>(batch) * n_steps / result.seconds_min;
  result.resident_mib = peak_memory_mib();
  result.firing_rate = trainer->firing_rate();
  result.n_operations = operations(static_cast<double>(batch) * n_steps, *result.firing_rate);
  compare_with_peak(result, machine.peak.gflops, "FMA peak");
  result.state_hash = trainer->state_hash();
  DeviceUse device(machine.kernels);
  if (device.has_device()) device.count([&] { trainer->update(); });
  const std::vector<std::int32_t> samples = first_samples(batch);
  const EncodedInputs inputs(trainer->plan(), data, samples);
  DeviceTraffic traffic{trainer->plan(), &inputs, 1, batch};
  traffic.n_learning_bytes = learning_bytes(trainer->plan(), config.rule.kernl, n_steps);
  device.describe(result, traffic, static_cast<double>(batch) * n_steps);
  return result;
}

double count_spikes(const Plan& plan, const State& state) {
  double n = 0.0;
  for (float count : state.gather_floats(plan.population(0).at.n_spikes, plan.population(0).n))
    n += static_cast<double>(count);
  return n;
}

/// One row that learns: inputs of a fixed sample over and over, a fixed error at each step.
class LearningRow {
 public:
  LearningRow(const BenchMachine& machine, ThreadPool& alone, int n_steps, int k_steps)
      : config_(with_k(k_steps)),
        plan_(compile_plan(config_.network, config_.loss, n_steps, for_learning({}, true))),
        rule_(*plan_, machine.kernels, config_.rule.kernl, 1),
        learner_(*plan_, rule_, config_.rule.kernl, machine.kernels, alone, 1),
        block_(static_cast<std::size_t>(plan_->n_block_floats()) * sizeof(float)),
        error_(kNeurons, 1e-3f) {
    const std::vector<float> start = draw_start(machine.kernels, *plan_, 1);
    plan_->fill_block(start.data(), reinterpret_cast<float*>(block_.data()));
  }
  void reset() { learner_.reset(); }
  void step(std::span<const float> x) {
    learner_.step(reinterpret_cast<const float*>(block_.data()), x, error_);
  }
  std::string hash() const { return hash_state(*plan_, learner_.state()); }
  double n_spikes() const { return count_spikes(*plan_, learner_.state()); }

 private:
  static RunConfig with_k(int k_steps) {
    RunConfig config = smnist_config(1, KernlMode::kOnline);
    config.rule.kernl.k_steps = k_steps;
    return config;
  }

  RunConfig config_;
  std::unique_ptr<const Plan> plan_;
  KernlRule rule_;
  KernlOnline learner_;
  AlignedMemory block_;
  std::vector<float> error_;
};

/// The same row without learning.
class ActingRow {
 public:
  ActingRow(const BenchMachine& machine, ThreadPool& alone, int n_steps)
      : config_(smnist_config(1, KernlMode::kTrial)),
        plan_(compile_plan(config_.network, config_.loss, n_steps, for_learning({}, true))),
        simulation_(*plan_, machine.kernels, alone, 1, 1, 1) {
    simulation_.set_parameters(0, draw_start(machine.kernels, *plan_, 1));
  }
  void reset() { simulation_.reset(); }
  void step(std::span<const float> x) { simulation_.step(x); }
  std::string hash() const { return hash_state(*plan_, simulation_.state()); }
  double n_spikes() const { return count_spikes(*plan_, simulation_.state()); }

 private:
  RunConfig config_;
  std::unique_ptr<const Plan> plan_;
  Simulation simulation_;
};

template <class Row>
SceneResult measure_row(const BenchMachine& machine, const char* name, Row& row, int n_steps) {
  const Dataset data = smnist_like_data(1, n_steps);
  std::vector<float> frames(static_cast<std::size_t>(n_steps) * kInputs, 0.0f);
  for (const InputEvent& event : data.events)
    frames[static_cast<std::size_t>(event.step) * kInputs + static_cast<std::size_t>(event.unit)] =
        1.0f;
  int t = 0;
  const CallTimes calls = time_calls(
      machine.is_quick, n_steps,
      [&] {
        row.reset();
        t = 0;
      },
      [&] {
        row.step(std::span(frames).subspan(static_cast<std::size_t>(t++) * kInputs, kInputs));
      });
  SceneResult result;
  result.scene = name;
  set_latency(result, calls, n_steps);
  result.firing_rate = row.n_spikes() / kNeurons / n_steps;
  result.n_operations = operations(n_steps, *result.firing_rate);
  compare_with_peak(result, machine.peak.gflops_one_thread, "FMA peak of one thread");
  result.state_hash = row.hash();
  return result;
}

}  // namespace

std::vector<SceneResult> run_smnist_trial(const BenchMachine& machine) {
  return {measure_updates<KernlTrainer>(machine, "smnist_trial", 32, KernlMode::kTrial),
          measure_updates<KernlTrainer>(machine, "smnist_trial", 256, KernlMode::kTrial)};
}

std::vector<SceneResult> run_smnist_online(const BenchMachine& machine) {
  return {measure_updates<OnlineTrainer>(machine, "smnist_online", 32, KernlMode::kOnline),
          measure_updates<OnlineTrainer>(machine, "smnist_online", 256, KernlMode::kOnline)};
}

std::vector<SceneResult> run_online_latency(const BenchMachine& machine) {
  const int n_steps = machine.is_quick ? 200 : 20'000;
  ThreadPool alone(1);
  std::vector<SceneResult> results;
  for (const int k : {32, 64}) {
    LearningRow row(machine, alone, n_steps, k);
    results.push_back(
        measure_row(machine, ("online_latency_k" + std::to_string(k)).c_str(), row, n_steps));
  }
  ActingRow row(machine, alone, n_steps);
  results.push_back(measure_row(machine, "online_latency_acting", row, n_steps));
  return results;
}

}  // namespace spikelane
