// Training shared among ranks is the training of one process, to the bit: here the ranks are
// threads, so that no message library is needed.
#include <doctest/doctest.h>

#include <atomic>
#include <mutex>

#include "engine/config/parse_config.h"
#include "engine/report/checkpoint.h"
#include "engine/report/weights.h"
#include "engine/run/kernl_trainer.h"
#include "engine/run/online_trainer.h"
#include "engine/run/train.h"
#include "tasks/load_task.h"
#include "tests/run/thread_ranks.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

struct Trained {
  std::string hash, weights;
  std::vector<double> losses;
  std::map<std::int64_t, std::string> checkpoints;
};

RunConfig config_of(const char* text, const std::vector<std::string>& overrides) {
  RunConfig config = parse_config(text, "config", overrides);
  config.network.n_inputs = describe_task(config).n_inputs;
  return config;
}

/// Trains with n ranks of one or two threads; checks that all end in the same state and that the
/// first alone reports and saves.
Trained train_on(int n_ranks, const RunConfig& config, const TaskData& data,
                 const Checkpoint* from = nullptr) {
  Trained trained;
  std::vector<std::string> hashes(static_cast<std::size_t>(n_ranks));
  std::atomic<int> n_checkpoints{0}, n_reports{0};
  const auto work = [&](Ranks& ranks) {
    ThreadPool pool(1 + ranks.rank() % 2);
    TrainHooks hooks;
    hooks.ranks = &ranks;
    hooks.resume = from;
    hooks.on_report = [&](const RunResult& result, const Plan& plan, std::span<const float> mean) {
      ++n_reports;
      trained.weights = weights_to_safetensors(plan, mean, result.rule_tensors);
    };
    hooks.on_checkpoint = [&](const Checkpoint& checkpoint) {
      ++n_checkpoints;
      trained.checkpoints[checkpoint.update] = checkpoint_to_safetensors(checkpoint);
    };
    // another ISA on each rank: they need not be the same machines
    const auto& tables = runnable_kernels();
    const KernelTable& kernels = *tables[static_cast<std::size_t>(ranks.rank()) % tables.size()];
    const RunResult result = train(config, {}, kernels, pool, data, hooks);
    hashes[static_cast<std::size_t>(ranks.rank())] = result.state_hash;
    if (!ranks.is_first()) return;
    for (const Report& report : result.reports)
      for (const auto& loss : {report.train_loss, report.train_return, report.regression_loss})
        if (loss) trained.losses.push_back(*loss);
    CHECK(trained.losses.size() >= result.reports.size());
    CHECK(result.final_report.firing_rate.at("hidden") > 0.0);  // silent nets prove nothing
  };
  if (n_ranks == 1)
    work(one_rank());
  else
    run_ranks(n_ranks, work);
  for (const std::string& hash : hashes) CHECK(hash == hashes[0]);
  CHECK(n_checkpoints == static_cast<int>(trained.checkpoints.size()));
  CHECK(n_reports >= 1);
  trained.hash = hashes[0];
  return trained;
}

void check_ranks(const char* text, std::vector<std::string> overrides) {
  overrides.push_back("run={\"n_updates\":4,\"report_every\":1,\"checkpoint_every\":2}");
  const RunConfig config = config_of(text, overrides);
  const TaskData data = load_task(config);
  const Trained alone = train_on(1, config, data);
  for (int n_ranks = 2; n_ranks <= 5; ++n_ranks) {
    CAPTURE(n_ranks);
    const Trained shared = train_on(n_ranks, config, data);
    CHECK(shared.hash == alone.hash);
    CHECK((shared.weights == alone.weights));
    CHECK(shared.losses == alone.losses);
    // saved by some ranks, gone on with by others
    const Checkpoint half = parse_checkpoint(shared.checkpoints.at(2), "file");
    CHECK(train_on(n_ranks % 3 + 1, config, data, &half).hash == alone.hash);
  }
}

}  // namespace

TEST_CASE("ranks: whole blocks are cut, and a rank may be idle") {
  CHECK(cut_over_ranks(256, 8, 4) == std::vector<std::int64_t>{0, 64, 128, 192, 256});
  CHECK(cut_over_ranks(20, 8, 4) == std::vector<std::int64_t>{0, 0, 8, 16, 20});
  CHECK(cut_over_ranks(6, 8, 3) == std::vector<std::int64_t>{0, 0, 0, 6});
  CHECK(cut_over_ranks(9, 8, 1) == std::vector<std::int64_t>{0, 9});
  const std::vector<std::int64_t> ends{10, 20, 120, 130, 131};
  CHECK(cut_parts(ends, 0, 2) == std::vector<std::int64_t>{0, 2, 5});
  CHECK(cut_parts(ends, 0, 1) == std::vector<std::int64_t>{0, 5});
  for (int n = 1; n <= 9; ++n) {
    const auto cut = cut_parts(ends, 0, n);
    CHECK(cut.size() == static_cast<std::size_t>(n) + 1);
    CHECK(cut.front() == 0);
    CHECK(cut.back() == 5);
    CHECK(std::is_sorted(cut.begin(), cut.end()));
  }
  CHECK(cut_parts({}, 7, 3) == std::vector<std::int64_t>{0, 0, 0, 0});
}

TEST_CASE("ranks: evolution strategies, with any noise, shaping and schedule") {
  check_ranks(kTinyConfig, {"rule.n_members=20"});
  check_ranks(kTinyConfig, {"rule.n_members=36", R"(rule.noise={"kind":"low_rank","rank":2})"});
  check_ranks(kTinyConfig, {"rule.n_members=24", "rule.unsearched=redraw",
                            R"(rule.searched=["input.hidden.weight","hidden.output.weight"])"});
  check_ranks(kRecurrentConfig, {"rule.n_members=17", "rule.shaping=z_score"});
}

TEST_CASE("ranks: kernl and e-prop, parts of a batch on each rank") {
  check_ranks(kKernlConfig, {"rule.batch=30"});
  check_ranks(kKernlConfig, {"rule.batch=20", "rule.average_decay=0.7"});
}

TEST_CASE("ranks: kernl online, rows of a batch on each rank") {
  check_ranks(kKernlConfig, {"rule.mode=online", "rule.k_steps=5", "rule.batch=30"});
  check_ranks(kKernlConfig, {"rule.mode=online", "rule.k_steps=24", "rule.batch=9",
                             "rule.rate_strength=2", "rule.average_decay=0.7"});
}

TEST_CASE("ranks: the regression, scored at the last step and at every step, alone and not") {
  check_ranks(kKernlConfig,
              {"rule.batch=9", "rule.filters=membrane", R"(rule.regression={"noise_std":0.5})"});
  check_ranks(kKernlConfig,
              {"rule.batch=30", "rule.filters=adaptation",
               R"(rule.regression={"noise_std":0.5,"n_filters":2,"target":"distance"})"});
  check_ranks(kKernlConfig, {"rule.batch=30", "rule.filters=membrane", "rule.trains_weights=false",
                             R"(rule.regression={"noise_std":0.5,"loss_at":"every_step"})"});
}

TEST_CASE("ranks: control tasks, members on each rank") {
  const std::string config = read_file(SPIKELANE_SOURCE_DIR "/configs/cartpole_es.json");
  check_ranks(config.c_str(), {"rule.n_members=20", "task.n_episodes=2", "task.n_test_episodes=5",
                               "task.max_steps=60"});
}

namespace {
thread_local int n_samples_run = 0;
}

TEST_CASE("ranks: each runs its own part of a batch and no more") {
  struct Case {
    std::vector<std::string> overrides;
    int n_blocks;  // of K steps, each of which runs all rows
  };
  for (const Case& c : {Case{{"rule.batch=40"}, 1},
                        Case{{"rule.batch=40", "rule.mode=online", "rule.k_steps=12"}, 2},
                        Case{{"rule.batch=40", "rule.filters=membrane", "rule.trains_weights=false",
                              R"(rule.regression={"noise_std":0.5})"},
                             1}}) {
    const RunConfig config = config_of(kKernlConfig, c.overrides);
    const TaskData data = load_task(config);
    KernelTable counting = *find_kernels("");
    counting.run_kernl_trials = [](const KernlTrialArgs& args) {
      n_samples_run += args.trial.n_tiles;
      find_kernels("")->run_kernl_trials(args);
    };
    counting.run_kernl_online = [](const KernlOnlineArgs& args) {
      n_samples_run += args.trial.n_tiles;
      find_kernels("")->run_kernl_online(args);
    };
    counting.run_regression = [](const RegressionArgs& args) {
      n_samples_run += args.trial.n_tiles;
      find_kernels("")->run_regression(args);
    };
    std::vector<int> n_run(3);
    run_ranks(3, [&](Ranks& ranks) {
      ThreadPool pool(1);
      KernlTrainer by_trials(config, {}, counting, pool, data.train);
      by_trials.use_ranks(ranks);
      OnlineTrainer online(config, {}, counting, pool, data.train);
      online.use_ranks(ranks);
      n_samples_run = 0;
      if (config.rule.kernl.mode == KernlMode::kOnline)
        online.update();
      else
        by_trials.update();
      n_run[static_cast<std::size_t>(ranks.rank())] = n_samples_run;
    });
    // five parts of 8 samples
    CHECK(n_run == std::vector<int>{8 * c.n_blocks, 16 * c.n_blocks, 16 * c.n_blocks});
  }
}

TEST_CASE("ranks: a failure is told to all, and it is the one that a single process meets first") {
  std::mutex mutex;
  std::vector<std::string> messages;
  run_ranks(4, [&](Ranks& ranks) {
    do_together(ranks, [] {});
    try {
      do_together(ranks, [&] {
        if (ranks.rank() == 1 || ranks.rank() == 3)
          throw RunError("member of rank " + std::to_string(ranks.rank()));
      });
    } catch (const SharedError& error) {
      const std::lock_guard lock(mutex);
      messages.push_back(error.what());
    }
  });
  CHECK(messages == std::vector<std::string>(4, "member of rank 1"));
  messages.clear();

  // the whole training, whose second update overflows
  const std::string overflows = R"(rule.optimiser={"kind":"sgd","lr":1e30,"weight_decay":1e30})";
  for (const RunConfig& config :
       {config_of(kTinyConfig, {"rule.n_members=40", overflows, "run.n_updates=50"}),
        config_of(kKernlConfig, {"rule.batch=30", "rule.mode=online", overflows})}) {
    const TaskData data = load_task(config);
    const auto message_of = [&](Ranks& ranks) {
      ThreadPool pool(1);
      TrainHooks hooks;
      hooks.ranks = &ranks;
      return thrown_by([&] { train(config, {}, *find_kernels(""), pool, data, hooks); });
    };
    const std::string alone = message_of(one_rank());
    CHECK(alone.find("not finite") != std::string::npos);
    run_ranks(3, [&](Ranks& ranks) {
      const std::string message = message_of(ranks);
      const std::lock_guard lock(mutex);
      messages.push_back(message);
    });
    CHECK(messages == std::vector<std::string>(3, alone));
    messages.clear();
  }
}

TEST_CASE("ranks: one that has been told to stop stops all of them at the same update") {
  const RunConfig config = config_of(kTinyConfig, {"run.n_updates=100000"});
  const TaskData data = load_task(config);
  std::vector<int> updates(3);
  run_ranks(3, [&](Ranks& ranks) {
    ThreadPool pool(1);
    std::atomic<int> stop{0};
    TrainHooks hooks;
    hooks.ranks = &ranks;
    hooks.stop = &stop;
    hooks.on_update = [&](int n_done) {
      if (ranks.rank() == 2 && n_done == 6) stop = 1;
    };
    const RunResult result = train(config, {}, *find_kernels(""), pool, data, hooks);
    CHECK(result.interrupted == "signal");
    updates[static_cast<std::size_t>(ranks.rank())] = result.final_report.update;
  });
  CHECK(updates == std::vector<int>{6, 6, 6});
}

}  // namespace spikelane::test
