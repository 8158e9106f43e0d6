// The task of builds without MuJoCo.
#if !defined(SPIKELANE_HAS_MUJOCO)

#include "engine/config/user_error.h"
#include "tasks/mujoco/mujoco_task.h"

namespace spikelane {

bool has_mujoco() { return false; }

const char* mujoco_version() { return ""; }

std::shared_ptr<const ClosedLoop> load_mujoco(const MujocoConfig&, const ControlConfig&,
                                              const std::filesystem::path&) {
  throw UserError("task.kind", "\"mujoco\"",
                  "another task: this program was built without MuJoCo (Debian's libmujoco-dev, "
                  "then cmake with -DSPIKELANE_MUJOCO=ON)");
}

std::string mujoco_fingerprint(const ClosedLoop&) { return ""; }

}  // namespace spikelane

#endif
