// The examples for somebody's own loop: a policy over a MuJoCo world in C does what `eval` does,
// and one in Gymnasium runs through the C API by ctypes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tasks/mujoco/mujoco_task.h"
#include "tests/api/shell.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"
#include "tests/tools/program.h"

namespace spikelane::test {
namespace {

namespace fs = std::filesystem;

const std::string kSource = SPIKELANE_SOURCE_DIR;

bool is_package_missing() {
  if (!SPIKELANE_IS_SANITIZED && SPIKELANE_SHARED_LIBRARY[0] != '\0') return false;
  note_skip("the package is not built under sanitizers");
  return true;
}

void run(const ScratchFolder& folder, const std::vector<std::string>& arguments) {
  ProgramSetting setting;
  setting.folder = folder.path();
  const ProgramOutcome outcome = run_program(arguments, setting);
  CAPTURE(outcome.error);
  REQUIRE(outcome.exit_code == 0);
}

}  // namespace

TEST_CASE("examples: a policy over a MuJoCo world in C goes the way that eval tells") {
  if (!has_mujoco()) return note_skip("no MuJoCo in this build");
  if (is_package_missing()) return;
  const ScratchFolder folder;
  const std::string config = kSource + "/configs/hopper_es.json";
  // the way alone, from the model's own start, without an end
  const std::vector<std::string> changes{
      "--set", "task.healthy=0",      "--set", "task.control_cost_mean=0",
      "--set", "task.min_height=-9",  "--set", "task.min_upright=-1",
      "--set", "task.reset_noise=0",  "--set", "task.reset.noise_velocity=0",
      "--set", "task.max_steps=30",   "--set", "task.n_test_episodes=1",
      "--set", "run.n_test_report=0", "--set", "run.n_updates=2",
      "--set", "run.report_every=2",  "--set", "rule.n_members=8"};
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), changes.begin(), changes.end());
    return arguments;
  };
  run(folder, with({"train", config, "--out", "out"}));
  run(folder, with({"eval", config, "--weights", "out/weights.safetensors", "--out", "eval"}));
  run(folder, {"export", "out", "--policy", "policy.spikelane"});
  const auto results = nlohmann::json::parse(read_file(folder / "eval/eval.json"));
  const double way = results["final"]["mean_return"].get<double>() * 5 * 0.005;

  const fs::path library = fs::canonical(mujoco_library_path());
  const std::string program = (folder / "mujoco_loop").string();
  run_shell("cc -std=c11 -Wall -Wextra -pedantic -Werror -I'" + kSource + "/include' -isystem '" +
            (library.parent_path() / "include").string() + "' '" + kSource +
            "/examples/mujoco_loop.c' '" + SPIKELANE_SHARED_LIBRARY + "' '" + library.string() +
            "' -lm -Wl,-rpath,'" + library.parent_path().string() + ":" +
            fs::path(SPIKELANE_SHARED_LIBRARY).parent_path().string() + "' -o '" + program + "'");
  const std::string model = kSource + "/tasks/mujoco/models/hopper.xml";
  const std::string policy = (folder / "policy.spikelane").string();
  const std::string said = run_shell(program + " '" + model + "' '" + policy + "' 5 30");
  CAPTURE(said);
  const std::string before = std::string("MuJoCo ") + mujoco_version() + ": 30 control steps, way ";
  REQUIRE(said.find(before) == 0);
  const double seen = std::strtod(said.c_str() + before.size(), nullptr);
  CHECK(std::abs(way) > 1e-4);
  CHECK(std::abs(seen - way) < 1e-8);

  // a model with another number of controls
  int status = 0;
  const std::string refused = run_shell(
      program + " '" + kSource + "/tasks/mujoco/models/walker.xml' '" + policy + "'", status);
  CHECK(status != 0);
  CHECK(refused.find("the policy 11 and 3") != std::string::npos);
}

TEST_CASE("examples: a policy in Gymnasium through the C API by ctypes") {
  if (is_package_missing()) return;
  const char* named = std::getenv("SPIKELANE_PYTHON");
  const std::string python = named == nullptr ? "python3" : named;
  int status = 0;
  run_shell(python + " -c 'import gymnasium, numpy'", status);
  if (status != 0) return note_skip("Python has no Gymnasium");
  const ScratchFolder folder;
  run(folder, {"train", kSource + "/configs/cartpole_es.json", "--out", "out", "--set",
               "run.n_updates=10", "--set", "run.report_every=10"});
  run(folder, {"export", "out", "--policy", "policy.spikelane"});
  const std::string command = "SPIKELANE_LIBRARY='" SPIKELANE_SHARED_LIBRARY "' '" + python +
                              "' '" + kSource + "/examples/gymnasium_policy.py' '" +
                              (folder / "policy.spikelane").string() + "' ";
  const std::string said = run_shell(command + "CartPole-v1 5");
  CAPTURE(said);
  const std::string word = "mean of 5 episodes: return ";
  REQUIRE(said.find(word) != std::string::npos);
  // a trained one stands for longer than the 9 steps of one that always pushes the same way
  CHECK(std::strtod(said.c_str() + said.find(word) + word.size(), nullptr) > 20.0);
  const std::string refused = run_shell(command + "Pendulum-v1 1", status);
  CHECK(status != 0);
  CHECK(refused.find("the policy 4 and 1") != std::string::npos);
}

}  // namespace spikelane::test
