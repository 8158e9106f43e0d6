// Delays: a net that hears its input late is, bit for bit, a net without delays whose inputs were
// shifted by hand; the kernels agree with the twin; what delays cannot be is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>

#include "tests/run/kernl_cases.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

const std::vector<int> kDelays{7, 3, 0};  // the largest first: the order of the sums

// inputs (K * I): block k holds the trains k delays late
Net shifted_by_hand(const Net& net) {
  Net copied = net;
  copied.network.n_inputs = kInputs * static_cast<int>(kDelays.size());
  copied.data.n_inputs = copied.network.n_inputs;
  copied.data.events.clear();
  for (std::size_t sample = 0; sample + 1 < net.data.offsets.size(); ++sample) {
    std::vector<InputEvent> events;
    for (std::size_t k = 0; k < kDelays.size(); ++k)
      for (auto i = net.data.offsets[sample]; i < net.data.offsets[sample + 1]; ++i) {
        InputEvent event = net.data.events[static_cast<std::size_t>(i)];
        event.step += kDelays[k];
        event.unit += static_cast<int>(k) * kInputs;
        if (event.step < kSteps) events.push_back(event);
      }
    std::sort(events.begin(), events.end(), [](const InputEvent& a, const InputEvent& b) {
      return std::tie(a.step, a.unit) < std::tie(b.step, b.unit);
    });
    copied.data.offsets[sample] = static_cast<std::int64_t>(copied.data.events.size());
    copied.data.events.insert(copied.data.events.end(), events.begin(), events.end());
  }
  copied.data.offsets.back() = static_cast<std::int64_t>(copied.data.events.size());
  return copied;
}

}  // namespace

TEST_CASE("delays: e-prop through delays is e-prop on trains shifted by hand, bit for bit") {
  Net net = make_net();
  const Net copied = shifted_by_hand(net);
  net.network.projections[0].delay_steps = kDelays;
  net.network.projections[0].has_delay_list = true;
  const KernelTable& kernels = *runnable_kernels().front();
  for (const TrainedCase& c : trained_cases()) {
    const RunConfig late = config_of(c, net), by_hand = config_of(c, copied);
    if (late.rule.kernl.mode != KernlMode::kTrial || late.rule.kernl.has_tensor()) continue;
    INFO(std::string(c.name));
    double rate = 0.0, rate_by_hand = 0.0;
    const std::string hash = train_hash(late, LayoutChoice::kAuto, kernels, 2, net.data, &rate);
    CHECK(hash == train_hash(by_hand, LayoutChoice::kAuto, kernels, 1, copied.data, &rate_by_hand));
    CHECK(rate == rate_by_hand);
    CHECK(rate > 0.0);
  }
}

TEST_CASE("delays: from the input, forwards and recurrent, the twin and every cut agree") {
  Net net = make_net();
  const std::vector<int> delays[] = {{0, 7, 3}, {1, 5}, {4, 0}};
  for (std::size_t q = 0; q < 3; ++q) {
    net.network.projections[q].delay_steps = delays[q];
    net.network.projections[q].has_delay_list = true;
  }
  Scene scene;
  scene.seed = 3;
  scene.network = net.network;
  scene.loss = net.loss;
  scene.n_steps = kSteps;
  scene.n_samples = kSamples;
  scene.n_members = 2;
  scene.inputs = net.data;
  const PreparedScene prepared(scene);
  ThreadPool pool(2);
  const auto plan = plan_of(prepared.scene, Form::kNeuronLanes);
  const EncodedInputs inputs(*plan, prepared.scene.inputs, prepared.samples, 0);
  std::vector<double> rates;
  const Outcome twin = run_twin(prepared, *plan, &rates);
  for (double rate : rates) CHECK(rate > 0.0);
  std::string hash;
  for (const KernelTable* kernels : runnable_kernels())
    for (Way way : kWays) {
      INFO(std::string(kernels->isa), ", ", name_of(way));
      const Outcome outcome = run_scene(prepared, *plan, inputs, *kernels, pool, way);
      CHECK(outcome.score_hash() == twin.score_hash());
      if (hash.empty()) hash = outcome.state_hash;
      CHECK(outcome.state_hash == hash);
    }
}

}  // namespace spikelane::test
