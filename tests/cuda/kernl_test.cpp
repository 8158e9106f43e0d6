// KeRNL and e-prop on CUDA: the table of tests/run/kernl_hash_test.cpp as one more column, and
// whole runs of the program, whose weights are those of the CPU byte for byte.
#include <doctest/doctest.h>

#include "tests/cuda/cuda_kernels.h"
#include "tests/run/kernl_cases.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {

TEST_CASE("cuda: every rule of KeRNL has its frozen hash") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  const Net net = make_net();
  for (const TrainedCase& c : trained_cases()) {
    INFO(std::string(c.name));
    double firing_rate = 0.0;
    CHECK(train_hash(config_of(c, net), {}, *kernels, 1, net.data, &firing_rate) == c.hash);
    CHECK(firing_rate > 0.01);
  }
}

TEST_CASE("cuda: a batch of KeRNL's cut to fit the memory has the same bits") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  Net net = make_net();
  net.data = random_events({29, kSteps, kInputs, kOutputs, 7}, 0.2, 29, 0.2);
  RunConfig config = config_of(trained_cases().front(), net);
  config.rule.kernl.batch = 27;
  ThreadPool pool(1);
  const auto train = [&](const KernelTable& table) {
    KernlTrainer trainer(config, {}, table, pool, net.data);
    for (int i = 0; i < 2; ++i) trainer.update();
    CHECK(trainer.firing_rate() > 0.01);
    return trainer.state_hash();
  };
  const std::string expected = train(*find_kernels(""));
  CHECK(train(*kernels) == expected);
  // four parts of at most 8 samples: a launch for one, and for three of them
  const KernlTrainer trainer(config, {}, *find_kernels(""), pool, net.data);
  const KernlRule rule(trainer.plan(), *find_kernels(""), config.rule.kernl, 3);
  const auto n_of_part = static_cast<double>(
      KernlMemory::n_bytes_of_trial(trainer.plan(), rule, config.rule.kernl, false) +
      static_cast<std::size_t>(trainer.plan().n_block_floats() + 2 * kLanes) * sizeof(float));
  for (const int n_at_once : {1, 3}) {
    config.rule.kernl.max_memory_mib = n_at_once * n_of_part / (1024.0 * 1024.0);
    CAPTURE(n_at_once);
    CHECK(train(*kernels) == expected);
  }
}

TEST_CASE("cuda: KeRNL's gradient of errors given step by step is that of the CPU") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  Net net = make_net();
  keep_one_population(net.network);
  const auto plan = compile_plan(net.network, net.loss, kSteps, for_learning({}, true));
  KernlConfig config;
  config.filters = FilterKind::kAdaptation;
  config.sensitivity.kind = SensitivityKind::kRandom;
  const KernlRule rule(*plan, *find_kernels(""), config, 1);
  ThreadPool pool(1);
  const EncodedInputs inputs(*plan, net.data, all_samples());
  const int n_padded = rule.learned()[0].n_padded;
  std::vector<float> error(static_cast<std::size_t>(kSamples * kSteps * n_padded));
  find_kernels("")->draw_normals(error.data(), 0, static_cast<std::int64_t>(error.size()),
                                 {1, 0, 0, Stream::kNoise, 0});
  net.logical.resize(static_cast<std::size_t>(plan->n_parameters()));
  const Block block(net, *plan);
  const auto gradient = [&](const KernelTable& table) {
    KernlEvaluator evaluator(*plan, rule, config, table, pool, true);
    KernlScores scores;
    evaluator.run(inputs, block.data(), 0, scores, error.data());
    return scores.gradient;
  };
  const std::vector<float> expected = gradient(*find_kernels(""));
  CHECK(std::any_of(expected.begin(), expected.end(), [](float g) { return g != 0.0f; }));
  CHECK(gradient(*kernels) == expected);
}

TEST_CASE("cuda: a state of KeRNL's that is not finite is named as on the CPU") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  const Net net = make_net();
  RunConfig config = config_of(trained_cases().front(), net);
  for (ProjectionDescription& projection : config.network.projections) {
    projection.init.kind = InitKind::kNormal;
    projection.init.std = 1e38;
  }
  config.rule.kernl.k_steps = 7;
  ThreadPool pool(1);
  const auto message = [&](const KernelTable& table) {
    return thrown_by([&] {
      if (config.rule.kernl.mode == KernlMode::kTrial)
        KernlTrainer(config, {}, table, pool, net.data).update();
      else
        OnlineTrainer(config, {}, table, pool, net.data).update();
    });
  };
  for (const KernlMode mode : {KernlMode::kTrial, KernlMode::kOnline}) {
    config.rule.kernl.mode = mode;
    const std::string expected = message(*find_kernels(""));
    CHECK(expected.find("not finite") != std::string::npos);
    CHECK(message(*kernels) == expected);
  }
}

TEST_CASE("cuda: KeRNL waits once an update, and online once more") {
  if (!cuda_kernels_or_skip()) return;
  static int n_waits;
  static CudaFunctions counting = *find_cuda(nullptr);
  counting.wait = [] {
    ++n_waits;
    return find_cuda(nullptr)->wait();
  };
  // a table is known by this function
  KernelTable cpu = *find_kernels("");
  cpu.run_tiles = [](const TrialArgs& args) { find_kernels("")->run_tiles(args); };
  const KernelTable& kernels = *with_cuda(cpu, counting);
  const Net net = make_net();
  ThreadPool pool(1);
  for (const TrainedCase& c : trained_cases()) {
    const RunConfig config = config_of(c, net);
    INFO(std::string(c.name));
    const auto count = [&](auto& trainer) {
      trainer.update();  // takes memory
      n_waits = 0;
      trainer.update();
      return n_waits;
    };
    if (config.rule.kernl.mode == KernlMode::kTrial) {
      KernlTrainer trainer(config, {}, kernels, pool, net.data);
      // the regression's losses, and M and g for the rule
      CHECK(count(trainer) == (config.rule.kernl.regression.is_on ? 3 : 1));
    } else {
      OnlineTrainer trainer(config, {}, kernels, pool, net.data);
      // the loss reads the last step: one step of the weights, and the state once more
      CHECK(count(trainer) == 2);
    }
  }
}

TEST_CASE("cuda: train by KeRNL and e-prop writes the weights of the CPU, byte for byte") {
  if (!cuda_kernels_or_skip()) return;
  const std::vector<std::vector<const char*>> all_settings = {
      {"network.populations.0.refractory_steps=2", "rule.filters=eprop"},
      {"network.populations.0.refractory_steps=2", "rule.filters=adaptation",
       "rule.sensitivity={\"kind\": \"random\"}", "rule.feedback=random", "rule.clip_norm=0.5"},
      {"network.populations.0.refractory_steps=2", "rule.mode=online", "rule.k_steps=1"},
      {"rule.mode=online", "rule.k_steps=7", "rule.filters=adaptation", "rule.average_decay=0.7"}};
  for (const auto& settings : all_settings) {
    const ScratchFolder folder;
    write_file(folder / "config.json", kKernlConfig);
    ProgramSetting setting;
    setting.folder = folder.path();
    for (const char* backend : {"cpu", "cuda"}) {
      std::vector<std::string> arguments = {"train", "config.json", "--backend", backend,
                                            "--out", backend,       "--set",     "run.n_updates=3"};
      for (const char* text : settings) arguments.insert(arguments.end(), {"--set", text});
      const ProgramOutcome outcome = run_program(arguments, setting);
      CAPTURE(outcome.error);
      REQUIRE(outcome.exit_code == 0);
      CHECK(outcome.error.find(std::string("backend ") + backend) != std::string::npos);
    }
    CHECK(read_file(folder / "cpu/weights.safetensors") ==
          read_file(folder / "cuda/weights.safetensors"));
  }
}

}  // namespace spikelane::test
