#if defined(SPIKELANE_HAS_MUJOCO)

#include "tasks/mujoco/mujoco_task.h"

#include <dlfcn.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <string>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/state/hash.h"
#include "tasks/mujoco/mujoco_world.h"

namespace spikelane {
namespace {

std::string library_folder() {
  return std::filesystem::path(mujoco_library_path()).parent_path().string();
}

// a library of another version than the headers would be read wrongly from the first struct on
void check_version() {
  if (mj_version() == mjVERSION_HEADER) return;
  throw RunError("MuJoCo's library " + mujoco_library_path() + " is version " +
                 mujoco_version_text(mj_version()) + ", but this program was built for version " +
                 mujoco_version_text(mjVERSION_HEADER) +
                 ": build it again, with -DMUJOCO_ROOT=DIR for another MuJoCo than the system's");
}

// MuJoCo would end the process, or write a log file into the working folder
void prepare_library() {
  check_version();
  static std::once_flag once;
  std::call_once(once, [] {
    mju_user_error = [](const char* text) {
      throw RunError(std::string("MuJoCo: ") + printable(text, 200));
    };
    // instabilities are counted in mjData, where they are looked for
    mju_user_warning = [](const char*) {};
    const std::string plugins = library_folder() + "/plugin";
    std::error_code error;
    if (std::filesystem::is_directory(plugins, error)) load_mujoco_plugins(plugins.c_str());
  });
}

// MuJoCo's message on one line
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;)
    text.replace(at, 1, text[at > 0 ? at - 1 : 0] == ':' ? " " : "; ");
  return printable(text, 300);
}

// URDF has neither sensors nor actuators; its root element is <robot>
bool is_urdf(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text(4096, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  const std::size_t robot = text.find("<robot"), mujoco = text.find("<mujoco");
  return robot != std::string::npos && (mujoco == std::string::npos || robot < mujoco);
}

std::string name_at(const mjModel& model, int address) { return model.names + address; }

std::vector<std::string> names_of(const mjModel& model, const int* addresses, int n) {
  std::vector<std::string> names;
  for (int i = 0; i < n; ++i) names.push_back(name_at(model, addresses[i]));
  return names;
}

// what a problem says of a model that has none of something
std::string none_text(const char* what, bool is_from_urdf) {
  return std::string("a model that has ") + what + ": this one has none" +
         (is_from_urdf ? ", since URDF cannot describe them (write an MJCF file that adds them)"
                       : "");
}

// indices of `wanted` (all where it is empty) among `known`; unknown ones are problems
std::vector<int> find_names(const std::vector<std::string>& wanted,
                            const std::vector<std::string>& known, const std::string& place,
                            const std::string& none, Problems& problems) {
  std::vector<int> indices;
  if (wanted.empty())
    for (std::size_t i = 0; i < known.size(); ++i) indices.push_back(static_cast<int>(i));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto at = std::find(known.begin(), known.end(), wanted[i]);
    if (at == known.end() || wanted[i].empty())
      problems.add(place + '.' + std::to_string(i), in_quotes(wanted[i]),
                   known.empty() ? none : one_of_text(known, wanted[i]));
    else
      indices.push_back(static_cast<int>(at - known.begin()));
  }
  if (known.empty() && wanted.empty()) problems.add(place, "\"all\"", none);
  return indices;
}

using ModelPointer = std::unique_ptr<mjModel, MujocoModel::Free>;

ModelPointer read_model(const std::filesystem::path& file) {
  char error[1000] = "";
  ModelPointer model(mj_loadXML(file.c_str(), nullptr, error, sizeof error));
  if (!model)
    throw UserError("task.model", in_quotes(file.string()),
                    "a model that MuJoCo " + mujoco_version_text(mj_version()) +
                        " accepts; it says: " + one_line(error));
  return model;
}

// observations, as terms or sensors
void add_observations(MujocoModel& loaded, bool is_from_urdf, Problems& problems) {
  const mjModel& model = *loaded.model;
  const MujocoConfig& config = loaded.config;
  if (config.observe.empty()) {
    const std::string none =
        none_text("sensors", is_from_urdf) + "; or terms in task.observe, as \"qpos\" and \"qvel\"";
    for (const int i :
         find_names(config.sensors, names_of(model, model.name_sensoradr, model.nsensor),
                    "task.sensors", none, problems)) {
      MujocoValue value;
      value.part = {&mjData::sensordata, model.sensor_adr[i], model.sensor_dim[i]};
      loaded.observations.push_back(value);
    }
    return;
  }
  if (!config.sensors.empty())
    problems.add("task.sensors", "given beside task.observe",
                 "one of the two; \"sensordata:NAME\" in task.observe is a sensor too");
  for (std::size_t i = 0; i < config.observe.size(); ++i)
    loaded.observations.push_back(
        read_value(&model, config.observe[i], "task.observe." + std::to_string(i), problems));
}

void add_controls(MujocoModel& loaded, bool is_from_urdf, Problems& problems) {
  const mjModel& model = *loaded.model;
  for (const int i : find_names(loaded.config.actuators,
                                names_of(model, model.name_actuatoradr, n_actuators_of(model)),
                                "task.actuators", none_text("actuators", is_from_urdf), problems)) {
    const ControlRange controls = controls_of(model, i);
    for (int k = controls.first; k < controls.first + controls.n; ++k) {
      const double* range = model.actuator_ctrlrange + 2 * k;
      const bool is_limited = model.actuator_ctrllimited[k] != 0;
      loaded.controls.push_back({k, is_limited ? 0.5 * (range[0] + range[1]) : 0.0,
                                 is_limited ? 0.5 * (range[1] - range[0]) : 1.0});
    }
  }
}

void add_body(MujocoModel& loaded, Problems& problems) {
  const mjModel& model = *loaded.model;
  const MujocoConfig& config = loaded.config;
  const MujocoConfig none;
  if (!config.body.empty()) {
    loaded.body = mj_name2id(&model, mjOBJ_BODY, config.body.c_str());
    if (loaded.body < 0)
      problems.add("task.body", in_quotes(config.body),
                   one_of_text(names_of(model, model.name_bodyadr, model.nbody), config.body));
  } else if (config.min_height != none.min_height || config.max_height != none.max_height ||
             config.min_upright != none.min_upright) {
    problems.add("task.body", "\"\"",
                 "the name of a body, to which min_height, max_height and min_upright apply");
  }
  if (!config.forward_of.empty()) {
    loaded.forward_of = read_value(&model, config.forward_of, "task.forward_of", problems);
    if (loaded.forward_of.n() > 1)
      problems.add("task.forward_of", in_quotes(config.forward_of), "a term of one number");
  } else if (loaded.body >= 0) {
    loaded.forward_of.part = {&mjData::xpos, 3 * loaded.body, 1};
  }
}

void add_rewards_and_limits(MujocoModel& loaded, Problems& problems) {
  const mjModel* model = loaded.model.get();
  const MujocoConfig& config = loaded.config;
  for (std::size_t i = 0; i < config.reward_terms.size(); ++i)
    loaded.reward_terms.push_back(read_reward(model, config.reward_terms[i],
                                              "task.reward_terms." + std::to_string(i), problems));
  for (std::size_t i = 0; i < config.healthy_when.size(); ++i)
    loaded.conditions.push_back(read_condition(model, config.healthy_when[i],
                                               "task.healthy_when." + std::to_string(i), problems));
}

void add_start(MujocoModel& loaded, Problems& problems) {
  const mjModel& model = *loaded.model;
  const MujocoReset& reset = loaded.config.reset;
  for (std::size_t i = 0; i < reset.draws.size(); ++i)
    loaded.draws.push_back(
        read_draw(&model, reset.draws[i], "task.reset.draws." + std::to_string(i), problems));
  if (reset.keyframe.empty()) return;
  loaded.keyframe = mj_name2id(&model, mjOBJ_KEY, reset.keyframe.c_str());
  if (loaded.keyframe < 0)
    problems.add("task.reset.keyframe", in_quotes(reset.keyframe),
                 model.nkey == 0
                     ? "\"\": the model has no keyframes"
                     : one_of_text(names_of(model, model.name_keyadr, model.nkey), reset.keyframe));
}

bool reads_contact_forces(const MujocoModel& loaded) {
  const auto reads = [](const MujocoValue& value) { return value.reads(&mjData::cfrc_ext); };
  return std::any_of(loaded.observations.begin(), loaded.observations.end(), reads) ||
         std::any_of(loaded.reward_terms.begin(), loaded.reward_terms.end(),
                     [&](const MujocoReward& term) { return reads(term.value); }) ||
         std::any_of(loaded.conditions.begin(), loaded.conditions.end(),
                     [&](const MujocoCondition& condition) { return reads(condition.value); });
}

std::shared_ptr<MujocoModel> load_model(const MujocoConfig& config,
                                        const std::filesystem::path& file) {
  auto loaded = std::make_shared<MujocoModel>();
  loaded->model = read_model(file);
  loaded->config = config;
  const bool is_from_urdf = is_urdf(file);
  Problems problems;
  add_observations(*loaded, is_from_urdf, problems);
  add_controls(*loaded, is_from_urdf, problems);
  add_body(*loaded, problems);
  add_rewards_and_limits(*loaded, problems);
  add_start(*loaded, problems);
  problems.throw_if_any();
  loaded->needs_contact_forces = reads_contact_forces(*loaded);
  mjData* data = mj_makeData(loaded->model.get());
  loaded->n_kept = mujoco_state_size(loaded->model.get(), data);
  mj_deleteData(data);
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
  int n_steps = 0;
  for (; n_steps < 10 && outcome.end == EpisodeEnd::kGoesOn; ++n_steps)
    outcome = port.step(port, world, action.data(), state.data(), observation.data());
  port.free_world(world);
  if (outcome.end == EpisodeEnd::kTerminated && n_steps == 1)
    throw UserError("task", "episodes that end in their first control step",
                    "limits (min_height, max_height, min_upright, healthy_when) that the start "
                    "meets");
  if (outcome.end != EpisodeEnd::kUnstable) return;
  throw UserError("task.model", "physics that is unstable without any control",
                  "a model that stays finite: a smaller timestep than " +
                      std::to_string(model.model->opt.timestep) +
                      " s, softer contacts, or more damping and armature");
}

}  // namespace

bool has_mujoco() { return true; }

const char* mujoco_version() { return mj_versionString(); }

std::string mujoco_library_path() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&mj_loadXML), &info) == 0 || info.dli_fname == nullptr)
    return "";
  return info.dli_fname;
}

MujocoPrint mujoco_print(const std::filesystem::path& file) {
  prepare_library();
  const ModelPointer model = read_model(file);
  std::vector<char> bytes(static_cast<std::size_t>(mj_sizeModel(model.get())));
  mj_saveModel(model.get(), nullptr, bytes.data(), static_cast<int>(bytes.size()));
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(XXH64(bytes.data(), bytes.size(), 0)));
  return {std::string("MuJoCo ") + mujoco_version_text(mj_version()), digits};
}

std::shared_ptr<const ClosedLoop> load_mujoco(const MujocoConfig& config,
                                              const ControlConfig& control,
                                              const std::filesystem::path& file) {
  prepare_library();
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
