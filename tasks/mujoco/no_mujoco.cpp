// The task of builds without MuJoCo.
#if !defined(SPIKELANE_HAS_MUJOCO)

#include "engine/config/user_error.h"
#include "tasks/mujoco/mujoco_task.h"

namespace spikelane {

bool has_mujoco() { return false; }

const char* mujoco_version() { return ""; }

std::string mujoco_library_path() { return ""; }

[[noreturn]] static void refuse() {
  throw UserError("task.kind", "\"mujoco\"",
                  "another task: this program was built without MuJoCo (Debian's libmujoco-dev, or "
                  "any version by tools/fetch_mujoco.sh; then cmake with -DSPIKELANE_MUJOCO=ON)");
}

void start_mujoco(const TaskPort&, void*, const double*, const double*, double*, float*) {
  refuse();
}

void observe_mujoco(const TaskPort&, const void*, double*) { refuse(); }

MujocoPrint mujoco_print(const std::filesystem::path&) { refuse(); }

std::shared_ptr<const ClosedLoop> load_mujoco(const MujocoConfig&, const ControlConfig&,
                                              const std::filesystem::path&) {
  refuse();
}

std::string mujoco_fingerprint(const ClosedLoop&) { return ""; }

}  // namespace spikelane

#endif
