// A state that stops being finite ends the run with the row, the population and the step; the twin
// says which they are.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/run/evaluator.h"
#include "engine/run/replay.h"
#include "tests/run/scene_runs.h"
#include "tests/thrown.h"

namespace spikelane::test {
namespace {

// two spikes of it within a few steps are more than a float holds
constexpr float kHuge = 2.5e38f;

struct Place {
  int member = -1, sample = -1, population = -1, step = -1;
};

struct Overflow {
  Place lowest_row;  // the first row whose state is not finite at the end, and when it began
  Place earliest;    // the first step at which any row is not finite, its lowest row
};

// `member` gets the huge weight from all inputs to neuron 2 of the first population
PreparedScene with_huge_weight(const Scene& scene, int member) {
  PreparedScene prepared(scene);
  const int n_post = scene.network.populations[0].n;
  for (int i = 0; i < scene.network.n_inputs; ++i)
    prepared
        .parameters[static_cast<std::size_t>(member)][static_cast<std::size_t>(i * n_post + 2)] =
        kHuge;
  return prepared;
}

Overflow find_overflow(const PreparedScene& prepared, const Plan& plan) {
  const Scene& scene = prepared.scene;
  Overflow found;
  std::vector<float> block(static_cast<std::size_t>(plan.n_block_floats()));
  for (int member = 0; member < scene.n_members; ++member) {
    plan.fill_block(prepared.parameters[static_cast<std::size_t>(member)].data(), block.data());
    reference::Twin twin(plan.view(), block.data());
    for (int sample = 0; sample < scene.n_samples; ++sample) {
      twin.reset();
      Place first;
      for (int t = 0; t < scene.n_steps; ++t) {
        twin.step(prepared.frame(sample, t));
        if (first.step < 0 && twin.not_finite_population() >= 0)
          first = {member, sample, twin.not_finite_population(), t};
      }
      if (first.step < 0) continue;
      if (found.lowest_row.step < 0 && twin.not_finite_population() >= 0) found.lowest_row = first;
      if (found.earliest.step < 0 || first.step < found.earliest.step) found.earliest = first;
    }
  }
  return found;
}

std::string population_name(const Scene& scene, const Place& place) {
  return "population \"" +
         scene.network.populations[static_cast<std::size_t>(place.population)].name + "\"";
}

const std::vector<std::string> kScenes = {"3_4_10",   "10_64_10",         "reset_zero_now",
                                          "feedback", "many_projections", "size_33_recurrent"};

}  // namespace

TEST_CASE("not finite: the evaluator names the lowest row and the exact step") {
  ThreadPool one(1), three(3);
  std::size_t n_scenes = 0;
  for (const Scene& scene : small_scenes()) {
    if (std::find(kScenes.begin(), kScenes.end(), scene.name) == kScenes.end()) continue;
    ++n_scenes;
    const int member = scene.n_members - 1;
    const PreparedScene prepared = with_huge_weight(scene, member);
    const Place expected = find_overflow(prepared, *plan_of(scene, Form::kNeuronLanes)).lowest_row;
    REQUIRE(expected.step >= 0);
    CHECK(expected.step < scene.n_steps - 1);
    const std::string wanted = population_name(scene, expected) + ", member " +
                               std::to_string(member) + ", sample " +
                               std::to_string(expected.sample) + " of the batch, step " +
                               std::to_string(expected.step) + ";";
    for (Form form : kForms) {
      const auto plan = plan_of(scene, form, false);
      const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
      for (const KernelTable* kernels : runnable_kernels())
        for (ThreadPool* pool : {&one, &three}) {
          INFO(scene.name, ", ", std::string(kernels->isa), ", ", name_of(form));
          Evaluator evaluator(*plan, *kernels, *pool);
          TrialScores scores;
          const auto fill = [&](int i, float* block) {
            plan->fill_block(prepared.parameters[static_cast<std::size_t>(i)].data(), block);
          };
          const std::string message =
              thrown_by([&] { evaluator.run(scene.n_members, fill, inputs, scores); });
          INFO(message);
          CHECK(message.find(wanted) != std::string::npos);
          // the others are well
          if (member > 0) CHECK_NOTHROW(evaluator.run(member, fill, inputs, scores));
        }
    }
  }
  CHECK(n_scenes == kScenes.size());
}

TEST_CASE("not finite: a simulation names the row, step by step also the step") {
  ThreadPool one(1), three(3);
  for (const Scene& scene : small_scenes()) {
    if (std::find(kScenes.begin(), kScenes.end(), scene.name) == kScenes.end()) continue;
    const PreparedScene prepared = with_huge_weight(scene, 0);
    const Overflow expected = find_overflow(prepared, *plan_of(scene, Form::kNeuronLanes));
    REQUIRE(expected.earliest.step >= 0);
    const auto row_text = [](const Place& place) {
      return ", row " + std::to_string(place.sample) + ", ";
    };
    for (Form form : kForms) {
      const auto plan = plan_of(scene, form);
      const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
      for (const KernelTable* kernels : runnable_kernels())
        for (ThreadPool* pool : {&one, &three}) {
          INFO(scene.name, ", ", std::string(kernels->isa), ", ", name_of(form));
          const std::string fused =
              thrown_by([&] { run_scene(prepared, *plan, inputs, *kernels, *pool, Way::kFused); });
          INFO(fused);
          CHECK(fused.find(row_text(expected.lowest_row)) != std::string::npos);
          const std::string stepped = thrown_by(
              [&] { run_scene(prepared, *plan, inputs, *kernels, *pool, Way::kSingleSteps); });
          INFO(stepped);
          CHECK(stepped.find(population_name(scene, expected.earliest) +
                             row_text(expected.earliest) + "at or before step " +
                             std::to_string(expected.earliest.step)) != std::string::npos);
        }
    }
  }
}

TEST_CASE("not finite: what is replayed are the inputs of the data set") {
  for (const Scene& scene : small_scenes()) {
    INFO(scene.name);
    const PreparedScene prepared(scene);
    for (Form form : {Form::kNeuronLanes, Form::kSampleLanes}) {
      const auto plan = plan_of(scene, form);
      const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
      for (int sample = 0; sample < scene.n_samples; sample += 7)
        for (int t = 0; t < scene.n_steps; ++t) {
          const auto frame = prepared.frame(sample, t);
          CHECK(input_frame(*plan, inputs, sample, t) ==
                std::vector<float>(frame.begin(), frame.end()));
        }
    }
  }
}

}  // namespace spikelane::test
