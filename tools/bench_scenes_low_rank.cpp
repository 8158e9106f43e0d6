// low_rank_ec and low_rank_784: a whole generation with noise on every weight, and with noise of
// rank 1 and 4 in its place: its time, and the numbers that a member brings.
#include <algorithm>

#include "engine/config/user_error.h"
#include "engine/learning/members.h"
#include "engine/run/es_trainer.h"
#include "engine/run/evaluator.h"
#include "tasks/scenes/scenes.h"
#include "tools/bench_device.h"
#include "tools/bench_scenes.h"
#include "tools/bench_timing.h"
#include "tools/bench_trials.h"

namespace spikelane {

namespace {

/// 784-1024-10, of which hidden neurons fire in 1 or 2 of 100 steps.
RunConfig wide_config(int n_members, int n_hidden, int batch) {
  RunConfig config;
  config.seed = 12;
  config.network.n_inputs = 784;
  config.network.populations = {leaky("hidden", n_hidden, 0.9), readout("output", 10, 0.9, 0.1)};
  for (const auto& [from, to, std] :
       {std::tuple{"input", "hidden", 0.045}, std::tuple{"hidden", "output", 0.1}}) {
    ProjectionDescription projection;
    projection.from = from;
    projection.to = to;
    projection.init.kind = InitKind::kNormal;
    projection.init.std = std;
    config.network.projections.push_back(projection);
  }
  config.rule.es.n_members = n_members;
  config.rule.es.batch = batch;
  config.rule.es.sigma = 0.02;
  return config;
}

/// Drawing members and gradient, and what the gradient's sums and the noise of low rank ask for
/// beside the trials.
double n_operations_of_noise(const Plan& plan, const EsConfig& es) {
  const double n_draws = es.antithetic ? es.n_members / 2 : es.n_members;
  double n_operations = 0.0;
  for (const TensorPlan& tensor : plan.tensors()) {
    const double n_entries = double(tensor.n_rows) * tensor.n_columns;
    const bool has_factors = plan.rank() > 0 && !tensor.is_bias;
    const double n_normals =
        has_factors ? double(plan.rank()) * (tensor.n_rows + tensor.n_columns) : n_entries;
    // a product and a sum for each entry, and rank; of low rank once more the coefficient
    const double n_sums =
        has_factors ? plan.rank() * (2.0 * n_entries + tensor.n_rows) : 2.0 * n_entries;
    n_operations += (es.n_members + n_draws) * n_normals * kOperationsPerDraw + n_draws * n_sums;
  }
  return n_operations;
}

SceneResult run_generation(const BenchMachine& machine, const std::string& name,
                           const RunConfig& config, const Dataset& data) {
  const EsConfig& es = config.rule.es;
  restart_peak_memory();
  EsTrainer trainer(config, machine.plan_options, machine.kernels, machine.pool, data);
  // every repetition is the second generation: what the first one allocates is there
  trainer.update();
  StateSaver saver;
  trainer.visit_state(saver);
  const std::vector<Tensor> state = saver.take();
  const auto restore = [&] {
    StateRestorer restorer(state, name);
    trainer.visit_state(restorer);
    restorer.finish();
  };
  SceneResult result;
  result.scene = name;
  set_times(result, repeat(machine.is_quick, restore, [&] { trainer.update(); }));
  result.resident_mib = peak_memory_mib();
  result.sample_steps_per_s =
      static_cast<double>(trainer.sample_steps_per_update()) / result.seconds_min;
  result.state_hash = trainer.state_hash();
  result.member_bytes = static_cast<double>(trainer.plan().n_block_floats()) * sizeof(float);

  DeviceUse device(machine.kernels);
  if (device.has_device()) {
    restore();
    device.count([&] { trainer.update(); });
  }

  // a part of the members of that generation is counted for all
  restore();
  const int n_counted = std::min(16, es.n_members);
  const auto plan = compile_plan(config.network, config.loss, data.n_steps,
                                 for_members(machine.plan_options, es));
  Members members(*plan, machine.kernels, es, config.seed);
  const SearchSchedule schedule(es, plan->parameter_tensors());
  const std::int64_t update = trainer.n_updates();
  members.begin_update(trainer.parameters(), update, schedule.searched_at(update));
  Minibatches minibatches(config.seed, data.n_samples, es.batch);
  const auto batch = minibatches.at(update);
  const CountedTrials trials =
      count_trials(machine, {config.network,
                             config.loss,
                             data,
                             {batch.begin(), batch.end()},
                             n_counted,
                             [&](int member, float* block) { members.fill(member, block); },
                             plan->rank(),
                             members.shared()});
  TrialScores scores;
  scores.losses.resize(trials.losses.size());
  scores.is_correct.resize(trials.losses.size());
  Evaluator(*plan, machine.kernels, machine.pool)
      .run(0, n_counted, members, EncodedInputs(*plan, data, batch), scores);
  if (trials.losses != scores.losses)
    throw RunError(name + ": the trials and those with a state differ");
  result.firing_rate = trials.firing_rate;
  result.n_operations =
      trials.n_operations * es.n_members / n_counted + n_operations_of_noise(*plan, es);
  compare_with_peak(result, machine.peak.gflops, "FMA peak");
  const EncodedInputs inputs(*plan, data, batch);
  device.describe(result, {*plan, &inputs, es.n_members, inputs.n_samples(), true},
                  static_cast<double>(trainer.sample_steps_per_update()));
  return result;
}

std::vector<SceneResult> run_ranks_of_noise(const BenchMachine& machine, const std::string& scene,
                                            RunConfig config, const Dataset& data) {
  std::vector<SceneResult> results{run_generation(machine, scene + "_full", config, data)};
  config.rule.es.noise = EsNoiseKind::kLowRank;
  for (const int rank : {1, 4}) {
    config.rule.es.rank = rank;
    results.push_back(
        run_generation(machine, scene + "_rank_" + std::to_string(rank), config, data));
  }
  return results;
}

}  // namespace

std::vector<SceneResult> run_low_rank_ec(const BenchMachine& machine) {
  return run_ranks_of_noise(machine, "low_rank_ec", ec_shape_config(machine.is_quick ? 8 : 10240),
                            ec_shape_sample(machine.kernels));
}

std::vector<SceneResult> run_low_rank_784(const BenchMachine& machine) {
  const int n_samples = machine.is_quick ? 4 : 16;
  return run_ranks_of_noise(
      machine, "low_rank_784",
      wide_config(machine.is_quick ? 8 : 128, machine.is_quick ? 100 : 1024, n_samples),
      random_events({n_samples, machine.is_quick ? 20 : 50, 784, 10, 12}, 0.05, n_samples, 0.05));
}

}  // namespace spikelane
