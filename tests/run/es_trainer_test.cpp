// Training by evolution strategies from end to end: the same bits everywhere, and it learns.
#include "engine/run/es_trainer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <utility>

#include "engine/config/user_error.h"
#include "engine/run/mean_test.h"
#include "tasks/randman/randman.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

constexpr bool kIsSanitized = SPIKELANE_IS_SANITIZED != 0;

// randman's way in small: 4 classes, 6 units, 12 members
RunConfig small_config() {
  RunConfig config;
  config.seed = 12;
  RandmanConfig& randman = config.task.randman;
  randman.n_classes = 4;
  randman.n_units = 6;
  randman.n_samples_per_class = 30;
  randman.n_steps = 40;
  randman.n_test = 40;
  config.network.n_inputs = randman.n_units;
  config.network.populations = {leaky("hidden", 20, 0.95),
                                readout("output", randman.n_classes, 0.9, 0.1)};
  ProjectionDescription out = weights("hidden", "output", 0.0, 0.0);
  out.init.kind = InitKind::kZeros;
  out.has_bias = true;
  out.bias_init.kind = InitKind::kZeros;
  config.network.projections = {weights("input", "hidden", -1.0, 1.5), out};
  config.loss.scale = 20.0;
  EsConfig& es = config.rule.es;
  es.n_members = 12;
  es.batch = 27;
  es.optimiser.lr = 0.05;
  return config;
}

struct Trained {
  std::string hash;
  std::vector<float> mean;
  double first_loss = 0.0, last_loss = 0.0;
};

Trained train_for(const RunConfig& config, int n_updates, const Dataset& data, Form form,
                  const KernelTable& kernels, ThreadPool& pool) {
  EsTrainer trainer(config, options_of(form, false), kernels, pool, data);
  Trained trained;
  for (int i = 0; i < n_updates; ++i) {
    const UpdateScores scores = trainer.update();
    CHECK(std::isfinite(scores.loss));
    CHECK(scores.accuracy >= 0.0);
    CHECK(scores.accuracy <= 1.0);
    if (i == 0) trained.first_loss = scores.loss;
    trained.last_loss = scores.loss;
  }
  trained.hash = trainer.state_hash();
  trained.mean = trainer.parameters();
  return trained;
}

Trained train_anyhow(const RunConfig& config, int n_updates, const Dataset& data) {
  ThreadPool pool(2);
  return train_for(config, n_updates, data, Form::kSampleLanes, *runnable_kernels().back(), pool);
}

// part of the mean that belongs to one tensor
std::vector<float> tensor_of(const EsTrainer& trainer, const std::string& name) {
  for (const ParameterTensor& tensor : trainer.plan().parameter_tensors())
    if (tensor.name == name)
      return {trainer.parameters().begin() + tensor.begin,
              trainer.parameters().begin() + tensor.end};
  return {};
}

}  // namespace

TEST_CASE("es trainer: one state hash for every ISA, layout, order and number of threads") {
  const std::string frozen_hash = "9496a7264125db49";
  const RunConfig config = small_config();
  const TaskData data = make_randman(config.task.randman);
  for (int n_threads = 1; n_threads <= 4; ++n_threads) {
    ThreadPool pool(n_threads);
    for (const KernelTable* kernels : runnable_kernels())
      for (Form form : kForms) {
        INFO(std::string(kernels->isa), ", ", name_of(form), ", ", n_threads, " threads");
        CHECK(train_for(config, 3, data.train, form, *kernels, pool).hash == frozen_hash);
      }
  }
}

TEST_CASE("es trainer: a recurrent net with spiking outputs has one state hash too") {
  const std::string frozen_hash = "aafa82b68e2bde77";
  RunConfig config = small_config();
  config.network.populations[1].model = NeuronModel::kLeaky;
  ProjectionDescription recurrent;
  recurrent.from = recurrent.to = "hidden";
  recurrent.init.kind = InitKind::kNormal;
  recurrent.init.std = 0.2;
  config.network.projections.push_back(recurrent);
  config.network.projections[1].init.kind = InitKind::kFanIn;
  config.loss.logits = LogitKind::kCounts;
  config.loss.scale = 1.0;
  config.rule.es.antithetic = false;
  config.rule.es.shaping = ShapingKind::kZScore;
  config.rule.es.batch = 0;
  const TaskData data = make_randman(config.task.randman);
  for (int n_threads : {1, 3}) {
    ThreadPool pool(n_threads);
    for (const KernelTable* kernels : runnable_kernels())
      for (Form form : kForms) {
        INFO(std::string(kernels->isa), ", ", name_of(form), ", ", n_threads, " threads");
        CHECK(train_for(config, 3, data.train, form, *kernels, pool).hash == frozen_hash);
      }
  }
}

TEST_CASE("es trainer: it learns a small problem, and the mean does on samples it has not seen") {
  RunConfig config = small_config();
  RandmanConfig& randman = config.task.randman;
  randman.n_classes = config.network.populations[1].n = 2;
  randman.n_units = config.network.n_inputs = 10;
  randman.n_samples_per_class = 150;
  randman.n_test = 100;
  config.network.populations[0].n = 32;
  config.rule.es.n_members = 64;
  config.rule.es.batch = 64;
  const TaskData data = make_randman(config.task.randman);
  ThreadPool pool(2);
  const KernelTable& kernels = *runnable_kernels().back();
  EsTrainer trainer(config, {}, kernels, pool, data.train);
  MeanTest test(config, {}, kernels, pool, data.test);
  const TestScores before = test.run(trainer.parameters(), 0);
  const UpdateScores first = trainer.update();
  UpdateScores last;
  for (int i = 1; i < 120; ++i) last = trainer.update();
  const TestScores after = test.run(trainer.parameters(), 0);
  INFO("loss ", before.loss, " -> ", after.loss, ", accuracy ", before.accuracy, " -> ",
       after.accuracy);
  CHECK(before.firing_rate.at("hidden") > 0.005);
  CHECK(before.firing_rate.at("hidden") < 0.5);
  CHECK(before.accuracy <= 0.6);
  CHECK(after.accuracy >= 0.9);
  CHECK(after.loss < 0.5 * before.loss);
  CHECK(last.loss < first.loss);
  CHECK(last.accuracy > first.accuracy);
  CHECK(trainer.n_updates() == 120);
}

TEST_CASE("es trainer: every variant of the rule runs, and each has bits of its own") {
  std::vector<std::string> hashes;
  const TaskData data = make_randman(small_config().task.randman);
  const auto add = [&](auto change) {
    RunConfig config = small_config();
    change(config.rule.es);
    const Trained trained = train_anyhow(config, 3, data.train);
    const Trained again = train_anyhow(config, 3, data.train);
    CHECK(trained.hash == again.hash);
    for (const std::string& other : hashes) CHECK(trained.hash != other);
    hashes.push_back(trained.hash);
  };
  add([](EsConfig&) {});
  add([](EsConfig& es) { es.antithetic = false; });
  add([](EsConfig& es) { es.shaping = ShapingKind::kNone; });
  add([](EsConfig& es) { es.shaping = ShapingKind::kZScore; });
  add([](EsConfig& es) { es.sigma_decay = 0.5; });
  add([](EsConfig& es) { es.sigma_of["output.bias"] = 0.001; });
  add([](EsConfig& es) { es.batch = 0; });
  add([](EsConfig& es) { es.optimiser.kind = OptimiserKind::kSgd; });
  add([](EsConfig& es) {
    es.optimiser.kind = OptimiserKind::kSgd;
    es.optimiser.momentum = 0.9;
    es.optimiser.nesterov = true;
  });
  add([](EsConfig& es) { es.optimiser.kind = OptimiserKind::kRmsProp; });
  add([](EsConfig& es) {
    es.optimiser.kind = OptimiserKind::kRmsProp;
    es.optimiser.epsilon_inside = false;
    es.optimiser.start_mean_square = 0.0;
  });
  add([](EsConfig& es) {
    es.optimiser.kind = OptimiserKind::kAdamW;
    es.optimiser.weight_decay = 0.1;
  });
  add([](EsConfig& es) { es.optimiser.weight_decay = 0.1; });
  add([](EsConfig& es) { es.optimiser.lr_decay = 0.5; });
  add([](EsConfig& es) { es.phases = {{0, {"hidden.output.weight"}}}; });
  add([](EsConfig& es) {
    es.phases = {{0, {"hidden.output.weight"}}};
    es.unsearched = UnsearchedKind::kRedraw;
  });
}

TEST_CASE("es trainer: phases search their tensors only, and no tensor is searched too early") {
  RunConfig config = small_config();
  config.rule.es.phases = {{0, {"hidden.output.weight"}},
                           {2, {"input.hidden.weight", "output.bias"}}};
  const TaskData data = make_randman(config.task.randman);
  ThreadPool pool(2);
  EsTrainer trainer(config, {}, *runnable_kernels().back(), pool, data.train);
  const auto first = tensor_of(trainer, "input.hidden.weight");
  const auto second = tensor_of(trainer, "hidden.output.weight");
  const auto bias = tensor_of(trainer, "output.bias");
  REQUIRE(first.size() == 120);
  REQUIRE(second.size() == 80);
  REQUIRE(bias.size() == 4);
  for (int i = 0; i < 2; ++i) trainer.update();
  CHECK(tensor_of(trainer, "input.hidden.weight") == first);
  CHECK(tensor_of(trainer, "output.bias") == bias);
  const auto second_after = tensor_of(trainer, "hidden.output.weight");
  CHECK(second_after != second);
  for (int i = 0; i < 2; ++i) trainer.update();
  CHECK(tensor_of(trainer, "input.hidden.weight") != first);
  CHECK(tensor_of(trainer, "output.bias") != bias);
  CHECK(tensor_of(trainer, "hidden.output.weight") == second_after);
}

TEST_CASE("es trainer: unsearched tensors are redrawn for the tested mean too, each update anew") {
  RunConfig config = small_config();
  config.rule.es.phases = {{0, {"hidden.output.weight"}}};
  config.rule.es.unsearched = UnsearchedKind::kRedraw;
  const TaskData data = make_randman(config.task.randman);
  ThreadPool pool(1);
  EsTrainer trainer(config, {}, *runnable_kernels().back(), pool, data.train);
  const auto drawn = trainer.tested_parameters();
  CHECK(trainer.tested_parameters() == drawn);
  trainer.update();
  const auto drawn_later = trainer.tested_parameters();
  const auto mean = trainer.parameters();
  REQUIRE(drawn_later.size() == mean.size());
  int n_redrawn = 0, n_kept = 0;
  for (const ParameterTensor& tensor : trainer.plan().parameter_tensors())
    for (auto i = static_cast<std::size_t>(tensor.begin); i < static_cast<std::size_t>(tensor.end);
         ++i) {
      if (tensor.name == "hidden.output.weight") n_kept += drawn_later[i] == mean[i];
      if (tensor.name == "input.hidden.weight") {
        n_redrawn += drawn_later[i] != drawn[i];
        CHECK(drawn_later[i] >= -1.0f);
        CHECK(drawn_later[i] < 1.5f);
      }
    }
  CHECK(n_kept == 80);
  CHECK(n_redrawn > 110);
}

TEST_CASE("es trainer: sigma_of makes its own tensor move, sigma the others") {
  // with a vanishing sigma a member's tensor is the mean's, to the bit
  RunConfig config = small_config();
  config.rule.es.sigma_of = {{"input.hidden.weight", 1e-12}};
  const auto plan = compile_plan(config.network, config.loss, 10, {});
  const SearchSchedule schedule(config.rule.es, plan->parameter_tensors());
  Members members(*plan, *runnable_kernels().back(), config.rule.es, 5);
  const auto mean = draw_start(*runnable_kernels().back(), *plan, 5);
  members.begin_update(mean, 0, schedule.searched_at(0));
  std::vector<float> block(static_cast<std::size_t>(plan->n_block_floats()));
  std::vector<float> member(mean.size());
  members.fill(3, block.data());
  plan->read_block(block.data(), member.data());
  const ParameterTensor& first = plan->parameter_tensors()[0];
  REQUIRE(first.name == "input.hidden.weight");
  std::size_t n_moved = 0;
  double square = 0.0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    if (static_cast<std::int64_t>(i) < first.end) {
      CHECK(std::fabs(member[i] - mean[i]) <= 1e-6f);
      continue;
    }
    n_moved += member[i] != mean[i];
    square += std::pow(member[i] - mean[i], 2.0);
  }
  const auto n_others = mean.size() - static_cast<std::size_t>(first.end);
  CHECK(n_moved == n_others);
  // 84 draws with a standard deviation of 0.05
  CHECK(std::sqrt(square / static_cast<double>(n_others)) > 0.035);
  CHECK(std::sqrt(square / static_cast<double>(n_others)) < 0.065);
}

TEST_CASE("es trainer: after a state that is not finite the mean is the one before") {
  RunConfig config = small_config();
  config.rule.es.optimiser.kind = OptimiserKind::kSgd;
  // the first update throws the weights to where the next one's membranes overflow
  config.rule.es.optimiser.lr = 1e38;
  const TaskData data = make_randman(config.task.randman);
  ThreadPool pool(2);
  EsTrainer trainer(config, {}, *runnable_kernels().back(), pool, data.train);
  int n_good = 0;
  std::vector<float> mean = trainer.parameters();
  std::string hash = trainer.state_hash();
  const auto update_till_it_throws = [&] {
    for (int i = 0; i < 20; ++i) {
      trainer.update();
      ++n_good;
      mean = trainer.parameters();
      hash = trainer.state_hash();
    }
  };
  CHECK_THROWS_AS(update_till_it_throws(), RunError);
  CHECK(trainer.n_updates() == n_good);
  CHECK(trainer.parameters() == mean);
  CHECK(trainer.state_hash() == hash);
}

TEST_CASE("es trainer: what a thread holds does not grow with members or samples") {
  // a tile, a block and the signals of one trial; noise is drawn again, not kept
  const RunConfig config = small_config();
  const auto plan = compile_plan(config.network, config.loss, 40, {});
  const Scratch scratch(*plan, 40, true);
  CHECK(scratch.n_bytes() < 64 * 1024);
  CHECK(scratch.n_bytes() >= static_cast<std::size_t>(plan->view().tile_bytes) +
                                 sizeof(float) * static_cast<std::size_t>(plan->n_parameters()));
  RunConfig crowd = config;
  crowd.rule.es.n_members = kIsSanitized ? 200 : 2000;
  const TaskData data = make_randman(config.task.randman);
  ThreadPool pool(2);
  EsTrainer trainer(crowd, {}, *runnable_kernels().back(), pool, data.train);
  const UpdateScores scores = trainer.update();
  CHECK(!scores.gradient_norm);
  CHECK(trainer.last_gradient_norm() > 0.0);
  CHECK(trainer.sample_steps_per_update() ==
        std::int64_t{crowd.rule.es.n_members} * crowd.rule.es.batch * 40);
}

TEST_CASE("es: a generation of equal losses changes nothing but weight decay") {
  RunConfig config = small_config();
  const TaskData data = make_randman(config.task.randman);
  ThreadPool pool(1);
  const KernelTable& kernels = *runnable_kernels().back();
  const auto after_equal_losses = [&](const RunConfig& changed, bool begins_with_update) {
    EsTrainer trainer(changed, options_of(Form::kNeuronLanes, false), kernels, pool, data.train);
    if (begins_with_update) trainer.update();
    const std::vector<float> before = trainer.parameters();
    trainer.begin_update();
    trainer.finish_update(std::vector<double>(12, 2.5));
    return std::pair{before, trainer.parameters()};
  };
  using enum OptimiserKind;
  for (const OptimiserKind kind : {kAdam, kAdamW, kSgd, kRmsProp})
    for (const ShapingKind shaping : {ShapingKind::kCentredRanks, ShapingKind::kZScore}) {
      CAPTURE(static_cast<int>(kind));
      config.rule.es.optimiser.kind = kind;
      config.rule.es.optimiser.momentum = kind == kSgd ? 0.9 : 0.0;
      config.rule.es.shaping = shaping;
      config.rule.es.optimiser.weight_decay = 0.0;
      // neither from the start nor by moments of an update before
      for (const bool begins_with_update : {false, true}) {
        const auto [before, after] = after_equal_losses(config, begins_with_update);
        CHECK(before == after);
      }
      if (kind == kRmsProp) continue;
      config.rule.es.optimiser.weight_decay = 0.1;
      const auto [before, after] = after_equal_losses(config, false);
      double norm_before = 0.0, norm_after = 0.0;
      for (const float x : before) norm_before += double{x} * double{x};
      for (const float x : after) norm_after += double{x} * double{x};
      CHECK(norm_after < norm_before);
    }
  // by index equal losses differ
  config = small_config();
  config.rule.es.ties = TiesKind::kByIndex;
  const auto [before, after] = after_equal_losses(config, false);
  CHECK(before != after);
}

}  // namespace spikelane::test
