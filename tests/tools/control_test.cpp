// Control tasks through the program: training with reports of returns, the same bits on any number
// of threads, eval with a picture, controllers that know nothing, and what is refused.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "kernels/cpu/kernel_table.h"
#include "tasks/mujoco/mujoco_task.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"
#include "tests/tools/program.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

constexpr const char* kCartpole = R"({
  "seed": 3,
  "task": {"kind": "cartpole", "n_episodes": 4, "n_test_episodes": 20, "max_steps": 80, "control_steps": 2,
    "observation": {"coding": "gaussian", "n_fields": 5, "low": [-2.4, -2, -0.2, -2], "high": [2.4, 2, 0.2, 2]}},
  "network": {
    "populations": [{"name": "hidden", "model": "leaky", "n": 16, "beta": 0.8},
                    {"name": "output", "model": "readout", "n": 2, "beta": 0.8}],
    "projections": [{"from": "input", "to": "hidden", "init": {"kind": "normal", "std": 0.4}},
                    {"from": "hidden", "to": "hidden", "init": {"kind": "normal", "std": 0.1}},
                    {"from": "hidden", "to": "output", "init": {"kind": "normal", "std": 0.3}}]},
  "rule": {"kind": "es", "n_members": 32, "optimiser": {"kind": "adam", "lr": 0.05}},
  "run": {"n_updates": 12, "report_every": 4}
})";

struct Place {
  ScratchFolder folder;
  Place() { write_file(folder / "config.json", kCartpole); }
  ProgramOutcome run(const std::vector<std::string>& arguments) const {
    ProgramSetting setting;
    setting.folder = folder.path();
    return run_program(arguments, setting);
  }
  // a folder that only eval has written to has its file alone
  std::filesystem::path results_file(const std::string& out) const {
    const std::filesystem::path tested = folder / (out + "/eval.json");
    return std::filesystem::exists(tested) ? tested : folder / (out + "/results.json");
  }
  json results(const std::string& out) const { return json::parse(read_file(results_file(out))); }
};

void check_schema(const Place& place, const std::string& out) {
  if (std::system("python3 -c 'import jsonschema' > /dev/null 2>&1") != 0) return;
  const std::string check =
      "python3 -c 'import json, jsonschema, sys; "
      "jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' '" +
      place.results_file(out).string() + "' '" + SPIKELANE_SOURCE_DIR +
      "/tools/results.schema.json'";
  CHECK(std::system(check.c_str()) == 0);
}

}  // namespace

TEST_CASE("control: training, tests, pictures and controllers that know nothing") {
  const Place place;
  for (const auto& [out, threads] : {std::pair{"one", "1"}, {"three", "3"}}) {
    const ProgramOutcome outcome =
        place.run({"train", "config.json", "--out", out, "--threads", threads});
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    CHECK(outcome.error.find("mean return:") != std::string::npos);
  }
  const json one = place.results("one"), three = place.results("three");
  CHECK(one["state_hash"] == three["state_hash"]);
  CHECK(one["final"]["mean_return"] == three["final"]["mean_return"]);
  CHECK(one["reports"].size() == 3);
  for (const json& report : one["reports"]) {
    CHECK(report["train_return"] >= 8.0);
    CHECK(report["mean_return"] >= 8.0);
    CHECK(report["firing_rate"]["hidden"] > 0.01);
    CHECK_FALSE(report.contains("train_loss"));
    CHECK_FALSE(report.contains("test_accuracy"));
  }
  const double trained = one["final"]["mean_return"];
  check_schema(place, "one");

  const std::vector<std::string> eval{"eval", "config.json", "--out", "eval"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), eval.begin(), eval.end());
    return more;
  };
  const std::string weights = "one/weights.safetensors";
  ProgramOutcome outcome =
      place.run(with({"--weights", weights, "--render", "film.svg", "--threads", "2"}));
  CAPTURE(outcome.error);
  REQUIRE(outcome.exit_code == 0);
  CHECK(place.results("eval")["final"]["mean_return"] == trained);
  CHECK(place.results("eval")["final"]["firing_rate"] == one["final"]["firing_rate"]);
  const std::string hash = place.results("eval")["state_hash"];
  check_schema(place, "eval");
  const std::string film = read_file(place.folder / "film.svg");
  CHECK(film.find("<svg") == 0);
  CHECK(film.find("step 0, x ") != std::string::npos);
  CHECK(film.rfind("</svg>\n") == film.size() - 7);
  const std::string isas = runnable_isa_names(), least = isas.substr(0, isas.find(','));
  REQUIRE(place.run(with({"--weights", weights, "--isa", least, "--layout", "neuron_lanes"}))
              .exit_code == 0);
  CHECK(place.results("eval")["state_hash"] == hash);
  // another seed means other held-out episodes, for the same weights
  REQUIRE(place.run(with({"--weights", weights, "--set", "seed=99"})).exit_code == 0);
  CHECK(place.results("eval")["state_hash"] != hash);

  double baseline[2];
  for (const bool is_random : {false, true}) {
    outcome = place.run(with({"--controller", is_random ? "random" : "zero"}));
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    baseline[is_random] = place.results("eval")["final"]["mean_return"];
  }
  // a cart-pole pushed one way falls within 8 to 11 steps; at random within 10 to 60
  CHECK(baseline[0] >= 8.0);
  CHECK(baseline[0] <= 11.0);
  CHECK(baseline[1] > baseline[0]);
  // it learns, even in so short a time
  CHECK(trained > 1.5 * baseline[0]);
  CHECK(baseline[1] < 40.0);
}

TEST_CASE("control: learning while acting, straight and resumed, and its weights") {
  const Place place;
  std::string text = kCartpole;
  const auto replace = [&](const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
  };
  replace(R"("model": "leaky", "n": 16, "beta": 0.8)",
          R"("model": "alif", "n": 16, "alpha": 0.8, "resistance": "unit_gain")");
  replace(R"("n": 2, "beta")", R"("n": 3, "beta")");
  replace(R"("kind": "es", "n_members": 32)", R"("kind": "kernl", "mode": "acting", "k_steps": 8)");
  write_file(place.folder / "config.json", text);
  const auto train = [&](const std::string& out, const std::string& n_updates,
                         const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"train", "config.json", "--out",
                                       out,     "--set",       "run.n_updates=" + n_updates};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramOutcome outcome = place.run(arguments);
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    return place.results(out);
  };
  const json straight = train("straight", "12", {"--threads", "1"});
  const json half = train("half", "8", {"--threads", "3"});
  const json rest = train("rest", "12", {"--resume", "half/checkpoint.safetensors"});
  CHECK(half["state_hash"] != straight["state_hash"]);
  CHECK(rest["state_hash"] == straight["state_hash"]);
  CHECK(rest["final"]["mean_return"] == straight["final"]["mean_return"]);
  CHECK(rest["reports"].size() == 3);
  CHECK(straight["reports"][0]["train_return"] >= 8.0);
  CHECK(straight["reports"][0]["gradient_norm"] > 0.0);
  check_schema(place, "straight");
  const ProgramOutcome eval = place.run(
      {"eval", "config.json", "--weights", "straight/weights.safetensors", "--out", "eval"});
  CAPTURE(eval.error);
  REQUIRE(eval.exit_code == 0);
  CHECK(place.results("eval")["final"]["mean_return"] == straight["final"]["mean_return"]);
}

TEST_CASE("control: a missing MJCF file is named, with the places, or else the missing library") {
  const Place place;
  json config = json::parse(kCartpole);
  config["task"] = {{"kind", "mujoco"}, {"model", "no_such_robot.xml"}, {"body", "torso"}};
  write_file(place.folder / "config.json", config.dump());
  const ProgramOutcome outcome = place.run({"train", "config.json", "--out", "out"});
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(place.folder / "out/results.json"));
  if (!has_mujoco()) {
    CHECK(outcome.error.find("task.kind") != std::string::npos);
    CHECK(outcome.error.find("built without MuJoCo (Debian's libmujoco-dev") != std::string::npos);
    return;
  }
  CHECK(outcome.error.find("task.model") != std::string::npos);
  CHECK(outcome.error.find((place.folder / "no_such_robot.xml").string()) != std::string::npos);
  CHECK(outcome.error.find("tasks/mujoco/models has some") != std::string::npos);
}

TEST_CASE("control: what eval cannot do is said") {
  const Place place;
  struct Case {
    std::vector<std::string> arguments;
    std::string word;
  };
  const std::vector<Case> cases = {
      {{}, "--weights: found nothing"},
      {{"--controller", "zeros"}, "--controller: found \"zeros\""},
      {{"--controller", "zero", "--weights", "w"}, "--weights: found it beside --controller"},
      {{"--controller", "zero", "--render", "a.svg"}, "--render: found it beside --controller"},
      {{"--controller", "zero", "--record", "hidden.s", "--out", "o"}, "--record: "},
      {{"--weights", "w", "--render", "a.png"}, "--render: found \"a.png\""}};
  for (const Case& bad : cases) {
    std::vector<std::string> arguments{"eval", "config.json"};
    arguments.insert(arguments.end(), bad.arguments.begin(), bad.arguments.end());
    const auto before = listing(place.folder.path());
    const ProgramOutcome outcome = place.run(arguments);
    CAPTURE(bad.word);
    CAPTURE(outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.error.find(bad.word) != std::string::npos);
    CHECK(listing(place.folder.path()) == before);
  }
}

TEST_CASE("control: results name the physics library, and another version of it is refused") {
  if (!has_mujoco()) {
    note_skip("no MuJoCo in this build");
    return;
  }
  const Place place;
  const std::string config = std::string(SPIKELANE_SOURCE_DIR) + "/configs/hopper_es.json";
  const std::vector<std::string> arguments{
      "eval", config,  "--controller",           "zero",  "--out",
      "out",  "--set", "task.n_test_episodes=2", "--set", "run.n_test_report=2"};
  ProgramOutcome outcome = place.run(arguments);
  CAPTURE(outcome.error);
  REQUIRE(outcome.exit_code == 0);
  CHECK(place.results("out")["machine"]["physics"] == std::string("MuJoCo ") + mujoco_version());
  check_schema(place, "out");
  const ProgramOutcome info = place.run({"info"});
  CHECK(info.out.find(std::string("mujoco:   ") + mujoco_version() + " (/") != std::string::npos);
  if (SPIKELANE_IS_SANITIZED) return;
  ProgramSetting setting;
  setting.folder = place.folder.path();
  setting.variables = {"LD_PRELOAD=" SPIKELANE_FAULT_SHIM, "SPIKELANE_FAULT=mujoco"};
  outcome = run_program(arguments, setting);
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.error.find(" is version 5.6.7, but this program was built for version ") !=
        std::string::npos);
}

TEST_CASE("control: check says what a loop is made of") {
  const Place place;
  const ProgramOutcome outcome = place.run({"check", "config.json"});
  CHECK(outcome.exit_code == 0);
  CHECK(
      outcome.out.find("task cartpole: 20 inputs, 2 actions, up to 80 control steps of 2 steps") !=
      std::string::npos);
}

}  // namespace spikelane::test
