// Every phase by the team of OS threads: the same hashes as everybody else, and under
// ThreadSanitizer no race. Small scenes, since each sync is a barrier of up to 32 threads.
#include "tests/run/worker_threads.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "engine/config/parse_config.h"
#include "engine/learning/gradient.h"
#include "engine/learning/members.h"
#include "engine/learning/shaping.h"
#include "engine/learning/sums.h"
#include "engine/run/episode_trials.h"
#include "engine/run/es_trainer.h"
#include "kernels/step/es_gradient.h"
#include "kernels/step/es_shaping.h"
#include "kernels/step/low_rank_gradient.h"
#include "tasks/randman/randman.h"
#include "tests/run/closed_loop_config.h"
#include "tests/run/records.h"
#include "tests/run/scene_hashes.h"
#include "tests/run/scene_runs.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

// a few samples and steps of a scene show each of its phases
Scene shortened(Scene scene) {
  scene.n_samples = std::min(scene.n_samples, 2);
  scene.n_members = 1;
  return scene;
}

}  // namespace

TEST_CASE("a team of OS threads: every scene gives what one CPU worker gives") {
  const KernelTable kernels = thread_kernels();
  ThreadPool pool(1);
  int i_scene = 0;
  for (Scene& made : small_scenes()) {
    ++i_scene;
    // a part of them: every sync is a barrier of 16 or 32 threads on a few cores
    if (i_scene % 9 != 0) continue;
    const PreparedScene prepared(shortened(std::move(made)));
    for (Form form : kForms) {
      const auto plan = plan_of(prepared.scene, form);
      const EncodedInputs inputs(*plan, prepared.scene.inputs, prepared.samples);
      INFO(prepared.scene.name, ", ", name_of(form));
      const Outcome expected =
          run_scene(prepared, *plan, inputs, *find_kernels(""), pool, Way::kFused);
      CHECK(run_scene(prepared, *plan, inputs, kernels, pool, Way::kFused, true) == expected);
    }
  }
}

TEST_CASE("a team of OS threads: a record") {
  const RunConfig config = parse_config(kRecurrentConfig, "config.json");
  const TaskData data = load_task(config);
  ThreadPool pool(1);
  EvaluationOptions evaluation;
  evaluation.n_samples = 2;
  evaluation.record = all_fields(config.network);
  for (Form form : {Form::kNeuronLanes, Form::kSampleLanes}) {
    INFO(name_of(form));
    const PlanOptions options = options_of(form, false);
    const auto plan = compile_plan(config.network, config.loss, data.test.n_steps, options);
    const std::vector<float> parameters = draw_start(*find_kernels(""), *plan, config.seed);
    const auto record_by = [&](const KernelTable& table) {
      return evaluate(config, options, table, pool, data.test, parameters, evaluation).record;
    };
    const std::vector<Tensor> one = record_by(*find_kernels("")),
                              many = record_by(thread_kernels());
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(many[i].bytes == one[i].bytes);
  }
}

TEST_CASE("a team of OS threads: members with noise of low rank") {
  RunConfig config;
  config.seed = 5;
  RandmanConfig& randman = config.task.randman;
  randman.n_classes = 2;
  randman.n_units = config.network.n_inputs = 12;
  randman.n_samples_per_class = 2;
  randman.n_steps = 8;
  randman.n_test = 0;
  config.network.populations = {leaky("hidden", 40, 0.9), readout("output", 2, 0.9, 0.1)};
  config.network.projections = {weights("input", "hidden", -1.0, 2.0),
                                weights("hidden", "hidden", -0.5, 0.5),
                                weights("hidden", "output", -1.0, 1.0)};
  config.rule.es.n_members = 2;
  config.rule.es.noise = EsNoiseKind::kLowRank;
  config.rule.es.rank = 3;
  const TaskData data = make_randman(randman);
  ThreadPool pool(1);
  const KernelTable kernels = thread_kernels();
  for (Form form : kForms) {
    INFO(name_of(form));
    EsTrainer one(config, options_of(form, false), *find_kernels(""), pool, data.train);
    EsTrainer many(config, options_of(form, false), kernels, pool, data.train);
    one.update();
    many.update();
    CHECK(many.state_hash() == one.state_hash());
    CHECK(many.parameters() != draw_start(kernels, many.plan(), config.seed));
  }
}

TEST_CASE("a team of OS threads: closed loops") {
  RunConfig config = loop_config(kLoopTasks[0], 5);
  config.rule.es.n_members = 2;
  config.task.control.n_episodes = 2;
  config.task.control.max_steps = 12;
  const TaskData data = load_task(config);
  ThreadPool pool(1);
  const KernelTable kernels = thread_kernels();
  for (Form form : {Form::kNeuronLanes, Form::kSampleLanes}) {
    INFO(name_of(form));
    const auto hash_by = [&](const KernelTable& table) {
      EsTrainer trainer(config, table, pool,
                        std::make_unique<EpisodeTrials>(config, options_of(form, false), table,
                                                        pool, *data.loop));
      trainer.update();
      return trainer.state_hash();
    };
    CHECK(hash_by(kernels) == hash_by(*find_kernels("")));
  }
}

TEST_CASE("a team of OS threads: shaping and gradient of an update") {
  constexpr int kWorkers = 16, kTile = 4;
  for (const bool is_antithetic : {false, true})
    for (const int n_members : {2, 14, 300})
      for (const ShapingKind kind :
           {ShapingKind::kNone, ShapingKind::kZScore, ShapingKind::kCentredRanks})
        for (const int variant : {0, 1, 2, 3}) {
          const bool by_index = variant % 2 == 1, are_equal = variant >= 2;
          const TiesKind ties = by_index ? TiesKind::kByIndex : TiesKind::kMeanRank;
          CAPTURE(is_antithetic);
          CAPTURE(n_members);
          CAPTURE(variant);
          std::vector<double> losses;
          for (int m = 0; m < n_members; ++m)
            losses.push_back(are_equal ? 0.3 : (m * m % 37) * 0.1);
          const auto shaped = shape_losses(kind, losses, ties);
          const auto n_draws = static_cast<std::size_t>(is_antithetic ? n_members / 2 : n_members);
          std::vector<double> expected(shaped.begin(), shaped.begin() + static_cast<long>(n_draws));
          for (std::size_t d = 0; is_antithetic && d < n_draws; ++d)
            expected[d] = shaped[2 * d] - shaped[2 * d + 1];

          std::vector<double> coefficients(n_draws), room(kWorkers * kTile);
          int is_flat_there = -1;
          const ShapingView view{losses.data(), n_members,           static_cast<Shaping>(kind),
                                 is_antithetic, coefficients.data(), by_index,
                                 &is_flat_there};
          run_on_threads(kWorkers, [&](const auto& team) {
            shape_draws(team, view, 0, static_cast<int>(n_draws), room.data());
          });
          CHECK(coefficients == expected);
          CHECK((is_flat_there != 0) == is_flat(kind, losses, ties));

          double mean = 0.0;
          run_on_threads(kWorkers, [&](const auto& team) {
            const double own = mean_loss(team, losses.data(), n_members, room.data());
            if (team.is_leader()) mean = own;
          });
          CHECK(mean == tree_sum_blocks_of_8(losses) / n_members);

          const GradientView gradient{coefficients.data(), static_cast<int>(n_draws),
                                      is_antithetic ? 4 : 8, 77, 3};
          double sums[kTile], shared[kTile] = {};
          accumulate_gradient(gradient, 8, 8 + kTile, sums);
          run_on_threads(kWorkers, [&](const auto& team) {
            double own[kTile];
            const MemberNoise noise{77, 3};
            share_gradient<kTile>(team, gradient, 8, noise, room.data(), own);
            if (team.is_leader()) std::copy_n(own, kTile, shared);
          });
          CHECK(std::equal(sums, sums + kTile, shared));
        }
}

TEST_CASE("a team of OS threads: the gradient of noise of low rank") {
  constexpr int kWorkers = 32, kEntries = kFactorTile * kFactorTile / kWorkers;
  constexpr int kRows = 35, kColumns = 41, kRank = 4, kDraws = 11;  // squares that are not whole
  std::vector<double> coefficients;
  for (int d = 0; d < kDraws; ++d) coefficients.push_back(0.3 * (d * d % 7) - 0.8);
  const GradientView view{coefficients.data(), kDraws, 4, 77, 3};
  const FactorView factors{kRank, kColumns, 0, 160, 44};
  std::vector<float> expected(kRows * kColumns), gradient(expected.size());
  find_kernels("")->accumulate_low_rank(view, factors, 0, kRows, 2.5, expected.data());
  std::vector<double> left(kFactorTile * 8 * kRank);
  std::vector<float> right(left.size());
  for (int row = 0; row < kRows; row += kFactorTile)
    for (int column = 0; column < kColumns; column += kFactorTile)
      run_on_threads(kWorkers, [&](const auto& team) {
        share_low_rank<kEntries>(team, view, factors, row, kRows, column, 2.5, left.data(),
                                 right.data(), gradient.data());
      });
  CHECK(gradient == expected);
}

}  // namespace spikelane::test
