// Evaluation in batches gives what one Simulation of all samples gives.
#include "engine/run/evaluation.h"

#include <doctest/doctest.h>

#include <numeric>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "engine/learning/members.h"
#include "tasks/load_task.h"
#include "tests/run/records.h"
#include "tests/tools/tiny_config.h"

namespace spikelane {
namespace {

constexpr const char* kManySamples[] = {"task.n_samples_per_class=400", "task.n_test=1100"};

struct Scene {
  RunConfig config;
  TaskData data;
  explicit Scene(const char* text) {
    config = parse_config(text, "scene.json", {kManySamples[0], kManySamples[1]});
    data = load_task(config);
  }
};

void check_against_one_simulation(const char* text, const std::vector<std::string>& record) {
  const Scene scene(text);
  const KernelTable& kernels = *find_kernels("");
  ThreadPool pool(2);
  PlanOptions options;
  options.keeps_counts = true;
  const auto plan =
      compile_plan(scene.config.network, scene.config.loss, scene.data.test.n_steps, options);
  const std::vector<float> parameters = draw_start(kernels, *plan, scene.config.seed);

  const int n = scene.data.test.n_samples;
  REQUIRE(n == 1100);  // three batches
  std::vector<std::int32_t> indices(static_cast<std::size_t>(n));
  std::iota(indices.begin(), indices.end(), 0);
  const EncodedInputs inputs(*plan, scene.data.test, indices);
  Simulation simulation(*plan, kernels, pool, 1, n, scene.data.test.n_steps);
  simulation.set_parameters(0, parameters);
  simulation.run(inputs, scene.data.test.n_steps);
  std::vector<double> losses;
  std::vector<std::uint8_t> is_correct;
  simulation.score(inputs, &losses, &is_correct, nullptr);

  EvaluationOptions evaluation_options;
  evaluation_options.record = find_record_fields(scene.config.network, record);
  const Evaluation evaluation =
      evaluate(scene.config, {}, kernels, pool, scene.data.test, parameters, evaluation_options);
  CHECK(evaluation.scores.firing_rate.at("hidden") > 0.0);
  CHECK(evaluation.state_hash == hash_state(*plan, simulation.state()));
  CHECK(evaluation.scores.accuracy * n ==
        doctest::Approx(std::accumulate(is_correct.begin(), is_correct.end(), 0)));
  if (evaluation.record.empty()) return;
  // the last step of the record is the final state
  const auto v = values_of<float>(evaluation.record[0]);
  const auto final_v =
      simulation.state().gather_floats(plan->population(0).at.v, plan->population(0).n);
  const auto n_neurons = static_cast<std::size_t>(plan->population(0).n);
  const auto n_steps = static_cast<std::size_t>(scene.data.test.n_steps);
  bool agree = true;
  for (std::size_t b = 0; b < static_cast<std::size_t>(n); ++b)
    for (std::size_t i = 0; i < n_neurons; ++i)
      agree &= v[(b * n_steps + n_steps - 1) * n_neurons + i] == final_v[b * n_neurons + i];
  CHECK(agree);
}

}  // namespace

TEST_CASE("evaluation: batches of samples give the hash and the scores of all at once") {
  for (const char* text : {test::kTinyConfig, test::kRecurrentConfig}) {
    check_against_one_simulation(text, {});
    check_against_one_simulation(text, {"hidden.v"});
  }
}

TEST_CASE("evaluation: a record is the state after each step") {
  const KernelTable& kernels = *find_kernels("");
  ThreadPool pool(2);
  for (const char* text : {test::kTinyConfig, test::kRecurrentConfig, test::kKernlConfig})
    for (const LayoutChoice layout : {LayoutChoice::kSampleLanes, LayoutChoice::kNeuronLanes}) {
      const Scene scene(text);
      PlanOptions plan_options;
      plan_options.layout = layout;
      EvaluationOptions options;
      options.n_samples = 21;
      options.record = test::all_fields(scene.config.network);
      const auto plan = compile_plan(scene.config.network, scene.config.loss,
                                     scene.data.test.n_steps, plan_options);
      const std::vector<float> parameters = draw_start(kernels, *plan, scene.config.seed);
      const Evaluation evaluation =
          evaluate(scene.config, plan_options, kernels, pool, scene.data.test, parameters, options);
      const auto stepped = test::record_by_steps(*plan, kernels, pool, scene.data.test, parameters,
                                                 options.n_samples, options.record);
      REQUIRE(evaluation.record.size() == stepped.size());
      for (std::size_t i = 0; i < stepped.size(); ++i) {
        CAPTURE(options.record[i].name);
        CHECK(test::has_other_than_zeros(stepped[i]));
        CHECK(evaluation.record[i].bytes == stepped[i]);
      }
    }
}

TEST_CASE("evaluation: a stop is obeyed") {
  const Scene scene(test::kTinyConfig);
  const KernelTable& kernels = *find_kernels("");
  ThreadPool pool(1);
  const auto plan =
      compile_plan(scene.config.network, scene.config.loss, scene.data.test.n_steps, {});
  const std::vector<float> parameters(static_cast<std::size_t>(plan->n_parameters()), 0.5f);
  const std::atomic<int> stop{1};
  EvaluationOptions options;
  options.stop = &stop;
  const Evaluation evaluation =
      evaluate(scene.config, {}, kernels, pool, scene.data.test, parameters, options);
  CHECK(evaluation.was_interrupted);
  CHECK(evaluation.state_hash.empty());
}

TEST_CASE("evaluation: what a record would take") {
  const RunConfig config = parse_config(test::kTinyConfig, "tiny.json");
  const auto fields = find_record_fields(config.network, {"hidden.s", "output.v"});
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].is_spikes);
  CHECK(fields[1].population == 1);
  CHECK(n_record_bytes(fields, 50, 30) == 50.0 * 30.0 * (9.0 + 3.0 * 4.0));
  CHECK_THROWS_AS(find_record_fields(config.network, {"output.s"}), UserError);
}

}  // namespace spikelane
