// The keys of task "mujoco", part of the list in config_keys.h.
#pragma once

#include "engine/config/environment_presets.h"
#include "engine/config/key.h"
#include "engine/config/run_config.h"

namespace spikelane {

inline constexpr EnumName<EnvironmentKind> kEnvironmentKinds[] = {
    {EnvironmentKind::kNone, "none"},
    {EnvironmentKind::kHopper, "Hopper-v5"},
    {EnvironmentKind::kWalker2d, "Walker2d-v5"},
    {EnvironmentKind::kHalfCheetah, "HalfCheetah-v5"},
    {EnvironmentKind::kAnt, "Ant-v5"},
    {EnvironmentKind::kSwimmer, "Swimmer-v5"},
    {EnvironmentKind::kInvertedPendulum, "InvertedPendulum-v5"},
    {EnvironmentKind::kInvertedDoublePendulum, "InvertedDoublePendulum-v5"},
    {EnvironmentKind::kHumanoid, "Humanoid-v5"},
    {EnvironmentKind::kHumanoidStandup, "HumanoidStandup-v5"},
    {EnvironmentKind::kReacher, "Reacher-v5"},
    {EnvironmentKind::kPusher, "Pusher-v5"}};
inline constexpr EnumName<KinematicsKind> kKinematicsKinds[] = {
    {KinematicsKind::kUpdated, "updated"}, {KinematicsKind::kGymnasium, "as_gymnasium"}};
inline constexpr EnumName<VelocityNoise> kVelocityNoises[] = {{VelocityNoise::kUniform, "uniform"},
                                                              {VelocityNoise::kNormal, "normal"}};
template <class Visitor>
void visit_mujoco(Visitor& v, MujocoConfig& c, ControlConfig& control) {
  v.preset({"environment",
            "an environment of Gymnasium 1.4, whose observation, reward, limits, start and longest "
            "episode are the defaults of the keys below (docs/control.md)"},
           c.environment, kEnvironmentKinds,
           [&](EnvironmentKind kind) { apply_environment(kind, c, control); });
  const bool is_own = c.environment == EnvironmentKind::kNone;
  v.text({"model",
          "MJCF file: beside the config, in the data folders, or absolute; or "
          "\"gymnasium:hopper.xml\", a file of an installed Gymnasium",
          "", is_own},
         c.model);
  v.names_or_all({"observe",
                  "the observations, in this order: terms as \"qpos[1:]\" or \"qvel clip -10 10\" "
                  "(docs/control.md); \"all\": the sensors named in `sensors`"},
                 c.observe, "observation");
  v.names_or_all({"sensors", "the observations where `observe` is \"all\", in this order"},
                 c.sensors, "sensor");
  v.names_or_all({"actuators", "the actions, in this order"}, c.actuators, "actuator");
  v.text({"body", "whose way along x, height and tilt count", "", is_own}, c.body);
  v.integer({"physics_steps", "MuJoCo's steps in a control step", "steps"}, c.physics_steps,
            {1, 10'000});
  v.one_of(
      {"kinematics",
       "updated: observations and limits are those after the control step's last physics step; "
       "as_gymnasium: what is computed from positions, as xpos and sensors, is one physics "
       "step older than qpos and qvel, and start quaternions are not normalised"},
      c.kinematics, kKinematicsKinds);
  v.number({"forward", "reward for each m/s of `forward_of`, in each control step"}, c.forward, {});
  v.text({"forward_of", "a term of one number whose speed is rewarded; empty: x of `body`"},
         c.forward_of);
  v.number({"healthy", "reward of a control step that ends within the limits below"}, c.healthy,
           {});
  v.renamed_number({"control_cost_mean", "taken off: times the mean square of the action, -1 .. 1"},
                   "control_cost", c.control_cost_mean, kNotNegative);
  v.number({"control_cost_sum",
            "taken off: times the sum of the squares of the controls, in the actuators' units, as "
            "Gymnasium counts it"},
           c.control_cost_sum, kNotNegative);
  v.texts({"reward_terms",
           "added to the reward of a control step, as \"-0.5 norm(xpos:hand - xpos:goal)\" "
           "(docs/control.md)"},
          c.reward_terms);
  v.number({"min_height", "the episode ends where the body is lower", "m"}, c.min_height,
           {.min = -1e6, .max = 1e6});
  v.number({"max_height", "or higher; above min_height", "m"}, c.max_height,
           {.min = -1e6, .max = 1e6});
  v.number({"min_upright", "or its z axis tilts so that its cosine is smaller"}, c.min_upright,
           {.min = -1.0, .max = 1.0});
  v.texts({"healthy_when",
           "or one of these conditions does not hold, as \"qpos[1:2] > 0.7\" (docs/control.md)"},
          c.healthy_when);
  const bool is_one_noise = c.reset.noise_velocity == c.reset_noise;
  v.number({"reset_noise", "start positions are the model's +- up to so much"}, c.reset_noise,
           {.min = 0.0, .max = 10.0});
  if (is_one_noise && v.fills_defaults()) c.reset.noise_velocity = c.reset_noise;
  v.section({"reset", "start of an episode"}, [&] {
    v.text({"keyframe", "the model's keyframe from which episodes start; empty: its own start"},
           c.reset.keyframe);
    v.number({"noise_velocity",
              "start velocities are the model's plus noise of this size; default: reset_noise"},
             c.reset.noise_velocity, {.min = 0.0, .max = 10.0});
    v.one_of({"distribution", "of the velocities: uniform within +-, or normal"},
             c.reset.distribution, kVelocityNoises);
    v.texts({"draws",
             "numbers of qpos or qvel that are drawn uniformly instead, as \"qpos[-2:] in -0.2 to "
             "0.2 norm < 0.2\" (docs/control.md)"},
            c.reset.draws);
  });
}

}  // namespace spikelane
