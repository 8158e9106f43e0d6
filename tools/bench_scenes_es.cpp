// es_seed and es_randman: evolution strategies on Randman, the original's small net and the demo's.
#include <algorithm>
#include <memory>

#include "engine/config/user_error.h"
#include "engine/learning/members.h"
#include "engine/run/es_trainer.h"
#include "tasks/randman/randman.h"
#include "tasks/scenes/scenes.h"
#include "tools/bench_device.h"
#include "tools/bench_timing.h"
#include "tools/bench_trials.h"

namespace spikelane {

namespace {

RunConfig es_seed_config(bool is_quick) {
  RunConfig config;
  config.seed = 12;
  RandmanConfig& randman = config.task.randman;
  randman.n_units = 3;
  randman.dim_manifold = 2;
  randman.n_samples_per_class = is_quick ? 20 : 1000;
  randman.n_test = 0;
  config.network.n_inputs = randman.n_units;
  config.network.populations = {leaky("hidden", 4, 0.85), leaky("output", 10, 0.85)};
  ProjectionDescription first, second;
  first.from = "input";
  first.to = second.from = "hidden";
  second.to = "output";
  first.has_bias = second.has_bias = true;
  config.network.projections = {first, second};
  config.loss.logits = LogitKind::kCounts;
  EsConfig& es = config.rule.es;
  es.n_members = is_quick ? 3 : 30;
  es.antithetic = false;
  es.sigma = 1.0;
  es.batch = is_quick ? 50 : 600;
  // the original's way: a member's other tensors are drawn anew
  es.phases = {{0, {"input.hidden.weight"}}};
  es.unsearched = UnsearchedKind::kRedraw;
  return config;
}

}  // namespace

RunConfig es_randman_config() {
  RunConfig config;
  config.seed = 12;
  config.network.n_inputs = config.task.randman.n_units;
  config.network.populations = {leaky("hidden", 64, 0.99), readout("output", 10, 0.97, 0.03)};
  ProjectionDescription second = weights("hidden", "output", 0.0, 0.0);
  second.init.kind = InitKind::kZeros;
  config.network.projections = {weights("input", "hidden", -1.5, 1.5), second};
  config.loss.scale = 100.0;
  config.rule.es.batch = 256;
  config.rule.es.optimiser.lr = 0.05;
  return config;
}

std::vector<SceneResult> run_es_seed(const BenchMachine& machine) {
  const RunConfig config = es_seed_config(machine.is_quick);
  const Dataset data = make_randman(config.task.randman).train;
  const auto plan = compile_plan(config.network, config.loss, data.n_steps, machine.plan_options);
  const EsConfig& es = config.rule.es;
  const std::vector<std::int32_t> samples = first_samples(es.batch);

  // set-up, not timed: the members' weights, and the samples as the kernels read them
  const SearchSchedule schedule(es, plan->parameter_tensors());
  const std::vector<float> mean = draw_start(machine.kernels, *plan, config.seed);
  Members members(*plan, machine.kernels, es, config.seed);
  members.begin_update(mean, 0, schedule.searched_at(0));
  const std::int64_t n_block = plan->n_block_floats();
  std::vector<float> blocks(static_cast<std::size_t>(es.n_members * n_block));
  for (int member = 0; member < es.n_members; ++member)
    members.fill(member, blocks.data() + member * n_block);
  auto fill_block = [&](int member, float* block) {
    std::copy_n(blocks.data() + member * n_block, n_block, block);
  };
  const EncodedInputs inputs(*plan, data, samples);
  Evaluator evaluator(*plan, machine.kernels, machine.pool);
  TrialScores scores;

  const Repetitions times = repeat(
      machine.is_quick, [] {}, [&] { evaluator.run(es.n_members, fill_block, inputs, scores); });
  DeviceUse device(machine.kernels);
  if (device.has_device())
    device.count([&] { evaluator.run(es.n_members, fill_block, inputs, scores); });
  const CountedTrials trials =
      count_trials(machine, {config.network, config.loss, data, samples, es.n_members, fill_block});
  if (trials.losses != scores.losses)
    throw RunError("es_seed: the timed trials and those with a state differ");

  SceneResult result;
  result.scene = "es_seed";
  set_times(result, times);
  result.sample_steps_per_s = double(es.n_members) * es.batch * data.n_steps / result.seconds_min;
  result.firing_rate = trials.firing_rate;
  result.n_operations = trials.n_operations;
  compare_with_peak(result, machine.peak.gflops, "FMA peak");
  const DeviceTraffic traffic{*plan, &inputs, es.n_members, es.batch};
  device.describe(result, traffic, double(es.n_members) * es.batch * data.n_steps);
  result.state_hash = trials.state_hash;
  return {result};
}

std::vector<SceneResult> run_es_randman(const BenchMachine& machine) {
  RunConfig config = es_randman_config();
  EsConfig& es = config.rule.es;
  if (machine.is_quick) {
    config.task.randman.n_samples_per_class = 20;
    config.task.randman.n_test = 40;
    es.n_members = 8;
    es.batch = 48;
  }
  const Dataset data = make_randman(config.task.randman).train;
  std::unique_ptr<EsTrainer> trainer;
  DeviceUse device(machine.kernels);
  // every repetition is the second generation of a new run: what the first one allocates is there
  const Repetitions times = repeat(
      machine.is_quick,
      [&] {
        trainer = std::make_unique<EsTrainer>(config, machine.plan_options, machine.kernels,
                                              machine.pool, data);
        device.count([&] { trainer->update(); });
      },
      [&] { trainer->update(); });

  SceneResult result;
  result.scene = "es_randman";
  set_times(result, times);
  result.sample_steps_per_s =
      static_cast<double>(trainer->sample_steps_per_update()) / result.seconds_min;
  result.state_hash = trainer->state_hash();

  // a part of the members of the generation that comes next is counted for all
  const int n_counted = std::min(16, es.n_members);
  Members members(trainer->plan(), machine.kernels, es, config.seed);
  const SearchSchedule schedule(es, trainer->plan().parameter_tensors());
  members.begin_update(trainer->parameters(), trainer->n_updates(),
                       schedule.searched_at(trainer->n_updates()));
  Minibatches minibatches(config.seed, data.n_samples, es.batch);
  const auto batch = minibatches.at(trainer->n_updates());
  const CountedTrials trials =
      count_trials(machine, {config.network,
                             config.loss,
                             data,
                             {batch.begin(), batch.end()},
                             n_counted,
                             [&](int member, float* block) { members.fill(member, block); }});
  result.firing_rate = trials.firing_rate;
  // noise is drawn once for the members and once more, a pair at a time, for the gradient
  const auto n_parameters = static_cast<double>(trainer->plan().n_parameters());
  result.n_operations = trials.n_operations * es.n_members / n_counted +
                        n_parameters * kOperationsPerDraw * 1.5 * es.n_members;
  compare_with_peak(result, machine.peak.gflops, "FMA peak");
  const EncodedInputs inputs(trainer->plan(), data, {batch.begin(), batch.end()});
  const DeviceTraffic traffic{trainer->plan(), &inputs, es.n_members, es.batch, true};
  device.describe(result, traffic, static_cast<double>(trainer->sample_steps_per_update()));
  return {result};
}

}  // namespace spikelane
