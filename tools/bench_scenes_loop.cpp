// closed_loop: members and environments stepped together in one call, and what part of the time the
// environments take.
#include <algorithm>
#include <filesystem>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "engine/learning/members.h"
#include "engine/run/episode_trials.h"
#include "engine/state/hash.h"
#include "kernels/cuda/cuda_library.h"
#include "tasks/control/control_task.h"
#include "tasks/control/environments.h"
#include "tasks/mujoco/mujoco_task.h"
#include "tools/bench_device.h"
#include "tools/bench_scenes.h"

namespace spikelane {
namespace {

constexpr int kMaxState = 512;
constexpr int kMaxObservations = 256;

/// An environment whose steps are taken twice, the first time on a copy that is thrown away: the
/// difference in time is what its steps cost, without a clock inside.
TaskPort stepped_twice(const TaskPort& inner) {
  TaskPort port = inner;
  port.model = &inner;
  port.reset = [](const TaskPort& outer, void* world, const RandomKey& key, double* state,
                  float* observation) {
    const auto& real = *static_cast<const TaskPort*>(outer.model);
    real.reset(real, world, key, state, observation);
  };
  port.step = [](const TaskPort& outer, void* world, const float* action, double* state,
                 float* observation) {
    const auto& real = *static_cast<const TaskPort*>(outer.model);
    double copy[kMaxState];
    float seen[kMaxObservations];
    std::copy_n(state, real.n_state, copy);
    real.step(real, world, action, copy, seen);
    return real.step(real, world, action, state, observation);
  };
  if (inner.make_world)
    port.make_world = [](const TaskPort& outer) {
      const auto& real = *static_cast<const TaskPort*>(outer.model);
      return real.make_world(real);
    };
  return port;
}

/// A loop of 32 recurrent neurons, as configs/cartpole_es.json has it.
RunConfig loop_config(int n_inputs, int n_outputs, int n_members) {
  const std::string text = R"({"task": {"kind": "cartpole"}, "network": {"populations": [
      {"name": "hidden", "model": "leaky", "n": 32, "beta": 0.8},
      {"name": "output", "model": "readout", "n": )" +
                           std::to_string(n_outputs) + R"(, "beta": 0.8}],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "normal", "std": 0.3}},
      {"from": "hidden", "to": "hidden", "init": {"kind": "normal", "std": 0.1}},
      {"from": "hidden", "to": "output", "init": {"kind": "normal", "std": 0.3}}]},
    "rule": {"kind": "es", "n_members": )" +
                           std::to_string(n_members) + R"(, "sigma": 0.1}})";
  RunConfig config = parse_config(text, "closed_loop");
  config.network.n_inputs = n_inputs;
  return config;
}

struct LoopJob {
  std::string name;
  int n_members, n_episodes;
  ControlConfig control;
  TaskPort port;
  DrawState draw;
  int built_in;  // its number, or 0
};

class TimedLoop {
 public:
  TimedLoop(const BenchMachine& machine, const LoopJob& job, const TaskPort& port, bool counts)
      : job_(job),
        loop_(job.control, port, job.draw),
        config_(loop_config(loop_.n_inputs(), loop_.n_outputs(), job.n_members)),
        plan_(
            compile_plan(config_.network, config_.loss, loop_.n_steps(), options(machine, counts))),
        cuda_(job.built_in != 0 ? cuda_of(machine.kernels) : nullptr),
        runner_(*plan_, loop_, machine.kernels, machine.pool),
        members_(*plan_, machine.kernels, config_.rule.es, config_.seed),
        mean_(draw_start(machine.kernels, *plan_, config_.seed)),
        schedule_(config_.rule.es, plan_->parameter_tensors()) {
    members_.begin_update(mean_, 0, schedule_.searched_at(0));
  }

  void run() {
    const RandomKey key{config_.seed, 0, 0, Stream::kEnvironment, 0};
    if (cuda_)
      run_on_device(key);
    else
      runner_.run(
          0, job_.n_members, [&](int member, float* block) { members_.fill(member, block); },
          job_.n_episodes, key, scores_);
  }

  bool is_on_device() const { return cuda_ != nullptr; }
  const EpisodeScores& scores() const { return scores_; }
  const Plan& plan() const { return *plan_; }
  const ClosedLoop& loop() const { return loop_; }

 private:
  void run_on_device(const RandomKey& key) {
    if (!device_) {
      device_ = std::make_unique<DeviceTrials>(*cuda_, *plan_, job_.n_members, job_.n_episodes,
                                               loop_.view().control_steps, false, true,
                                               &loop_.view(), job_.built_in);
      device_->set_members(members_);
    }
    device_->run_episodes(0, key);
    read_episodes(*device_, scores_);
  }

  static PlanOptions options(const BenchMachine& machine, bool counts) {
    PlanOptions options = machine.plan_options;
    options.keeps_counts = counts;
    return options;
  }

  const LoopJob& job_;
  ClosedLoop loop_;
  RunConfig config_;
  std::unique_ptr<const Plan> plan_;
  const CudaFunctions* cuda_;
  EpisodeRunner runner_;
  Members members_;
  std::vector<float> mean_;
  SearchSchedule schedule_;
  EpisodeScores scores_;
  std::unique_ptr<DeviceTrials> device_;
};

SceneResult measure(const BenchMachine& machine, const LoopJob& job) {
  if (job.port.n_state > kMaxState || job.port.n_observations > kMaxObservations)
    throw RunError("closed_loop: a larger environment than the scene has room for");
  TimedLoop once(machine, job, job.port, false), counted(machine, job, job.port, true);
  TimedLoop twice(machine, job, stepped_twice(job.port), false);
  // a device has environments of its own, which take no step twice
  const bool is_on_device = once.is_on_device();
  const std::vector<TimedLoop*> timed =
      is_on_device ? std::vector{&once} : std::vector{&once, &twice};
  // the two alternate, so that a busy neighbour meets both
  std::vector<double> seconds[2];
  const int n_repeats = machine.is_quick ? kMinRepeats : 2 * kMinRepeats;
  for (TimedLoop* loop : timed) loop->run();
  for (int i = 0; i < n_repeats; ++i)
    for (std::size_t k = 0; k < timed.size(); ++k)
      seconds[k].push_back(seconds_of([&] { timed[k]->run(); }));
  DeviceUse device(machine.kernels);
  if (is_on_device) device.count([&] { once.run(); });
  counted.run();
  for (const TimedLoop* loop : timed)
    if (loop->scores().returns != counted.scores().returns)
      throw RunError("closed_loop: the timed loops and the counted one differ");

  SceneResult result;
  result.scene = job.name;
  Repetitions times = summarise(seconds[0]);
  times.n_repeats = n_repeats;
  set_times(result, times);
  const auto n_env_steps = static_cast<double>(once.scores().n_control_steps());
  const double n_steps = n_env_steps * job.control.control_steps;
  result.sample_steps_per_s = n_steps / times.seconds_min;
  result.env_steps_per_s = n_env_steps / times.seconds_min;
  if (!is_on_device)
    result.physics_share =
        std::clamp(summarise(seconds[1]).seconds_min / times.seconds_min - 1.0, 0.0, 1.0);
  const PopulationView& hidden = counted.plan().population(0);
  double n_spikes = 0.0;
  for (const std::int64_t n : counted.scores().n_spikes) n_spikes += static_cast<double>(n);
  result.firing_rate = n_spikes / (hidden.n * n_steps);
  // leaky neurons and the sum of two projections, dense inputs by fma, two rows a spike
  const int n_inputs = counted.loop().n_inputs(), n_outputs = counted.loop().n_outputs();
  result.n_operations =
      n_steps * (5.0 * hidden.n + 2.0 * n_inputs * hidden.n) + n_spikes * (hidden.n + n_outputs);
  compare_with_peak(result, machine.peak.gflops, "FMA peak");
  if (is_on_device)
    device.describe(result, {once.plan(), nullptr, job.n_members, job.n_episodes, true}, n_steps);
  StateHash hash;
  hash.add(std::span<const double>(counted.scores().returns));
  hash.add(std::span<const std::int32_t>(counted.scores().lengths));
  for (const std::int64_t n : counted.scores().n_spikes) hash.add(static_cast<std::uint64_t>(n));
  result.state_hash = hash.text();
  return result;
}

// beside the sources, from the working folder or from the program in its build folder
std::filesystem::path hopper_file() {
  const std::filesystem::path model = "tasks/mujoco/models/hopper.xml";
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const auto& folder : {std::filesystem::path("."), program.parent_path() / "../.."})
    if (std::filesystem::exists(folder / model, error)) return folder / model;
  return {};
}

}  // namespace

std::vector<SceneResult> run_closed_loop(const BenchMachine& machine) {
  std::vector<SceneResult> results;
  ControlConfig balancing;
  balancing.control_steps = 2;
  balancing.observation.coding = ObservationKind::kGaussian;
  balancing.observation.low = {-2.4, -2.0, -0.2, -2.0};
  balancing.observation.high = {2.4, 2.0, 0.2, 2.0};
  const LoopJob cartpole{
      "closed_loop_cartpole", machine.is_quick ? 8 : 256,          16, balancing, cartpole_port(),
      draw_cartpole,          static_cast<int>(BuiltIn::kCartpole)};
  results.push_back(measure(machine, cartpole));
  const std::filesystem::path file = hopper_file();
  if (!has_mujoco() || file.empty()) return results;
  MujocoConfig world;
  world.body = "torso";
  world.physics_steps = 5;
  ControlConfig control;
  control.control_steps = 2;
  control.max_steps = 100;
  control.observation.coding = ObservationKind::kRates;
  const auto hopper = load_mujoco(world, control, file);
  const LoopJob job{"closed_loop_hopper",
                    machine.is_quick ? 2 : 32,
                    16,
                    control,
                    hopper->view().port,
                    hopper->draw(),
                    0};
  results.push_back(measure(machine, job));
  return results;
}

}  // namespace spikelane
