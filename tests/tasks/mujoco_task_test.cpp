// MuJoCo worlds: the models of the project load and move, rows do not know of one another, returns
// are the same for any number of threads, and what is wrong is told.
#include "tasks/mujoco/mujoco_task.h"

#include <doctest/doctest.h>

#include <algorithm>
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

void step(const TaskPort& port, void* data, Row& row, int t, float size = 1.0f) {
  std::vector<float> action(static_cast<std::size_t>(port.n_actions));
  for (std::size_t k = 0; k < action.size(); ++k)
    action[k] = size * std::sin(0.3f * static_cast<float>(t) + static_cast<float>(k));
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
  CHECK(problem_with("<bodyy/>", "").find("task.model: a model that MuJoCo ") == 0);
  const std::string slide = "<body name='b'><joint type='slide'/><geom size='1'/></body>";
  CHECK(problem_with(slide, "").find("task.sensors: a model that has sensors") == 0);
}

TEST_CASE("mujoco: terms, names and ranges that are wrong are told, all at once") {
  if (mujoco_is_missing()) return;
  MujocoConfig config = world("torso");
  config.observe = {
      "qpos[1:]",         "qpos[1:99]", "qpod",       "xpos:torsi", "qvel clip 1 -1",   "sin(qpos",
      "qpos - qvel[0:1]", "qpos[2:1]",  "qpos:torso", "ten_length", "qvel clip -1 1 x", ""};
  config.forward_of = "qvel";
  config.reward_terms = {"1", "-0.5 norm(xpos:torso)", "qpos", "1 qpos limit 0"};
  config.healthy_when = {"qpos[1:2] > -100", "qpos", "qpos < x"};
  config.reset.keyframe = "home";
  config.reset.draws = {"qpos[0:1] in 0 to 1", "xpos:torso in 0 to 1",
                        "qpos[0:2] in 0 to 1, 0 to 1, 0 to 1", "qpos[0:2] in -1 to 1 norm > 2",
                        "qpos[0:1] in 1 to 0"};
  std::vector<std::string> places;
  for (const Problem& problem : problems_of(config, kModels / "hopper.xml"))
    places.push_back(problem.place);
  const std::vector<std::string> expected{
      "task.observe.1",      "task.observe.2",      "task.observe.3",      "task.observe.4",
      "task.observe.5",      "task.observe.6",      "task.observe.7",      "task.observe.8",
      "task.observe.9",      "task.observe.10",     "task.observe.11",     "task.forward_of",
      "task.reward_terms.2", "task.reward_terms.3", "task.healthy_when.1", "task.healthy_when.2",
      "task.reset.draws.1",  "task.reset.draws.2",  "task.reset.draws.3",  "task.reset.draws.4",
      "task.reset.keyframe"};
  CHECK(places == expected);
}

TEST_CASE("mujoco: limits without a body, and episodes that end in their first step") {
  if (mujoco_is_missing()) return;
  MujocoConfig config;
  config.forward_of = "qpos[0:1]";
  config.min_height = 0.5;
  auto problems = problems_of(config, kModels / "hopper.xml");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place == "task.body");
  config = world("torso");
  config.healthy_when = {"qpos[0:1] > 100"};
  problems = problems_of(config, kModels / "hopper.xml");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].value == "episodes that end in their first control step");
}

TEST_CASE("mujoco: a URDF, a model of a newer version, and what MuJoCo says on one line") {
  if (mujoco_is_missing()) return;
  const ScratchFolder folder;
  const auto file = folder.path() / "robot.urdf";
  std::ofstream(file)
      << "<robot name='r'><link name='b'><inertial><mass value='1'/><inertia ixx='1' "
         "iyy='1' izz='1' ixy='0' ixz='0' iyz='0'/></inertial></link><link "
         "name='arm'><inertial><mass value='1'/><inertia ixx='1' iyy='1' izz='1' "
         "ixy='0' ixz='0' iyz='0'/></inertial></link><joint name='j' type='continuous'>"
         "<parent link='b'/><child link='arm'/></joint></robot>";
  auto problems = problems_of(world("arm"), file);
  REQUIRE(problems.size() == 2);
  for (const Problem& problem : problems)
    CHECK(problem.allowed.find("URDF cannot describe them") != std::string::npos);
  std::ofstream(file) << "<mujoco><option no_such_option='1'/><worldbody/></mujoco>";
  problems = problems_of(world("b"), file);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].allowed.find(std::string("MuJoCo ") + mujoco_version()) != std::string::npos);
  CHECK(problems[0].allowed.find("no_such_option") != std::string::npos);
  CHECK(problems[0].allowed.find("\\x0a") == std::string::npos);
}

TEST_CASE("mujoco: the print of a model is the same each time, and another for another model") {
  if (mujoco_is_missing()) return;
  const MujocoPrint hopper = mujoco_print(kModels / "hopper.xml");
  CHECK(hopper.library == std::string("MuJoCo ") + mujoco_version());
  CHECK(hopper.digest.size() == 16);
  CHECK(mujoco_print(kModels / "hopper.xml").digest == hopper.digest);
  CHECK(mujoco_print(kModels / "walker.xml").digest != hopper.digest);
  CHECK(mujoco_library_path().find("mujoco") != std::string::npos);
}

TEST_CASE("mujoco: rows of models with memory of every kind do not know of one another") {
  if (mujoco_is_missing()) return;
  const ScratchFolder folder;
  const auto file = folder.path() / "model.xml";
  struct Kind {
    const char *name, *option, *worldbody, *rest;
  };
  const char* slide =
      "<body name='b' pos='0 0 1'><joint name='j' type='slide' axis='1 0 0'/><geom "
      "size='0.1'/></body>";
  const char* fall =
      "<geom type='plane' size='9 9 1'/><body name='b' pos='0 0 .11'><freejoint/><geom "
      "size='.1'/></body>"
      "<body pos='1 0 .3'><joint name='j' type='slide' axis='0 0 1' damping='5'/><geom "
      "size='.1'/></body>"
      "<body pos='2 0 .11'><freejoint/><geom type='box' size='.1 .1 .1'/></body>";
  const Kind kinds[] = {
      {"RK4", "<option integrator='RK4'/>", slide, "<actuator><motor joint='j'/></actuator>"},
      {"implicit", "<option integrator='implicit'/>", slide,
       "<actuator><motor joint='j'/></actuator>"},
      {"activation", "", slide,
       "<actuator><general joint='j' dyntype='integrator' gainprm='2'/></actuator>"},
      {"tendon, equality, ball, mocap", "",
       "<body name='b'><joint name='j' type='slide' axis='1 0 0'/><geom size='0.1'/><body pos='0 0 "
       ".3'>"
       "<joint name='k' type='ball'/><geom size='.1'/></body></body><body name='m' mocap='true' "
       "pos='0 1 0'><geom size='.1'/></body>",
       "<tendon><fixed name='t'><joint joint='j' coef='2'/></fixed></tendon><equality><weld "
       "body1='b' "
       "body2='m' solref='1 1'/></equality><actuator><motor tendon='t'/></actuator>"
       "<sensor><ballquat joint='k'/></sensor>"},
      {"delay", "", slide, "<actuator><motor joint='j' delay='.02' nsample='20'/></actuator>"},
      {"sleep", "<option><flag sleep='enable'/></option>", fall,
       "<actuator><motor joint='j' gear='3'/></actuator>"},
  };
  for (const Kind& kind : kinds) {
    const std::string name = kind.name;
    CAPTURE(name);
    std::ofstream(file) << "<mujoco>" << kind.option << "<worldbody>" << kind.worldbody
                        << "</worldbody>" << kind.rest << "</mujoco>";
    MujocoConfig config = world("b");
    config.observe = {"qpos", "qvel", "xpos:b"};
    config.reset_noise = config.reset.noise_velocity = 0.1;
    config.healthy_when = {"qpos < 1e6"};
    const auto problems = problems_of(config, file);
    if (!problems.empty() && (name == "delay" || name == "sleep")) {
      note_skip("MuJoCo " + std::string(mujoco_version()) + " has no " + name);
      continue;
    }
    REQUIRE(problems.empty());
    const auto loop = load_mujoco(config, ControlConfig(), file);
    const TaskPort& port = loop->view().port;
    void* shared = port.make_world(port);
    void* alone = port.make_world(port);
    Row a = make_row(port, shared, 0), b = make_row(port, shared, 1);
    Row same = make_row(port, alone, 0);
    for (int t = 0; t < 300; ++t) {
      // the last ones rest, so that bodies may fall asleep
      step(port, shared, a, t, t < 100 ? 1.0f : 0.0f);
      step(port, shared, b, t + 5, t < 150 ? 0.4f : 0.0f);
      step(port, alone, same, t, t < 100 ? 1.0f : 0.0f);
      REQUIRE(a.observation == same.observation);
      REQUIRE(a.reward == same.reward);
    }
    CHECK(a.observation != b.observation);
    port.free_world(shared);
    port.free_world(alone);
  }
}

TEST_CASE("mujoco: start from a keyframe, with numbers that are drawn") {
  if (mujoco_is_missing()) return;
  const ScratchFolder folder;
  const auto file = folder.path() / "model.xml";
  std::ofstream(file)
      << "<mujoco><worldbody><body name='b'><joint name='j' type='slide' axis='1 0 0'/>"
         "<joint type='slide' axis='0 1 0'/><joint type='slide' axis='0 0 1'/><geom "
         "size='0.1'/></body></worldbody><actuator><motor joint='j'/></actuator>"
         "<keyframe><key name='home' qpos='5 6 7' qvel='1 2 3'/></keyframe></mujoco>";
  MujocoConfig config = world("b");
  config.observe = {"qpos", "qvel", "norm(qpos[0:2])"};
  config.reset_noise = config.reset.noise_velocity = 0.0;
  config.reset.keyframe = "home";
  config.reset.draws = {"qpos[0:2] in -0.2 to 0.2 norm < 0.2", "qvel[-1:] in 9 to 9"};
  const auto loop = load_mujoco(config, ControlConfig(), file);
  const TaskPort& port = loop->view().port;
  void* data = port.make_world(port);
  double largest = 0.0;
  for (std::uint32_t i = 0; i < 200; ++i) {
    const Row row = make_row(port, data, i);
    REQUIRE(row.observation.size() == 7);
    largest = std::max(largest, static_cast<double>(row.observation[6]));
    CHECK(row.observation[6] < 0.2f);
    CHECK(std::vector<float>(row.observation.begin() + 2, row.observation.begin() + 6) ==
          std::vector<float>{7, 1, 2, 9});
  }
  CHECK(largest > 0.18);
  port.free_world(data);
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
  // a control that is no number is told of too, where MuJoCo would put 0 in its place
  const float no_number = std::nanf("");
  Row stopped = make_row(port, data, 2);
  CHECK(port.step(port, data, &no_number, stopped.state.data(), stopped.observation.data()).end ==
        EpisodeEnd::kUnstable);
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
