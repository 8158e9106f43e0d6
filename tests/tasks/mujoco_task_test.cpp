// MuJoCo worlds: the models of the project load and move, rows do not know of one another, returns
// are the same for any number of threads, and what is wrong is told.
#include "tasks/mujoco/mujoco_task.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "engine/run/episode_trials.h"
#include "engine/run/es_trainer.h"
#include "tasks/load_task.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"

namespace spikelane::test {
namespace {

const std::filesystem::path kModels =
    std::filesystem::path(SPIKELANE_SOURCE_DIR) / "tasks/mujoco/models";

bool mujoco_is_missing() {
  if (has_mujoco()) return false;
  note_skip("no MuJoCo in this build");
  return true;
}

MujocoConfig world(const std::string& body) {
  MujocoConfig config;
  config.body = body;
  return config;
}

struct Row {
  std::vector<double> state;
  std::vector<float> observation;
  double reward = 0.0;
};

Row make_row(const TaskPort& port, void* data, std::uint32_t episode) {
  Row row{std::vector<double>(static_cast<std::size_t>(port.n_state)),
          std::vector<float>(static_cast<std::size_t>(port.n_observations)), 0.0};
  port.reset(port, data, {1, 0, 0, Stream::kEnvironment, episode}, row.state.data(),
             row.observation.data());
  return row;
}

void step(const TaskPort& port, void* data, Row& row, int t) {
  std::vector<float> action(static_cast<std::size_t>(port.n_actions));
  for (std::size_t k = 0; k < action.size(); ++k)
    action[k] = std::sin(0.3f * static_cast<float>(t) + static_cast<float>(k));
  row.reward =
      port.step(port, data, action.data(), row.state.data(), row.observation.data()).reward;
}

std::vector<Problem> problems_of(const MujocoConfig& config, const std::filesystem::path& file) {
  try {
    load_mujoco(config, ControlConfig(), file);
  } catch (const UserError& error) {
    return error.problems();
  }
  return {};
}

}  // namespace

TEST_CASE("mujoco: the fingerprint is that of the compiled model") {
  if (mujoco_is_missing()) return;
  const std::filesystem::path hopper = kModels / "hopper.xml";
  std::ifstream file(hopper);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const ScratchFolder scratch;
  const auto fingerprint_of = [&](const std::string& xml) {
    std::ofstream(scratch / "model.xml") << xml;
    return mujoco_fingerprint(*load_mujoco(world("torso"), ControlConfig(), scratch / "model.xml"));
  };
  const std::string own = fingerprint_of(text);
  CHECK(own.size() == 16);
  CHECK(own == mujoco_fingerprint(*load_mujoco(world("torso"), ControlConfig(), hopper)));
  CHECK(own == fingerprint_of(text + "<!-- a comment -->\n"));
  std::string changed = text;
  const std::size_t at = changed.find("timestep=\"");
  REQUIRE(at != std::string::npos);
  changed.replace(at, changed.find('"', at + 10) + 1 - at, "timestep=\"0.00125\"");
  CHECK(own != fingerprint_of(changed));
}

TEST_CASE("mujoco: rows of the project's models do not know of one another") {
  if (mujoco_is_missing()) return;
  struct Model {
    const char *name, *body;
    int n_observations, n_actions;
  };
  for (const Model& model : {Model{"cartpole", "pole", 4, 1}, Model{"hopper", "torso", 11, 3},
                             Model{"walker", "torso", 27, 8}}) {
    CAPTURE(model.name);
    const auto loop = load_mujoco(world(model.body), ControlConfig(),
                                  kModels / (std::string(model.name) + ".xml"));
    const TaskPort& port = loop->view().port;
    CHECK(port.n_observations == model.n_observations);
    CHECK(port.n_actions == model.n_actions);
    void* shared = port.make_world(port);
    void* alone = port.make_world(port);
    Row a = make_row(port, shared, 0), b = make_row(port, shared, 1);
    Row same = make_row(port, alone, 0);
    CHECK(a.state != b.state);
    for (int t = 0; t < 60; ++t) {
      step(port, shared, a, t);
      step(port, shared, b, t + 5);
      step(port, alone, same, t);
      REQUIRE(a.state == same.state);
      REQUIRE(a.observation == same.observation);
      REQUIRE(a.reward == same.reward);
    }
    CHECK(std::abs(a.reward) > 1e-6);
    std::vector<float> segments;
    loop->draw()(port, shared, a.state.data(), segments);
    CHECK(segments.size() >= 8);
    CHECK(segments.size() % 4 == 0);
    port.free_world(shared);
    port.free_world(alone);
  }
}

TEST_CASE("mujoco: the same returns for any number of threads") {
  if (mujoco_is_missing()) return;
  const std::string text = R"({"task": {"kind": "mujoco", "model": ")" +
                           (kModels / "hopper.xml").string() +
                           R"(", "body": "torso", "healthy": 1, "min_height": 0.8,
      "n_episodes": 3, "n_test_episodes": 20, "max_steps": 40, "control_steps": 2,
      "observation": {"coding": "rates"}},
    "network": {"populations": [{"name": "hidden", "model": "leaky", "n": 12, "beta": 0.8},
                                {"name": "output", "model": "readout", "n": 3, "beta": 0.7}],
    "projections": [{"from": "input", "to": "hidden", "init": {"kind": "normal", "std": 1}},
                    {"from": "hidden", "to": "output", "init": {"kind": "normal", "std": 1}}]},
    "rule": {"kind": "es", "n_members": 8, "sigma": 0.3}})";
  RunConfig config = parse_config(text, "hopper");
  config.network.n_inputs = describe_task(config).n_inputs;
  const TaskData data = load_task(config);
  const KernelTable& kernels = *runnable_kernels().back();
  std::string hash, test_hash;
  for (int n_threads = 1; n_threads <= 4; ++n_threads) {
    ThreadPool pool(n_threads);
    EsTrainer trainer(
        config, kernels, pool,
        std::make_unique<EpisodeTrials>(config, PlanOptions(), kernels, pool, *data.loop));
    for (int u = 0; u < 2; ++u) CHECK(*trainer.update().mean_return > 0.0);
    EpisodeTest test(config, {}, kernels, pool, *data.loop);
    CHECK(test.run(trainer.parameters(), 0).firing_rate.at("hidden") > 0.001);
    if (n_threads == 1) {
      hash = trainer.state_hash();
      test_hash = test.state_hash();
    }
    CHECK(trainer.state_hash() == hash);
    CHECK(test.state_hash() == test_hash);
  }
}

TEST_CASE("mujoco: what is wrong is told, all at once") {
  if (mujoco_is_missing()) return;
  const auto hopper = kModels / "hopper.xml";
  MujocoConfig config = world("torsi");
  config.sensors = {"height", "hights", ""};
  config.actuators = {"hip", "nose"};
  const auto problems = problems_of(config, hopper);
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].place == "task.sensors.1");
  CHECK(problems[0].allowed.find("height") != std::string::npos);
  CHECK(problems[1].place == "task.sensors.2");
  CHECK(problems[2].place == "task.actuators.1");
  CHECK(problems[3].place == "task.body");

  const ScratchFolder folder;
  const auto file = folder.path() / "model.xml";
  const auto problem_with = [&](const std::string& body, const char* option) {
    std::ofstream(file) << "<mujoco><option " << option << "/><worldbody>" << body
                        << "</worldbody></mujoco>";
    const auto found = problems_of(world("b"), file);
    return found.empty() ? std::string() : found[0].place + ": " + found[0].allowed;
  };
  // not XML that MuJoCo knows
  CHECK(problem_with("<bodyy/>", "").find("task.model: a model that MuJoCo accepts") == 0);
  const std::string slide = "<body name='b'><joint type='slide'/><geom size='1'/></body>";
  CHECK(problem_with(slide, "").find("task.sensors: a model that has some") == 0);
  CHECK(problem_with(slide, "integrator='RK4'").find("task.model: a model with integrator") == 0);
}

TEST_CASE("mujoco: unstable physics ends an episode, and a model that cannot rest is refused") {
  if (mujoco_is_missing()) return;
  const ScratchFolder folder;
  const auto file = folder.path() / "model.xml";
  const auto write = [&](const char* stiffness, const char* gear) {
    std::ofstream(file)
        << "<mujoco><option timestep='0.05'/><worldbody><body name='b'>"
           "<joint name='j' type='slide' axis='1 0 0' stiffness='"
        << stiffness << "'/><geom size='0.1'/></body></worldbody><actuator><motor joint='j' gear='"
        << gear << "'/></actuator><sensor><jointpos joint='j'/></sensor></mujoco>";
  };
  write("1e9", "1");
  const auto problems = problems_of(world("b"), file);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place == "task.model");
  CHECK(problems[0].value.find("unstable") != std::string::npos);

  write("0", "1e25");
  const auto loop = load_mujoco(world("b"), ControlConfig(), file);
  const TaskPort& port = loop->view().port;
  void* data = port.make_world(port);
  Row row = make_row(port, data, 0);
  const float action = 1.0f;
  StepOutcome outcome{};
  for (int t = 0; t < 5 && outcome.end == EpisodeEnd::kGoesOn; ++t)
    outcome = port.step(port, data, &action, row.state.data(), row.observation.data());
  CHECK(outcome.end == EpisodeEnd::kUnstable);
  for (const double x : row.state) CHECK(std::isfinite(x));
  // the world is as good as new for another row
  Row other = make_row(port, data, 1);
  const float rest = 0.0f;
  CHECK(port.step(port, data, &rest, other.state.data(), other.observation.data()).end ==
        EpisodeEnd::kGoesOn);
  port.free_world(data);
}

}  // namespace spikelane::test
