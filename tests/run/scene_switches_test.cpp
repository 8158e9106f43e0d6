// What must change nothing: NaN in the padding, fields that are kept or not, other members beside
// one's own, who runs the trials. And what must: values below 2^-80 become 0.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/learning/members.h"
#include "engine/run/evaluator.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

constexpr int kThinning = SPIKELANE_IS_SANITIZED ? 5 : 1;

// a member's parameters between NaNs: what vector loads read past a row's end must not count
void fill_poisoned(const Plan& plan, const std::vector<float>& parameters, float* block) {
  std::fill_n(block, plan.n_block_floats(), std::numeric_limits<float>::quiet_NaN());
  plan.fill_block(parameters.data(), block);
}

struct AnyRun {
  const Scene& scene;
  Form form;
  const KernelTable& kernels;
  ThreadPool& pool;
};

// calls check(run, plan, inputs, prepared) for all scenes, forms and ISAs, 1 and 3 threads in turn
template <class Check>
void for_each_run(Check check) {
  ThreadPool one(1), three(3);
  int i_run = 0;
  for (const Scene& scene : small_scenes()) {
    const PreparedScene prepared(scene);
    for (Form form : kForms)
      for (const KernelTable* kernels : runnable_kernels()) {
        if (++i_run % kThinning != 0) continue;
        INFO(scene.name, ", ", std::string(kernels->isa), ", ", name_of(form));
        check(AnyRun{scene, form, *kernels, i_run % 2 == 0 ? one : three}, prepared);
      }
  }
}

/// Of a chain of leaky populations under so many inputs, the last one a readout.
Layout chosen_layout(int n_inputs, const std::vector<int>& sizes, bool is_recurrent = false) {
  NetworkDescription network;
  network.n_inputs = n_inputs;
  std::string from = "input";
  for (const int n : sizes) {
    const std::string name = "p" + std::to_string(network.populations.size());
    network.populations.push_back(leaky(name.c_str(), n, 0.9));
    for (const std::string& source : {from, name})
      if (source == from || is_recurrent) {
        network.projections.emplace_back();
        network.projections.back().from = source;
        network.projections.back().to = name;
      }
    from = name;
  }
  network.populations.push_back(readout("output", 10, 0.9, 1.0));
  network.projections.emplace_back();
  network.projections.back().from = from;
  network.projections.back().to = "output";
  return compile_plan(network, LossConfig{}, 20, PlanOptions{})->layout();
}

}  // namespace

TEST_CASE("scenes: lanes are neurons in large nets that are recurrent or hear many units") {
  CHECK(chosen_layout(10, {64}) == Layout::kSampleLanes);
  CHECK(chosen_layout(64, {1024}) == Layout::kSampleLanes);
  CHECK(chosen_layout(65, {64}) == Layout::kNeuronLanes);
  CHECK(chosen_layout(65, {63}) == Layout::kSampleLanes);
  CHECK(chosen_layout(10, {65, 64}) == Layout::kNeuronLanes);
  CHECK(chosen_layout(784, {32, 64}) == Layout::kSampleLanes);
  CHECK(chosen_layout(10, {64}, true) == Layout::kNeuronLanes);
  CHECK(chosen_layout(10, {63}, true) == Layout::kSampleLanes);
}

TEST_CASE("scenes: NaN in the padding of state and weights changes nothing") {
  for_each_run([](const AnyRun& run, const PreparedScene& prepared) {
    const auto plan = plan_of(run.scene, run.form);
    const EncodedInputs inputs(*plan, run.scene.inputs, prepared.samples);
    const auto way = run.scene.n_steps % 2 == 0 ? Way::kFused : Way::kWindows;
    const Outcome clean = run_scene(prepared, *plan, inputs, run.kernels, run.pool, way);
    CHECK(run_scene(prepared, *plan, inputs, run.kernels, run.pool, way, true) == clean);

    Evaluator evaluator(*plan, run.kernels, run.pool);
    TrialScores scores;
    evaluator.run(
        run.scene.n_members,
        [&](int member, float* block) {
          fill_poisoned(*plan, prepared.parameters[static_cast<std::size_t>(member)], block);
        },
        inputs, scores);
    CHECK(scores.losses == clean.losses);
    CHECK(scores.is_correct == clean.is_correct);
  });
}

TEST_CASE("scenes: an evaluator that keeps no counts has the losses of a simulation that does") {
  for_each_run([](const AnyRun& run, const PreparedScene& prepared) {
    const auto counting = plan_of(run.scene, run.form, true);
    const auto lean = plan_of(run.scene, run.form, false);
    CHECK(lean->view().tile_bytes <= counting->view().tile_bytes);
    const EncodedInputs inputs(*lean, run.scene.inputs, prepared.samples);
    const Outcome expected =
        run_scene(prepared, *counting, inputs, run.kernels, run.pool, Way::kFused);
    Evaluator evaluator(*lean, run.kernels, run.pool);
    TrialScores scores;
    evaluator.run(
        run.scene.n_members,
        [&](int member, float* block) {
          lean->fill_block(prepared.parameters[static_cast<std::size_t>(member)].data(), block);
        },
        inputs, scores);
    CHECK(scores.losses == expected.losses);
    CHECK(scores.is_correct == expected.is_correct);
  });
}

TEST_CASE("scenes: a member alone has the losses it has in the crowd") {
  EsConfig es;
  es.n_members = 6;
  es.sigma = 0.05;
  es.phases = {{0, {"input.hidden.weight"}}};
  ThreadPool pool(3);
  int n_checked = 0;
  for (const Scene& scene : small_scenes()) {
    // one tensor is searched, the others are drawn anew for each member
    if (scene.network.projections[0].to != "hidden" || scene.network.populations.size() < 2)
      continue;
    if (++n_checked % kThinning != 0) continue;
    INFO(scene.name);
    const PreparedScene prepared(scene);
    es.antithetic = n_checked % 2 == 0;
    es.unsearched = n_checked % 3 == 0 ? UnsearchedKind::kRedraw : UnsearchedKind::kKeep;
    for (Form form : {Form::kNeuronLanes, Form::kSampleLanes}) {
      const auto plan = plan_of(scene, form, false);
      const KernelTable& kernels = *runnable_kernels().back();
      const SearchSchedule schedule(es, plan->parameter_tensors());
      Members members(*plan, kernels, es, 17);
      members.begin_update(prepared.parameters[0], 3, schedule.searched_at(3));
      const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
      Evaluator evaluator(*plan, kernels, pool);
      TrialScores crowd, alone;
      evaluator.run(
          es.n_members, [&](int member, float* block) { members.fill(member, block); }, inputs,
          crowd);
      for (int own = 0; own < es.n_members; ++own) {
        evaluator.run(
            1, [&](int, float* block) { members.fill(own, block); }, inputs, alone);
        const auto begin = crowd.losses.begin() + own * scene.n_samples;
        CHECK(alone.losses == std::vector<double>(begin, begin + scene.n_samples));
      }
      // the members do differ, unless there is but one class
      const auto& losses = crowd.losses;
      if (scene.network.populations.back().n > 1)
        CHECK(!std::equal(losses.begin() + scene.n_samples, losses.end(), losses.begin()));
    }
  }
  CHECK(n_checked >= 20);
}

TEST_CASE("scenes: tables of up to 16 and 32 sums and lists are all reached") {
  int n_small = 0, n_large = 0, n_lists = 0, n_mixed = 0;
  for (const Scene& scene : small_scenes()) {
    const PreparedScene prepared(scene);
    const auto plan = plan_of(scene, Form::kSampleLanes);
    if (!plan->wants_input_codes()) continue;
    const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
    int n_tabled = 0;
    for (const InputView& tile : inputs.tiles()) {
      n_tabled += tile.codes != nullptr;
      n_small += tile.codes && tile.n_codes <= 16;
      n_large += tile.codes && tile.n_codes > 16;
      n_lists += !tile.codes;
    }
    n_mixed += n_tabled > 0 && n_tabled < static_cast<int>(inputs.tiles().size());
  }
  CHECK(n_small > 0);
  CHECK(n_large > 0);
  CHECK(n_lists > 0);
  CHECK(n_mixed > 0);
}

TEST_CASE("scenes: membranes and traces below 2^-80 are cleared after steps 15, 31, ...") {
  for (const Scene& scene : small_scenes()) {
    if (scene.name.rfind("tiny_values", 0) != 0) continue;
    INFO(scene.name);
    const PreparedScene prepared(scene);
    int n_tiny = 0, n_tiny_after_clearing = 0;
    const auto plan = plan_of(scene, Form::kNeuronLanes);
    ThreadPool pool(1);
    const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
    Simulation simulation(*plan, *runnable_kernels().back(), pool, 1, scene.n_samples, 1);
    simulation.set_parameters(0, prepared.parameters[0]);
    for (int t = 0; t < scene.n_steps; ++t) {
      simulation.run(inputs, 1);
      for (int p = 0; p < 2; ++p)
        for (float v :
             simulation.state().gather_floats(plan->population(p).at.v, plan->population(p).n)) {
          // a readout's value may be smaller than its traces by as much as its weights are
          const bool is_tiny = v != 0.0f && std::fabs(v) < (p == 0 ? 0x1p-80f : 0x1p-92f);
          (t % 16 == 15 ? n_tiny_after_clearing : n_tiny) += is_tiny;
        }
    }
    CHECK(n_tiny > 100);
    CHECK(n_tiny_after_clearing == 0);
  }
}

TEST_CASE("scenes: products too small for a float leave no trace of their sign") {
  // z * w below 2^-150 rounds to -0 for negative weights, and some layouts skip z = 0
  Scene scene = small_scenes().front();
  scene.name = "underflow";
  scene.network.populations = {scene.network.populations[0], scene.network.populations[1]};
  PopulationDescription& output = scene.network.populations[1];
  output.model = NeuronModel::kReadout;
  output.beta = {0.001};
  scene.network.projections[1].has_bias = false;
  scene.network.projections[1].init.low = -1e-36;
  scene.network.projections[1].init.high = 1e-37;
  scene.loss.logits = LogitKind::kFinal;
  const PreparedScene prepared(scene);
  ThreadPool pool(1);
  const Outcome expected = run_twin(prepared, *plan_of(scene, Form::kNeuronLanes), nullptr);
  for (Form form : kForms)
    for (const KernelTable* kernels : runnable_kernels()) {
      INFO(std::string(kernels->isa), ", ", name_of(form));
      const auto plan = plan_of(scene, form);
      const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
      CHECK(run_scene(prepared, *plan, inputs, *kernels, pool, Way::kFused) == expected);
    }
}

TEST_CASE("scenes: more units than a sample-lane list can name") {
  Scene scene;
  scene.name = "wide";
  scene.network = small_scenes().front().network;
  scene.network.n_inputs = 70000;
  scene.n_samples = 5;
  scene.n_steps = 20;
  scene.loss.logits = LogitKind::kCounts;
  InputShape shape{scene.n_samples, scene.n_steps, 70000, 10, 5};
  scene.inputs = random_events(shape, 3e-5, scene.n_samples, 3e-5);
  const PreparedScene prepared(scene);
  ThreadPool pool(1);
  std::vector<double> rates;
  const Outcome expected = run_twin(prepared, *plan_of(scene, Form::kNeuronLanes), &rates);
  CHECK(rates[0] > 0.005);
  for (Form form : kForms) {
    INFO(name_of(form));
    const auto plan = plan_of(scene, form);
    const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
    for (Way way : {Way::kFused, Way::kSingleSteps})
      CHECK(run_scene(prepared, *plan, inputs, *runnable_kernels().back(), pool, way) == expected);
  }
}

}  // namespace spikelane::test
