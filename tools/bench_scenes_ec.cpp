// ec_shape and ec_shape_drawn: the shape of an evolved controller, 256 recurrent neurons with own
// weights for each member, one sample, 33 steps. In the first the weights are drawn in the run.
#include <algorithm>
#include <memory>

#include "engine/config/user_error.h"
#include "engine/learning/members.h"
#include "engine/run/evaluator.h"
#include "engine/run/simulation.h"
#include "tasks/scenes/scenes.h"
#include "tools/bench_device.h"
#include "tools/bench_timing.h"
#include "tools/bench_trials.h"

namespace spikelane {

namespace {

constexpr int kInputs = 27, kNeurons = 256, kOutputs = 8, kSteps = 33;
constexpr std::uint64_t kSeed = 12;
// chosen so that neurons fire as often as those of w3floor, in 4 of 100 steps
constexpr double kInputRate = 0.15, kInputSigma = 0.136, kRecurrentSigma = 0.05;

}  // namespace

RunConfig ec_shape_config(int n_members) {
  RunConfig config;
  config.seed = kSeed;
  config.network.n_inputs = kInputs;
  config.network.populations = {leaky("hidden", kNeurons, 0.95),
                                readout("output", kOutputs, 0.95, 1.0)};
  for (const auto& [from, to] :
       {std::pair{"input", "hidden"}, {"hidden", "hidden"}, {"hidden", "output"}}) {
    ProjectionDescription projection;
    projection.from = from;
    projection.to = to;
    projection.init.kind = InitKind::kZeros;
    config.network.projections.push_back(projection);
  }
  EsConfig& es = config.rule.es;
  es.n_members = n_members;
  es.antithetic = false;
  es.sigma = kRecurrentSigma;
  es.sigma_of["input.hidden.weight"] = kInputSigma;
  return config;
}

Dataset ec_shape_sample(const KernelTable& kernels) {
  Dataset data;
  data.n_samples = 1;
  data.n_steps = kSteps;
  data.n_inputs = kInputs;
  data.labels = {0};
  std::vector<float> uniforms(kSteps * kInputs);
  kernels.draw_uniforms(uniforms.data(), 0, kSteps * kInputs,
                        RandomKey{kSeed, 0, 0, Stream::kInput, 0});
  for (int i = 0; i < kSteps * kInputs; ++i)
    if (uniforms[static_cast<std::size_t>(i)] < kInputRate)
      data.events.push_back({i / kInputs, i % kInputs});
  data.offsets = {0, static_cast<std::int64_t>(data.events.size())};
  return data;
}

namespace {

/// A job of either scene: net, sample and members with mean zero.
class EcJob {
 public:
  EcJob(const BenchMachine& machine, int n_members)
      : machine_(machine),
        config_(ec_shape_config(n_members)),
        data_(ec_shape_sample(machine.kernels)),
        plan_(compile_plan(config_.network, config_.loss, kSteps, machine.plan_options)),
        mean_(static_cast<std::size_t>(plan_->n_parameters()), 0.0f),
        members_(*plan_, machine.kernels, config_.rule.es, kSeed),
        inputs_(*plan_, data_, std::vector<std::int32_t>{0}) {
    const SearchSchedule schedule(config_.rule.es, plan_->parameter_tensors());
    members_.begin_update(mean_, 0, schedule.searched_at(0));
  }

  int n_members() const { return config_.rule.es.n_members; }
  const Plan& plan() const { return *plan_; }
  const EncodedInputs& inputs() const { return inputs_; }
  const Members& members() const { return members_; }
  void fill(int member, float* block) const { members_.fill(member, block); }

  CountedTrials count() const {
    return count_trials(
        machine_,
        {config_.network, config_.loss, data_, {0}, n_members(), [this](int member, float* block) {
           fill(member, block);
         }});
  }

  SceneResult start_result(const char* scene, const Repetitions& times,
                           const CountedTrials& trials) const {
    SceneResult result;
    result.scene = scene;
    set_times(result, times);
    result.sample_steps_per_s = double(n_members()) * kSteps / times.seconds_min;
    result.firing_rate = trials.firing_rate;
    result.state_hash = trials.state_hash;
    return result;
  }

 private:
  const BenchMachine& machine_;
  RunConfig config_;
  Dataset data_;
  std::unique_ptr<const Plan> plan_;
  std::vector<float> mean_;
  Members members_;
  EncodedInputs inputs_;
};

/// Drawing alone, into a buffer that stays in the cache.
double measure_normals_per_s(const BenchMachine& machine) {
  constexpr int kBuffer = 1 << 16, kRounds = 50;
  std::vector<std::vector<float>> buffers(static_cast<std::size_t>(machine.pool.n_threads()),
                                          std::vector<float>(kBuffer));
  const int n_items = 8 * machine.pool.n_threads(), n_rounds = machine.is_quick ? 1 : kRounds / 8;
  const Repetitions times = repeat(
      true, [] {},
      [&] {
        machine.pool.for_each(n_items, [&](std::int64_t item, int thread) {
          for (int round = 0; round < n_rounds; ++round)
            machine.kernels.draw_normals(
                buffers[static_cast<std::size_t>(thread)].data(), 0, kBuffer,
                RandomKey{kSeed, static_cast<std::uint32_t>(round), 0, Stream::kNoise,
                          static_cast<std::uint32_t>(item)});
        });
      });
  return double(n_items) * n_rounds * kBuffer / times.seconds_min;
}

}  // namespace

std::vector<SceneResult> run_ec_shape(const BenchMachine& machine) {
  const EcJob job(machine, machine.is_quick ? 24 : 10240);
  Evaluator evaluator(job.plan(), machine.kernels, machine.pool);
  TrialScores scores;
  scores.losses.resize(static_cast<std::size_t>(job.n_members()));
  scores.is_correct.resize(scores.losses.size());
  const auto run = [&] { evaluator.run(0, job.n_members(), job.members(), job.inputs(), scores); };
  const Repetitions times = repeat(
      machine.is_quick, [] {}, run);
  DeviceUse device(machine.kernels);
  if (device.has_device()) device.count(run);
  const CountedTrials trials = job.count();
  if (trials.losses != scores.losses)
    throw RunError("ec_shape: the timed trials and those with a state differ");

  SceneResult result = job.start_result("ec_shape", times, trials);
  const double n_normals = double(job.n_members()) * double(job.plan().n_parameters());
  result.n_operations = trials.n_operations + n_normals * kOperationsPerDraw;
  compare_with_peak(result, machine.peak.gflops, "FMA peak");
  const DeviceTraffic traffic{job.plan(), &job.inputs(), job.n_members(), 1, true};
  device.describe(result, traffic, double(job.n_members()) * kSteps);
  result.normals_per_s = n_normals / times.seconds_min;
  result.normals_per_s_alone = measure_normals_per_s(machine);
  return {result};
}

std::vector<SceneResult> run_ec_shape_drawn(const BenchMachine& machine) {
  const EcJob job(machine, machine.is_quick ? 24 : 512);
  Simulation simulation(job.plan(), machine.kernels, machine.pool, job.n_members(), 1, kSteps);
  std::vector<float> block(static_cast<std::size_t>(job.plan().n_block_floats()));
  std::vector<float> logical(static_cast<std::size_t>(job.plan().n_parameters()));
  for (int member = 0; member < job.n_members(); ++member) {
    job.fill(member, block.data());
    job.plan().read_block(block.data(), logical.data());
    simulation.set_parameters(member, logical);
  }
  const Repetitions times = repeat(
      machine.is_quick, [&] { simulation.reset(); }, [&] { simulation.run(job.inputs(), kSteps); });
  DeviceUse device(machine.kernels);
  if (device.has_device()) {
    simulation.reset();
    device.count([&] { simulation.run(job.inputs(), kSteps); });
  }
  const CountedTrials trials = job.count();
  std::vector<double> losses;
  std::vector<std::uint8_t> is_correct;
  simulation.score(job.inputs(), &losses, &is_correct, nullptr);
  if (trials.losses != losses)
    throw RunError("ec_shape_drawn: the timed trials and those counted differ");

  SceneResult result = job.start_result("ec_shape_drawn", times, trials);
  result.n_operations = trials.n_operations;
  result.n_bytes = trials.n_weight_bytes;
  result.bound = "memory bandwidth";
  result.bound_share =
      trials.n_weight_bytes / times.seconds_min * 1e-9 / machine.peak.bandwidth_gb_s;
  DeviceTraffic traffic{job.plan(), &job.inputs(), job.n_members()};
  traffic.scores = false;
  traffic.keeps_state = true;
  device.describe(result, traffic, double(job.n_members()) * kSteps);
  return {result};
}

}  // namespace spikelane
