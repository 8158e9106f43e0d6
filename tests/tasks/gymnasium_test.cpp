// Environments of Gymnasium 1.4.0 by task.environment against Gymnasium itself: the same starts and
// actions give the same observations, rewards and ends. tests/tasks/gymnasium_episodes.py records
// the steps: on the spot where Python has Gymnasium and this build's version of MuJoCo
// ($SPIKELANE_PYTHON, default python3), and once for all versions with models of our own
// (tests/data/gymnasium).
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/run/closed_loop.h"
#include "tasks/mujoco/mujoco_task.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"

namespace spikelane::test {
namespace {

namespace fs = std::filesystem;

const fs::path kData = fs::path(SPIKELANE_SOURCE_DIR) / "tests/data/gymnasium";

struct Step {
  bool is_start = false, is_end = false;
  std::vector<double> qpos, qvel, start_observation;  // where is_start
  std::vector<double> action, observation;
  double reward = 0.0;
};

struct Recording {
  std::string environment, model, version;
  std::vector<Step> steps;
};

Recording read_recording(const fs::path& file) {
  Recording recording;
  std::ifstream stream(file, std::ios::binary);
  std::string line;
  REQUIRE(std::getline(stream, line));
  std::size_t nq = 0, nv = 0, nu = 0, n_observations = 0, n_steps = 0;
  std::istringstream header(line);
  header >> recording.environment >> recording.model >> nq >> nv >> nu >> n_observations >>
      n_steps >> recording.version;
  REQUIRE(!header.fail());
  const auto take = [&](std::size_t n) {
    std::vector<double> values(n);
    stream.read(reinterpret_cast<char*>(values.data()),
                static_cast<std::streamsize>(n * sizeof(double)));
    REQUIRE(!stream.fail());
    return values;
  };
  for (std::size_t i = 0; i < n_steps; ++i) {
    Step step;
    step.is_start = take(1)[0] != 0.0;
    step.qpos = take(nq);
    step.qvel = take(nv);
    step.start_observation = take(n_observations);
    step.action = take(nu);
    step.observation = take(n_observations);
    step.reward = take(1)[0];
    step.is_end = take(1)[0] != 0.0;
    recording.steps.push_back(step);
  }
  return recording;
}

std::shared_ptr<const ClosedLoop> load(const std::string& environment, const fs::path& model) {
  const std::string text = R"({"task": {"kind": "mujoco", "environment": ")" + environment +
                           R"("}, "network": {"populations": [{"name": "o", "model": "readout",
      "n": 1, "beta": 0.9}], "projections": [{"from": "input", "to": "o"}]},
      "rule": {"kind": "es"}})";
  const RunConfig config = parse_config(text, environment);
  return load_mujoco(config.task.mujoco, config.task.control, model);
}

struct Difference {
  double observation = 0.0, reward = 0.0;
  int n_other_bits = 0, n_other_ends = 0, n_episodes = 0;
};

// a sine or cosine is correctly rounded in neither program
bool is_trigonometric(const std::string& environment, std::size_t i) {
  return (environment == "Reacher-v5" && i < 4) ||
         (environment == "InvertedDoublePendulum-v5" && i >= 1 && i < 5);
}

Difference compare(const Recording& recording, const fs::path& model) {
  const auto loop = load(recording.environment, model);
  const TaskPort& port = loop->view().port;
  Difference difference;
  REQUIRE(!recording.steps.empty());
  REQUIRE(static_cast<std::size_t>(port.n_observations) == recording.steps[0].observation.size());
  REQUIRE(static_cast<std::size_t>(port.n_actions) == recording.steps[0].action.size());
  void* world = port.make_world(port);
  std::vector<double> state(static_cast<std::size_t>(port.n_state));
  std::vector<float> rounded(static_cast<std::size_t>(port.n_observations));
  std::vector<double> seen(rounded.size());
  const auto look = [&](const std::vector<double>& wanted) {
    observe_mujoco(port, world, seen.data());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      // what the network gets is this number rounded once
      CHECK(rounded[i] == static_cast<float>(seen[i]));
      const double error = std::abs(seen[i] - wanted[i]) / (1.0 + std::abs(wanted[i]));
      difference.observation = std::max(difference.observation, error);
      if (is_trigonometric(recording.environment, i))
        CHECK(std::abs(seen[i] - wanted[i]) <= 2.3e-16);
      else
        difference.n_other_bits += std::memcmp(&seen[i], &wanted[i], sizeof(double)) != 0 &&
                                   !(seen[i] == 0.0 && wanted[i] == 0.0);
    }
  };
  for (const Step& step : recording.steps) {
    if (step.is_start) {
      start_mujoco(port, world, step.qpos.data(), step.qvel.data(), state.data(), rounded.data());
      look(step.start_observation);
      ++difference.n_episodes;
    }
    const std::vector<float> action(step.action.begin(), step.action.end());
    const StepOutcome outcome = port.step(port, world, action.data(), state.data(), rounded.data());
    look(step.observation);
    difference.reward = std::max(difference.reward, std::abs(outcome.reward - step.reward));
    difference.n_other_ends += (outcome.end != EpisodeEnd::kGoesOn) != step.is_end;
  }
  port.free_world(world);
  return difference;
}

std::string output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2> /dev/null").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text(200, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  pclose(pipe);
  return text;
}

bool mujoco_is_missing() {
  if (has_mujoco()) return false;
  note_skip("no MuJoCo in this build");
  return true;
}

}  // namespace

TEST_CASE("gymnasium: the same steps as its environments, by the same library") {
  if (mujoco_is_missing()) return;
  const char* named = std::getenv("SPIKELANE_PYTHON");
  const std::string script =
      std::string(named == nullptr ? "python3" : named) + " '" +
      (fs::path(SPIKELANE_SOURCE_DIR) / "tests/tasks/gymnasium_episodes.py").string() + "' ";
  const std::string versions = output_of(script + "version");
  if (versions.empty()) {
    note_skip("Python has no Gymnasium with MuJoCo");
    return;
  }
  if (versions != "1.4.0 " + std::string(mujoco_version()) + '\n') {
    note_skip("Python's Gymnasium and MuJoCo are other ones than 1.4.0 and this build's");
    return;
  }
  const ScratchFolder folder;
  REQUIRE(std::system(
              (script + "record '" + folder.path().string() + "' 1000 > /dev/null 2>&1").c_str()) ==
          0);
  int n_environments = 0;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    const Recording recording = read_recording(entry.path());
    CAPTURE(recording.environment);
    const Difference difference = compare(recording, recording.model);
    CAPTURE(difference.observation);
    CAPTURE(difference.n_episodes);
    CHECK(difference.n_other_bits == 0);
    CHECK(difference.reward <= 1e-12);
    CHECK(difference.n_other_ends == 0);
    CHECK(recording.steps.size() == 1000);
    ++n_environments;
  }
  CHECK(n_environments == 11);
}

TEST_CASE("gymnasium: recorded steps of our own models, by any library") {
  if (mujoco_is_missing()) return;
  for (const std::string name : {"Hopper", "HalfCheetah", "Ant", "HumanoidStandup"}) {
    CAPTURE(name);
    const Recording recording = read_recording(kData / (name + ".steps"));
    const Difference difference = compare(recording, kData / recording.model);
    CAPTURE(difference.observation);
    CAPTURE(difference.reward);
    // by the version that recorded it in every bit, by others as near as versions agree
    if (recording.version == mujoco_version()) {
      CHECK(difference.n_other_bits == 0);
      CHECK(difference.reward <= 1e-12);
    }
    // the crawler lies in contacts, whose forces versions solve a little differently
    const double tolerance = recording.model == "leg.xml" ? 1e-8 : 1e-3;
    CHECK(difference.observation <= tolerance);
    CHECK(difference.reward <= tolerance);
    CHECK(difference.n_other_ends == 0);
  }
}

}  // namespace spikelane::test
