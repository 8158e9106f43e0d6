// What must hold between the keys of a control task and the rest of the config.
#include <string>

#include "engine/config/config_checks.h"
#include "engine/config/config_keys.h"

namespace spikelane {
namespace {

bool is_default(const LossConfig& loss) {
  const LossConfig none;
  return loss.kind == none.kind && loss.logits == none.logits && loss.scale == none.scale &&
         loss.margin == none.margin && loss.window == none.window;
}

double value_at(const std::vector<double>& values, std::size_t i) {
  return values.size() == 1 ? values[0] : values[i];
}

void check_centres(const ObservationConfig& observation, Problems& problems) {
  if (observation.coding != ObservationKind::kGaussian) return;
  const std::string place = "task.observation.high";
  const std::size_t n_low = observation.low.size(), n_high = observation.high.size();
  if (problems.has_at(place) || problems.has_at("task.observation.low")) return;
  if (n_low != 1 && n_high != 1 && n_low != n_high) {
    problems.add(place, "an array of " + std::to_string(n_high),
                 "as many numbers as low has, " + std::to_string(n_low) + ", or one");
    return;
  }
  for (std::size_t i = 0; i < std::max(n_low, n_high); ++i) {
    const double low = value_at(observation.low, i), high = value_at(observation.high, i);
    if (high > low) continue;
    problems.add(place + (n_high > 1 ? '.' + std::to_string(i) : std::string()), number_text(high),
                 "a number > low = " + number_text(low));
    if (n_high == 1) return;
  }
}

void check_mujoco(const MujocoConfig& mujoco, Problems& problems) {
  if (mujoco.max_height <= mujoco.min_height && !problems.has_at("task.max_height") &&
      !problems.has_at("task.min_height"))
    problems.add("task.max_height", number_text(mujoco.max_height),
                 "a number > min_height = " + number_text(mujoco.min_height));
  for (const auto& [key, names] :
       {std::pair{"sensors", &mujoco.sensors}, std::pair{"actuators", &mujoco.actuators}})
    for (std::size_t i = 0; i < names->size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if ((*names)[i] == (*names)[j])
          problems.add(std::string("task.") + key + "." + std::to_string(i),
                       in_quotes((*names)[i]) + ", a second time", "each name once");
}

// actions are drawn among choices, and judged at the ends of control steps
void check_acting(const RunConfig& config, Problems& problems) {
  const KernlConfig& kernl = config.rule.kernl;
  const int n_each = config.task.control.control_steps;
  if (kernl.mode != KernlMode::kActing) {
    if (!problems.has_at("rule.mode"))
      problems.add("rule.mode", in_quotes(name_of(kernl.mode, kKernlModes)),
                   "\"acting\" where task.kind is a control task");
    return;
  }
  if (config.task.kind != TaskKind::kCartpole)
    problems.add("task.kind", in_quotes(name_of(config.task.kind, kTaskKinds)),
                 "\"cartpole\" where rule.mode is acting: its actions are choices");
  if (kernl.k_steps % n_each != 0 && !problems.has_at("rule.k_steps"))
    problems.add("rule.k_steps", std::to_string(kernl.k_steps),
                 "a multiple of task.control_steps = " + std::to_string(n_each));
  if (kernl.rate_strength != 0.0)
    problems.add(
        "rule.rate_strength", number_text(kernl.rate_strength),
        "0 where rule.mode is acting: the gradient is multiplied by the reward's surprise");
}

}  // namespace

void check_control(const RunConfig& config, Problems& problems) {
  const ControlConfig& control = config.task.control;
  if (config.rule.kind == RuleKind::kKernl)
    check_acting(config, problems);
  else if (config.rule.es.batch != 0)
    problems.add("rule.batch", std::to_string(config.rule.es.batch),
                 "\"all\": a control task has task.n_episodes episodes a member and update");
  if (!is_default(config.loss) && !problems.has_at("loss"))
    problems.add("loss", "given", "nothing: in a control task it is minus the return");
  if (static_cast<std::uint64_t>(control.max_steps) *
          static_cast<std::uint64_t>(control.control_steps) >
      kMaxSteps)
    problems.add("task.control_steps", std::to_string(control.control_steps),
                 "max_steps * control_steps up to " + std::to_string(kMaxSteps));
  const auto& populations = config.network.populations;
  if (!populations.empty() && populations.back().model != NeuronModel::kReadout) {
    const std::string place =
        "network.populations." + std::to_string(populations.size() - 1) + ".model";
    if (!problems.has_at(place))
      problems.add(place, in_quotes(name_of(populations.back().model, kNeuronModels)),
                   "\"readout\" for the last population: actions are read there");
  }
  check_centres(control.observation, problems);
  if (config.task.kind == TaskKind::kMujoco) check_mujoco(config.task.mujoco, problems);
}

}  // namespace spikelane
