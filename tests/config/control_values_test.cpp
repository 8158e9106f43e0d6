// The keys of control tasks: right ones arrive, wrong ones are told.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/config/config_keys.h"
#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "tasks/load_task.h"

using namespace spikelane;

namespace {

constexpr const char* kControl = R"({
  "task": {"kind": "cartpole"},
  "network": {
    "populations": [{"name": "h", "model": "leaky", "n": 3, "beta": 0.9},
                    {"name": "o", "model": "readout", "n": 2, "beta": 0.9}],
    "projections": [{"from": "input", "to": "h"}, {"from": "h", "to": "o"}]},
  "rule": {"kind": "es", "n_members": 4}
})";

struct Case {
  std::vector<std::string> changes;
  std::string place, allowed;
};

std::vector<Problem> problems_of(const std::vector<std::string>& changes) {
  try {
    const RunConfig config = parse_config(kControl, "test.json", changes);
    const TaskShape shape = describe_task(config);
    check_against_task(config, shape.n_inputs, shape.n_steps, shape.n_classes, shape.n_train,
                       shape.n_test);
  } catch (const UserError& error) {
    return error.problems();
  }
  return {};
}

/// What is wrong is told once, with its place; `good` are changes that are right.
void check_told(const Case& bad, std::vector<std::string> good = {}) {
  CAPTURE(bad.changes[0]);
  good.insert(good.end(), bad.changes.begin(), bad.changes.end());
  const std::vector<Problem> problems = problems_of(good);
  std::string message;
  for (const Problem& problem : problems) message += to_text(problem) + '\n';
  CAPTURE(message);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place == bad.place);
  CHECK(problems[0].allowed.find(bad.allowed) != std::string::npos);
}

}  // namespace

TEST_CASE("control: every key arrives and survives writing") {
  const RunConfig c = parse_config(
      kControl, "test.json",
      {R"(task={"kind":"mujoco","model":"a.xml","body":"b","sensors":["s","t"],"actuators":["u"],
        "physics_steps":7,"forward":2,"healthy":0.5,"control_cost_mean":0.25,
        "control_cost_sum":0.5,"observe":["qpos[1:]","qvel clip -1 1"],"kinematics":"as_gymnasium",
        "forward_of":"qpos[0:1]","reward_terms":["-1 norm(qpos) limit 2"],"healthy_when":["qpos < 1"],
        "reset":{"keyframe":"home","noise_velocity":2,"distribution":"normal","draws":["qvel in 0 to 1"]},
        "min_height":0.1,
        "max_height":3,"min_upright":0.5,"reset_noise":0,"n_episodes":3,"n_test_episodes":4,
        "max_steps":50,"control_steps":6,"squash":"clip","action_scale":3,
        "observation":{"coding":"gaussian","n_fields":5,"low":[-1,-2],"high":[3,4],"width":0.5}})"});
  const MujocoConfig& m = c.task.mujoco;
  CHECK(m.model == "a.xml");
  CHECK(m.body == "b");
  CHECK(m.sensors == std::vector<std::string>{"s", "t"});
  CHECK(m.actuators == std::vector<std::string>{"u"});
  CHECK(m.physics_steps == 7);
  CHECK(m.forward == 2.0);
  CHECK(m.healthy == 0.5);
  CHECK(m.control_cost_mean == 0.25);
  CHECK(m.control_cost_sum == 0.5);
  CHECK(m.observe == std::vector<std::string>{"qpos[1:]", "qvel clip -1 1"});
  CHECK(m.kinematics == KinematicsKind::kGymnasium);
  CHECK(m.forward_of == "qpos[0:1]");
  CHECK(m.reward_terms == std::vector<std::string>{"-1 norm(qpos) limit 2"});
  CHECK(m.healthy_when == std::vector<std::string>{"qpos < 1"});
  CHECK(m.reset.keyframe == "home");
  CHECK(m.reset.noise_velocity == 2.0);
  CHECK(m.reset.distribution == VelocityNoise::kNormal);
  CHECK(m.reset.draws == std::vector<std::string>{"qvel in 0 to 1"});
  CHECK(m.min_height == 0.1);
  CHECK(m.max_height == 3.0);
  CHECK(m.min_upright == 0.5);
  CHECK(m.reset_noise == 0.0);
  const ControlConfig& control = c.task.control;
  CHECK(control.n_episodes == 3);
  CHECK(control.n_test_episodes == 4);
  CHECK(control.max_steps == 50);
  CHECK(control.control_steps == 6);
  CHECK(control.squash == ActionKind::kClip);
  CHECK(control.action_scale == 3.0);
  CHECK(control.observation.n_fields == 5);
  CHECK(control.observation.low == std::vector<double>{-1.0, -2.0});
  CHECK(control.observation.high == std::vector<double>{3.0, 4.0});
  CHECK(control.observation.width == std::vector<double>{0.5});
  for (const char* task : {R"(task={"kind":"cartpole"})", R"(task={"kind":"pendulum"})",
                           R"(task={"kind":"mujoco","model":"m","body":"b"})"}) {
    const std::string text = config_to_json(parse_config(kControl, "test.json", {task}));
    CHECK(config_to_json(parse_config(text, "again")) == text);
  }
}

TEST_CASE("control: an environment of Gymnasium fills in keys, and each can be changed") {
  const auto mujoco_of = [](const std::string& task) {
    return parse_config(kControl, "test.json", {"task=" + task}).task;
  };
  const TaskConfig hopper = mujoco_of(R"({"kind":"mujoco","environment":"Hopper-v5"})");
  CHECK(hopper.mujoco.model == "gymnasium:hopper.xml");
  CHECK(hopper.mujoco.observe == std::vector<std::string>{"qpos[1:]", "qvel clip -10 10"});
  CHECK(hopper.mujoco.control_cost_sum == 1e-3);
  CHECK(hopper.control.max_steps == 1000);
  CHECK(mujoco_of(R"({"kind":"mujoco","environment":"Reacher-v5"})").control.max_steps == 50);
  // the one noise of Gymnasium is that of positions and velocities
  const TaskConfig changed = mujoco_of(
      R"({"max_steps":7,"kind":"mujoco","model":"a.xml","forward":2,"reset_noise":0.5,"environment":"Ant-v5"})");
  CHECK(changed.mujoco.model == "a.xml");
  CHECK(changed.mujoco.forward == 2.0);
  CHECK(changed.mujoco.reset_noise == 0.5);
  CHECK(changed.mujoco.reset.noise_velocity == 0.5);
  CHECK(changed.mujoco.reset.distribution == VelocityNoise::kNormal);
  CHECK(changed.control.max_steps == 7);
  for (const auto& [kind, name] : kEnvironmentKinds) {
    if (kind == EnvironmentKind::kNone) continue;
    CAPTURE(name);
    const std::string task =
        R"(task={"kind":"mujoco","environment":")" + std::string(name) + R"("})";
    const std::string text = config_to_json(parse_config(kControl, "test.json", {task}));
    CHECK(config_to_json(parse_config(text, "again")) == text);
  }
  // its name in older configs and policies
  CHECK(mujoco_of(R"({"kind":"mujoco","model":"m","body":"b","control_cost":0.5})")
            .mujoco.control_cost_mean == 0.5);
  // the longest episode is that of the environment
  CHECK(mujoco_of(R"({"kind":"cartpole"})").control.max_steps == 500);
  CHECK(mujoco_of(R"({"kind":"pendulum"})").control.max_steps == 200);
}

TEST_CASE("control: what is wrong is told once, with its place") {
  CHECK(problems_of({}).empty());
  const std::vector<Case> cases = {
      {{"task.n_episodes=0"}, "task.n_episodes", "an integer from 1"},
      {{"task.n_test_episodes=0"}, "task.n_test_episodes", "an integer from 1"},
      {{"task.max_steps=0"}, "task.max_steps", "an integer from 1"},
      {{"task.control_steps=0"}, "task.control_steps", "an integer from 1"},
      {{"task.max_steps=1000000", "task.control_steps=2"}, "task.control_steps", "up to 1000000"},
      {{"task.squash=tanh"}, "task.squash", "only where kind = pendulum or kind = mujoco"},
      {{"task.body=b"}, "task.body", "only where kind = mujoco"},
      {{"task.observation.coding=spikes"}, "task.observation.coding", "\"gaussian\""},
      {{"task.observation.scale=0"}, "task.observation.scale", "a number > 0"},
      {{"task.observation.scale=[1,2,3]"}, "task.observation.scale", "the 4 observations"},
      {{"task.observation.low=1"}, "task.observation.low", "only where coding = gaussian"},
      {{R"(task.observation={"coding":"gaussian","n_fields":1})"},
       "task.observation.n_fields",
       "from 2"},
      {{R"(task.observation={"coding":"gaussian","high":-1})"}, "task.observation.high", "> low"},
      {{R"(task.observation={"coding":"gaussian","high":[1,1,-2,1]})"},
       "task.observation.high.2",
       "> low = -1"},
      {{R"(task.observation={"coding":"gaussian","low":[0,0],"high":[1,1,1]})"},
       "task.observation.high",
       "as many numbers"},
      {{R"(task.observation={"coding":"gaussian","low":[0,0]})"},
       "task.observation.low",
       "the 4 observations"},
      {{R"(task.observation={"coding":"gaussian","width":0})"}, "task.observation.width", "> 0"},
      {{"loss.scale=2"}, "loss", "minus the return"},
      {{"rule.batch=2"}, "rule.batch", "\"all\""},
      {{"run.n_test_report=201"}, "run.n_test_report", "<= 200"},
      {{"network.populations.1.n=3"}, "network.populations.1.n", "2, one for each action"},
      {{"network.populations.1.model=leaky"}, "network.populations.1.model", "\"readout\""},
      {{R"(task={"kind":"mujoco","body":"b"})"}, "task.model", "a text, not empty"},
      {{R"(task={"kind":"mujoco","model":"m"})"}, "task.body", "a text, not empty"},
      {{R"(task={"kind":"mujoco","model":"m","body":"b","sensors":"x"})"},
       "task.sensors",
       "an array of sensor names"},
      {{R"(task={"kind":"mujoco","model":"m","body":"b","actuators":[1]})"},
       "task.actuators.0",
       "an actuator name"},
      {{R"(task={"kind":"mujoco","model":"m","body":"b","sensors":["x","x"]})"},
       "task.sensors.1",
       "each name once"},
      {{R"(task={"kind":"mujoco","model":"m","body":"b","min_height":2,"max_height":1})"},
       "task.max_height",
       "> min_height"},
      {{R"(task={"kind":"mujoco","model":"m","body":"b","physics_steps":0})"},
       "task.physics_steps",
       "from 1"},
      {{R"(task={"kind":"mujoco","model":"m","body":"b","control_cost_sum":-1})"},
       "task.control_cost_sum",
       ">= 0"},
      {{R"(task={"kind":"mujoco","model":"m","body":"b","control_cost":-1})"},
       "task.control_cost",
       ">= 0"},
      {{R"(task={"kind":"mujoco","model":"m","body":"b","control_cost":1,"control_cost_mean":1})"},
       "task.control_cost",
       "control_cost_"},
      {{R"(task={"kind":"mujoco","environment":"Hopper-v4","model":"m","body":"b"})"},
       "task.environment",
       "\"Hopper-v5\""},
      {{R"(task={"kind":"mujoco","environment":"Hopper-v5","reward_terms":"x"})"},
       "task.reward_terms",
       "an array of texts"},
      {{R"(task={"kind":"mujoco","environment":"Hopper-v5","healthy_when":["a",1]})"},
       "task.healthy_when.1",
       "a text"},
      {{R"(task={"kind":"mujoco","environment":"Hopper-v5","observe":[]})"},
       "task.observe",
       "an array of observation names"}};
  for (const Case& bad : cases) check_told(bad);
}

TEST_CASE("control: what a rule that acts needs") {
  const std::string rule = R"(rule={"kind":"kernl","mode":"acting"})";
  const std::vector<std::string> good{
      rule, R"(network.populations.0={"name":"h","model":"alif","n":3,"alpha":0.9})",
      "network.populations.1.n=3"};
  CHECK(problems_of(good).empty());
  const RunConfig config = parse_config(kControl, "test.json", good);
  CHECK(config.rule.is_acting());
  CHECK(config.rule.batch() == 0);
  CHECK(config_to_json(parse_config(config_to_json(config), "again")) == config_to_json(config));
  const std::vector<Case> cases = {
      {{"rule.mode=online"}, "rule.mode", "\"acting\" where task.kind is a control task"},
      {{"rule.mode=trial"}, "rule.mode", "\"acting\" where task.kind is a control task"},
      {{"rule.k_steps=16", "task.control_steps=3"}, "rule.k_steps", "a multiple of"},
      {{"rule.k_steps=0"}, "rule.k_steps", "from 1"},
      {{"rule.discount=1"}, "rule.discount", "< 1"},
      {{"rule.trace_decay=1.5"}, "rule.trace_decay", "<= 1"},
      {{"rule.critic_weight=-1"}, "rule.critic_weight", ">= 0"},
      {{"rule.rate_strength=0.1"}, "rule.rate_strength", "0 where rule.mode is acting"},
      {{"rule.sensitivity.kind=one_hop"}, "rule.sensitivity.kind", "where the mode is acting"},
      {{"rule.derivative_at=seed"}, "rule.derivative_at", "where the mode is acting"},
      {{"rule.batch=4"}, "rule.batch", "only where"},
      {{"network.populations.1.n=2"}, "network.populations.1.n", "3, one for each action and the"},
      {{R"(task={"kind":"pendulum"})", "network.populations.1.n=2"}, "task.kind", "\"cartpole\""}};
  for (const Case& bad : cases) check_told(bad, good);
  // and only a control task has a reward
  try {
    parse_config(R"({"task": {"kind": "randman"}, "network": {
      "populations": [{"name": "h", "model": "alif", "n": 3, "alpha": 0.9},
                      {"name": "o", "model": "readout", "n": 10, "beta": 0.9}],
      "projections": [{"from": "input", "to": "h"}, {"from": "h", "to": "o"}]},
      "rule": {"kind": "kernl", "mode": "acting"}})",
                 "test.json");
    FAIL("accepted");
  } catch (const UserError& error) {
    CHECK(error.problems()[0].place == "rule.mode");
    CHECK(error.problems()[0].allowed.find("there is no reward") != std::string::npos);
  }
}
