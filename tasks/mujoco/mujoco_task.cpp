#if defined(SPIKELANE_HAS_MUJOCO)

#include "tasks/mujoco/mujoco_task.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/state/hash.h"
#include "tasks/mujoco/mujoco_world.h"

namespace spikelane {
namespace {

// MuJoCo would end the process, or write a log file into the working folder
void set_handlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    mju_user_error = [](const char* text) {
      throw RunError(std::string("MuJoCo: ") + printable(text, 200));
    };
    // instabilities are counted in mjData, where they are looked for
    mju_user_warning = [](const char*) {};
  });
}

std::string name_at(const mjModel& model, int address) { return model.names + address; }

std::vector<std::string> names_of(const mjModel& model, const int* addresses, int n) {
  std::vector<std::string> names;
  for (int i = 0; i < n; ++i) names.push_back(name_at(model, addresses[i]));
  return names;
}

// indices of `wanted` (all where it is empty) among `known`; unknown ones are problems
std::vector<int> find_names(const std::vector<std::string>& wanted,
                            const std::vector<std::string>& known, const std::string& place,
                            Problems& problems) {
  std::vector<int> indices;
  if (wanted.empty())
    for (std::size_t i = 0; i < known.size(); ++i) indices.push_back(static_cast<int>(i));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto at = std::find(known.begin(), known.end(), wanted[i]);
    if (at == known.end() || wanted[i].empty())
      problems.add(place + '.' + std::to_string(i), in_quotes(wanted[i]),
                   known.empty() ? "nothing: the model has none" : one_of_text(known, wanted[i]));
    else
      indices.push_back(static_cast<int>(at - known.begin()));
  }
  if (known.empty() && wanted.empty())
    problems.add(place, "\"all\"", "a model that has some: this one has none");
  return indices;
}

std::shared_ptr<MujocoModel> load_model(const MujocoConfig& config,
                                        const std::filesystem::path& file) {
  char error[1000] = "";
  auto loaded = std::make_shared<MujocoModel>();
  loaded->model.reset(mj_loadXML(file.c_str(), nullptr, error, sizeof error));
  if (!loaded->model)
    throw UserError("task.model", in_quotes(file.string()),
                    std::string("a model that MuJoCo accepts; it says: ") + printable(error, 300));
  const mjModel& model = *loaded->model;
  loaded->config = config;
  Problems problems;
  if (model.opt.integrator == mjINT_RK4)
    problems.add("task.model", "integrator RK4",
                 "a model with integrator Euler or implicit: control steps are cut between them");
  for (const int i :
       find_names(config.sensors, names_of(model, model.name_sensoradr, model.nsensor),
                  "task.sensors", problems))
    loaded->sensors.push_back({model.sensor_adr[i], model.sensor_dim[i]});
  for (const int i : find_names(config.actuators, names_of(model, model.name_actuatoradr, model.nu),
                                "task.actuators", problems)) {
    const double* range = model.actuator_ctrlrange + 2 * i;
    const bool is_limited = model.actuator_ctrllimited[i] != 0;
    loaded->actuators.push_back({i, is_limited ? 0.5 * (range[0] + range[1]) : 0.0,
                                 is_limited ? 0.5 * (range[1] - range[0]) : 1.0});
  }
  loaded->body = mj_name2id(&model, mjOBJ_BODY, config.body.c_str());
  if (loaded->body < 0)
    problems.add("task.body", in_quotes(config.body),
                 one_of_text(names_of(model, model.name_bodyadr, model.nbody), config.body));
  problems.throw_if_any();
  return loaded;
}

// a model that cannot even rest would make every episode meaningless
void check_rest(const TaskPort& port, const MujocoModel& model) {
  void* world = port.make_world(port);
  std::vector<double> state(static_cast<std::size_t>(port.n_state));
  std::vector<float> observation(static_cast<std::size_t>(port.n_observations));
  const std::vector<float> action(static_cast<std::size_t>(port.n_actions), 0.0f);
  const RandomKey key{0, 0, 0, Stream::kTestEnvironment, 0};
  port.reset(port, world, key, state.data(), observation.data());
  StepOutcome outcome{};
  for (int c = 0; c < 10 && outcome.end == EpisodeEnd::kGoesOn; ++c)
    outcome = port.step(port, world, action.data(), state.data(), observation.data());
  port.free_world(world);
  if (outcome.end != EpisodeEnd::kUnstable) return;
  throw UserError("task.model", "physics that is unstable without any control",
                  "a model that stays finite: a smaller timestep than " +
                      std::to_string(model.model->opt.timestep) +
                      " s, softer contacts, or more damping and armature");
}

}  // namespace

bool has_mujoco() { return true; }

const char* mujoco_version() { return mj_versionString(); }

std::shared_ptr<const ClosedLoop> load_mujoco(const MujocoConfig& config,
                                              const ControlConfig& control,
                                              const std::filesystem::path& file) {
  set_handlers();
  if (mj_version() != mjVERSION_HEADER)
    throw RunError("MuJoCo's library is version " + std::string(mj_versionString()) +
                   ", the program was built for another one");
  const std::shared_ptr<MujocoModel> model = load_model(config, file);
  const TaskPort port = mujoco_port(*model);
  check_rest(port, *model);
  return std::make_shared<const ClosedLoop>(control, port, draw_mujoco, model);
}

std::string mujoco_fingerprint(const ClosedLoop& loop) {
  const mjModel* model = static_cast<const MujocoModel*>(loop.view().port.model)->model.get();
  std::string bytes(static_cast<std::size_t>(mj_sizeModel(model)), '\0');
  mj_saveModel(model, nullptr, bytes.data(), static_cast<int>(bytes.size()));
  StateHash hash;
  hash.add(std::string_view(mj_versionString()));
  hash.add(std::string_view(bytes));
  return hash.text();
}

}  // namespace spikelane

#endif
