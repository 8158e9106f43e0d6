// A training that is stopped and resumed is the training that was not stopped: the same state hash,
// results and weights, for every rule, wherever it is cut and on however many threads it goes on.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "engine/report/checkpoint.h"
#include "engine/report/results_json.h"
#include "engine/report/weights.h"
#include "engine/run/train.h"
#include "tasks/load_task.h"
#include "tests/scratch_folder.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

struct Outcome {
  std::string results;  // without times
  std::string weights;
  std::map<std::int64_t, std::string> checkpoints;  // by update, as files
};

std::string timeless(const std::string& text) {
  json results = json::parse(text);
  for (json& report : results["reports"]) report.erase("wall_s");
  if (results.contains("final")) results["final"].erase("wall_s");
  results.erase("timing");
  results.erase("machine");
  results["config"].erase("run");
  return results.dump();
}

Outcome run(const RunConfig& config, const TaskData& data, int n_threads, const Checkpoint* from,
            std::int64_t stop_after = -1) {
  ThreadPool pool(n_threads);
  Outcome outcome;
  std::atomic<int> stop{0};
  TrainHooks hooks;
  hooks.stop = &stop;
  hooks.resume = from;
  hooks.on_update = [&](int n_done) {
    if (n_done == stop_after) stop = 1;
  };
  hooks.on_checkpoint = [&](const Checkpoint& checkpoint) {
    outcome.checkpoints[checkpoint.update] = checkpoint_to_safetensors(checkpoint);
  };
  hooks.on_report = [&](const RunResult& result, const Plan& plan, std::span<const float> mean) {
    outcome.weights = weights_to_safetensors(plan, mean, result.rule_tensors);
  };
  const RunResult result = train(config, {}, *find_kernels(""), pool, data, hooks);
  for (const auto& [population, rate] : result.final_report.firing_rate) {
    CAPTURE(population);
    CHECK(rate > 0.0);  // silent nets would prove nothing
  }
  outcome.results = timeless(results_to_json(config, result));
  return outcome;
}

void check_resume(const char* text, std::vector<std::string> overrides) {
  overrides.push_back("run={\"n_updates\":7,\"report_every\":2,\"checkpoint_every\":1}");
  RunConfig config = parse_config(text, "config", overrides);
  config.network.n_inputs = describe_task(config).n_inputs;
  const TaskData data = load_task(config);
  const Outcome straight = run(config, data, 2, nullptr);
  // none before the first update, one after each
  REQUIRE(straight.checkpoints.size() == 7);
  for (const auto& [update, file] : straight.checkpoints) {
    CAPTURE(update);
    const Checkpoint checkpoint = parse_checkpoint(file, "file");
    CHECK(checkpoint.update == update);
    const Outcome resumed = run(config, data, 1 + static_cast<int>(update % 3), &checkpoint);
    CHECK(resumed.results == straight.results);
    CHECK((resumed.weights == straight.weights));
    // what it saves is what the straight run saves, but for the times
    if (update < 6) CHECK(resumed.checkpoints.size() == static_cast<std::size_t>(7 - update));
  }
  // stopped, resumed, stopped and resumed: reports that hold updates of both sides
  RunConfig rare = config;
  rare.run.checkpoint_updates = 0;
  const Outcome first = run(rare, data, 1, nullptr, 3);
  REQUIRE(first.checkpoints.size() == 1);
  const Checkpoint at_3 = parse_checkpoint(first.checkpoints.at(3), "file");
  const Outcome second = run(rare, data, 3, &at_3, 5);
  const Checkpoint at_5 = parse_checkpoint(second.checkpoints.at(5), "file");
  CHECK(run(rare, data, 2, &at_5).results == straight.results);
}

}  // namespace

TEST_CASE("resume: es with every optimiser") {
  const std::string optimiser = "rule.optimiser=";
  for (const char* kind : {
           R"({"kind":"sgd","lr":0.5,"lr_decay":0.9})",
           R"({"kind":"sgd","lr":0.1,"momentum":0.9,"nesterov":true})",
           R"({"kind":"adam","lr":0.05,"cosine_updates":9})",
           R"({"kind":"adamw","lr":0.05,"weight_decay":0.1})",
           R"({"kind":"rms_prop","lr":0.05})",
           R"({"kind":"rms_prop","lr":0.05,"momentum":0.5,"epsilon_inside":false})",
       }) {
    CAPTURE(kind);
    check_resume(kTinyConfig, {optimiser + kind});
  }
}

TEST_CASE("resume: es with layers by schedule, redrawn tensors and rare tests") {
  check_resume(kTinyConfig, {R"(rule.phases=[{"from_update":0,"searched":["input.hidden.weight"]},
                                {"from_update":4,"searched":"all"}])",
                             "rule.sigma_decay=0.9"});
  check_resume(kTinyConfig, {"rule.unsearched=redraw", R"(rule.searched=["input.hidden.weight"])"});
  check_resume(kRecurrentConfig, {"rule.batch=7"});
}

TEST_CASE("resume: es with noise of low rank") {
  check_resume(kTinyConfig, {R"(rule.noise={"kind":"low_rank","rank":2})"});
  check_resume(kTinyConfig, {R"(rule.noise={"kind":"sign"})"});
  check_resume(kRecurrentConfig, {"rule.batch=7", R"(rule.noise={"kind":"low_rank"})",
                                  "rule.optimiser={\"kind\":\"adam\"}"});
}

TEST_CASE("resume: kernl and e-prop by trials and online") {
  check_resume(kKernlConfig, {});
  check_resume(kKernlConfig, {"rule.filters=membrane", "rule.feedback=random",
                              R"(rule.sensitivity={"kind":"one_hop"})"});
  check_resume(kKernlConfig, {"rule.mode=online", "rule.k_steps=5", "rule.clip_norm=0.5"});
  check_resume(kKernlConfig, {"rule.average_decay=0.7", "rule.surrogate=slope_triangle"});
  check_resume(kKernlConfig, {"rule.mode=online", "rule.average_decay=0.7"});
}

TEST_CASE("resume: the regression, beside the weights and alone") {
  check_resume(kKernlConfig, {"rule.filters=membrane", R"(rule.regression={"noise_std":0.5})"});
  check_resume(kKernlConfig,
               {"rule.filters=adaptation",
                R"(rule.regression={"noise_std":0.5,"n_filters":2,"target":"distance"})"});
  check_resume(kKernlConfig, {"rule.filters=membrane", "rule.trains_weights=false",
                              R"(rule.regression={"noise_std":0.5,"optimiser":{"kind":"adam"}})"});
  check_resume(kKernlConfig, {"rule.filters=membrane", "rule.average_decay=0.7",
                              R"(rule.regression={"noise_std":0.5})"});
}

TEST_CASE("resume: es in a closed loop") {
  const std::string config = read_file(SPIKELANE_SOURCE_DIR "/configs/cartpole_es.json");
  check_resume(config.c_str(), {"rule.n_members=6", "task.n_episodes=2", "task.n_test_episodes=5",
                                "task.max_steps=60"});
}

TEST_CASE("resume: more updates go on from the end of the run before") {
  RunConfig config = parse_config(kTinyConfig, "config", {"run.report_every=3"});
  const TaskData data = load_task(config);
  const Outcome short_run = run(config, data, 1, nullptr);
  const Checkpoint end = parse_checkpoint(short_run.checkpoints.at(5), "file");
  config.run.n_updates = 10;
  CHECK(run(config, data, 1, &end).results == run(config, data, 1, nullptr).results);
}

TEST_CASE("resume: the state of another training is refused with every array named") {
  RunConfig config = parse_config(kTinyConfig, "config");
  const TaskData data = load_task(config);
  Checkpoint checkpoint =
      parse_checkpoint(run(config, data, 1, nullptr).checkpoints.at(5), "saved");
  config.rule.es.optimiser.kind = OptimiserKind::kSgd;
  config.network.populations[0].n = 8;
  std::string message;
  try {
    run(config, data, 1, &checkpoint);
  } catch (const UserError& error) {
    message = error.what();
  }
  CHECK(message.find("saved: parameters") != std::string::npos);
  CHECK(message.find("saved: optimiser.m") != std::string::npos);
  CHECK(message.find("saved: optimiser.v") != std::string::npos);
}

}  // namespace spikelane::test
