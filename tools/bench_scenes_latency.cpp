// latency: one row of a recurrent net in a closed loop, one step a call, as a robot's controller
// runs. The net of floor/w4floor.cpp: the same neurons, the same weights from the same generator.
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/config/user_error.h"
#include "engine/run/simulation.h"
#include "tasks/scenes/scenes.h"
#include "tools/bench_device.h"
#include "tools/bench_latency.h"
#include "tools/bench_scenes.h"
#include "tools/latency_net.h"

namespace spikelane {

namespace {

constexpr int kInputs = LatencyNet::kInputs, kOutputs = LatencyNet::kOutputs;

/// The net, its state and the world around it: what the outputs do to the inputs.
class ClosedLoop {
 public:
  ClosedLoop(const LatencyNet& net, const BenchMachine& machine, ThreadPool& pool, int n_steps,
             bool keeps_counts)
      : net_(net),
        plan_(compile_plan(net.network, LossConfig{}, n_steps, options(machine, keeps_counts))),
        simulation_(*plan_, machine.kernels, pool, 1, 1, 1) {
    simulation_.set_parameters(0, net.parameters);
  }

  void reset() { simulation_.reset(); }
  void feel() {
    // where the state is on a device, this brings it
    const char* tile = simulation_.state().tiles(0);
    const auto* outputs = reinterpret_cast<const float*>(tile + plan_->output().at.v);
    net_.feel(outputs, plan_->lanes_per_tile(), inputs_.data());
  }
  void step() { simulation_.step(inputs_); }

  const Simulation& simulation() const { return simulation_; }
  const Plan& plan() const { return *plan_; }

 private:
  static PlanOptions options(const BenchMachine& machine, bool keeps_counts) {
    PlanOptions options = machine.plan_options;
    options.keeps_counts = keeps_counts;
    return options;
  }

  const LatencyNet& net_;
  std::unique_ptr<const Plan> plan_;
  Simulation simulation_;
  std::array<float, kInputs> inputs_{};
};

SceneResult measure_latency(const BenchMachine& machine, int n) {
  const int n_steps = machine.is_quick ? 200 : 20'000;
  const LatencyNet net = make_latency_net(n);
  ThreadPool alone(1);
  ClosedLoop loop(net, machine, alone, n_steps, false);

  const CallTimes calls = time_calls(
      machine.is_quick, n_steps, [&] { loop.reset(); }, [&] { loop.step(); }, [&] { loop.feel(); });

  ClosedLoop counted(net, machine, alone, n_steps, true);
  DeviceUse device(machine.kernels);
  device.count([&] {
    for (int t = 0; t < n_steps; ++t) {
      counted.feel();
      counted.step();
    }
  });
  const PopulationView& hidden = counted.plan().population(0);
  const auto v_of = [](const ClosedLoop& it) {
    const PopulationView& population = it.plan().population(0);
    return it.simulation().state().gather_floats(population.at.v, population.n);
  };
  if (v_of(loop) != v_of(counted))
    throw RunError("latency: the timed net and the counted one differ");
  double n_spikes = 0.0;
  for (float count : counted.simulation().state().gather_floats(hidden.at.n_spikes, n))
    n_spikes += count;

  SceneResult result;
  result.scene = "latency_" + std::to_string(n);
  set_latency(result, calls, n_steps);
  result.firing_rate = n_spikes / n / n_steps;
  // leaky neurons, the sum of two projections, dense inputs by fma, a row and a readout row a spike
  result.n_operations = n_steps * (5.0 * n + 2.0 * kInputs * n) + n_spikes * (n + kOutputs);
  compare_with_peak(result, machine.peak.gflops_one_thread, "FMA peak of one thread");
  DeviceTraffic traffic{loop.plan()};
  traffic.scores = false;
  traffic.keeps_state = true;
  device.describe(result, traffic, n_steps, n_steps);
  result.state_hash = hash_state(counted.plan(), counted.simulation().state());
  return result;
}

}  // namespace

std::vector<SceneResult> run_latency(const BenchMachine& machine) {
  return {measure_latency(machine, 64), measure_latency(machine, 256)};
}

}  // namespace spikelane
