#include "engine/config/environment_presets.h"

namespace spikelane {
namespace {

// the keys that most of them share: way along x from the first position, no health
MujocoConfig base(EnvironmentKind kind, const char* file, int physics_steps, double noise) {
  MujocoConfig c;
  c.environment = kind;
  c.model = std::string("gymnasium:") + file;
  c.physics_steps = physics_steps;
  c.kinematics = KinematicsKind::kGymnasium;
  c.forward_of = "qpos[0:1]";
  c.reset_noise = c.reset.noise_velocity = noise;
  return c;
}

MujocoConfig hopper_or_walker(bool is_hopper) {
  MujocoConfig c = is_hopper ? base(EnvironmentKind::kHopper, "hopper.xml", 4, 5e-3)
                             : base(EnvironmentKind::kWalker2d, "walker2d_v5.xml", 4, 5e-3);
  c.observe = {"qpos[1:]", "qvel clip -10 10"};
  c.healthy = 1.0;
  c.control_cost_sum = 1e-3;
  if (is_hopper)
    c.healthy_when = {"qpos[1:2] > 0.7", "qpos[2:3] > -0.2", "qpos[2:3] < 0.2", "qpos[2:] > -100",
                      "qpos[2:] < 100",  "qvel > -100",      "qvel < 100"};
  else
    c.healthy_when = {"qpos[1:2] > 0.8", "qpos[1:2] < 2", "qpos[2:3] > -1", "qpos[2:3] < 1"};
  return c;
}

MujocoConfig half_cheetah() {
  MujocoConfig c = base(EnvironmentKind::kHalfCheetah, "half_cheetah.xml", 5, 0.1);
  c.observe = {"qpos[1:]", "qvel"};
  c.control_cost_sum = 0.1;
  c.reset.distribution = VelocityNoise::kNormal;
  return c;
}

MujocoConfig ant() {
  MujocoConfig c = base(EnvironmentKind::kAnt, "ant.xml", 5, 0.1);
  c.observe = {"qpos[2:]", "qvel", "cfrc_ext[6:] clip -1 1"};
  c.forward_of = "xpos[3:4]";  // of the first body after the world
  c.healthy = 1.0;
  c.control_cost_sum = 0.5;
  c.reward_terms = {"-0.0005 square(cfrc_ext clip -1 1)"};
  c.healthy_when = {"qpos[2:3] >= 0.2", "qpos[2:3] <= 1"};
  c.reset.distribution = VelocityNoise::kNormal;
  return c;
}

MujocoConfig swimmer() {
  MujocoConfig c = base(EnvironmentKind::kSwimmer, "swimmer.xml", 4, 0.1);
  c.observe = {"qpos[2:]", "qvel"};
  c.control_cost_sum = 1e-4;
  return c;
}

MujocoConfig inverted_pendulum() {
  MujocoConfig c = base(EnvironmentKind::kInvertedPendulum, "inverted_pendulum.xml", 2, 0.01);
  c.observe = {"qpos", "qvel"};
  c.forward = 0.0;
  c.healthy = 1.0;
  c.healthy_when = {"qpos[1:2] >= -0.2", "qpos[1:2] <= 0.2"};
  return c;
}

MujocoConfig inverted_double_pendulum() {
  MujocoConfig c =
      base(EnvironmentKind::kInvertedDoublePendulum, "inverted_double_pendulum.xml", 5, 0.1);
  c.observe = {"qpos[0:1]", "sin(qpos[1:])", "cos(qpos[1:])", "qvel clip -10 10",
               "qfrc_constraint[0:1] clip -10 10"};
  c.forward = 0.0;
  c.healthy = 10.0;
  c.reward_terms = {"-0.01 square(site_xpos[0:1])", "-1 square(site_xpos[2:3] - 2)",
                    "-0.001 square(qvel[1:2])", "-0.005 square(qvel[2:3])"};
  c.healthy_when = {"site_xpos[2:3] > 1"};
  c.reset.distribution = VelocityNoise::kNormal;
  return c;
}

MujocoConfig humanoid(bool is_standup) {
  MujocoConfig c = is_standup
                       ? base(EnvironmentKind::kHumanoidStandup, "humanoidstandup.xml", 5, 0.01)
                       : base(EnvironmentKind::kHumanoid, "humanoid.xml", 5, 0.01);
  c.observe = {"qpos[2:]", "qvel", "cinert[10:]", "cvel[6:]", "qfrc_actuator[6:]", "cfrc_ext[6:]"};
  c.control_cost_sum = 0.1;
  c.reward_terms = {"-5e-7 square(cfrc_ext) limit 10"};
  if (is_standup) {
    c.forward = 0.0;
    c.reward_terms.insert(c.reward_terms.begin(), {"1 qpos[2:3] / timestep", "1"});
  } else {
    c.forward = 1.25;
    c.forward_of = "mass_center[0:1]";
    c.healthy = 5.0;
    c.healthy_when = {"qpos[2:3] > 1", "qpos[2:3] < 2"};
  }
  return c;
}

MujocoConfig reacher() {
  MujocoConfig c = base(EnvironmentKind::kReacher, "reacher.xml", 2, 0.1);
  c.observe = {"cos(qpos[0:2])", "sin(qpos[0:2])", "qpos[2:]", "qvel[0:2]",
               "xpos:fingertip[0:2] - xpos:target[0:2]"};
  c.forward = 0.0;
  c.control_cost_sum = 1.0;
  c.reward_terms = {"-1 norm(xpos:fingertip - xpos:target)"};
  c.reset.noise_velocity = 5e-3;
  c.reset.draws = {"qpos[-2:] in -0.2 to 0.2 norm < 0.2", "qvel[-2:] in 0 to 0"};
  return c;
}

MujocoConfig pusher() {
  MujocoConfig c = base(EnvironmentKind::kPusher, "pusher_v5.xml", 5, 0.0);
  c.observe = {"qpos[0:7]", "qvel[0:7]", "xpos:tips_arm", "xpos:object", "xpos:goal"};
  c.forward = 0.0;
  c.control_cost_sum = 0.1;
  c.reward_terms = {"-1 norm(xpos:object - xpos:goal)", "-0.5 norm(xpos:object - xpos:tips_arm)"};
  c.reset.noise_velocity = 5e-3;
  c.reset.draws = {"qpos[-4:-2] in -0.3 to 0, -0.2 to 0.2 norm > 0.17", "qpos[-2:] in 0 to 0",
                   "qvel[-4:] in 0 to 0"};
  return c;
}

MujocoConfig values_of(EnvironmentKind kind) {
  switch (kind) {
    case EnvironmentKind::kHopper:
    case EnvironmentKind::kWalker2d:
      return hopper_or_walker(kind == EnvironmentKind::kHopper);
    case EnvironmentKind::kHalfCheetah:
      return half_cheetah();
    case EnvironmentKind::kAnt:
      return ant();
    case EnvironmentKind::kSwimmer:
      return swimmer();
    case EnvironmentKind::kInvertedPendulum:
      return inverted_pendulum();
    case EnvironmentKind::kInvertedDoublePendulum:
      return inverted_double_pendulum();
    case EnvironmentKind::kHumanoid:
    case EnvironmentKind::kHumanoidStandup:
      return humanoid(kind == EnvironmentKind::kHumanoidStandup);
    case EnvironmentKind::kReacher:
      return reacher();
    case EnvironmentKind::kPusher:
      return pusher();
    default:
      return {};
  }
}

}  // namespace

void apply_environment(EnvironmentKind kind, MujocoConfig& mujoco, ControlConfig& control) {
  mujoco = values_of(kind);
  if (kind == EnvironmentKind::kNone) return;
  control.max_steps = kind == EnvironmentKind::kReacher  ? 50
                      : kind == EnvironmentKind::kPusher ? 100
                                                         : 1000;
}

}  // namespace spikelane
