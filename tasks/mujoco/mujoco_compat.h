// What differs between the versions of MuJoCo, 2.2 to 4.0, in one place: version numbers, names and
// controls of actuators, the state that a row keeps, plugins.
#pragma once

#include <mujoco/mujoco.h>

#include <cstring>
#include <string>

namespace spikelane {

static_assert(sizeof(mjtNum) == sizeof(double), "MuJoCo was built in single precision");

/// "3.8.1" of mjVERSION_HEADER or mj_version(), which is 327 for 3.2.7 and 3008001 for 3.8.1.
inline std::string mujoco_version_text(int version) {
  const int base = version >= 1'000'000 ? 1000 : 10;
  return std::to_string(version / (base * base)) + '.' + std::to_string(version / base % base) +
         '.' + std::to_string(version % base);
}

/// Actuators of a model. From 3.17 on `nu` is the length of ctrl: an actuator may take several
/// controls.
template <class Model>
int n_actuators_of(const Model& model) {
  if constexpr (requires { model.nactuator; })
    return static_cast<int>(model.nactuator);
  else
    return static_cast<int>(model.nu);
}

/// Controls of an actuator are ctrl[first] .. ctrl[first + n - 1].
struct ControlRange {
  int first = 0, n = 1;
};

template <class Model>
ControlRange controls_of(const Model& model, int actuator) {
  if constexpr (requires { model.actuator_ctrladr; })
    return {model.actuator_ctrladr[actuator], model.actuator_ctrlnum[actuator]};
  else
    return {actuator, 1};
}

/// Whether bodies may fall asleep. Which ones do is no part of what mj_getState returns, and what
/// sleeps is not computed anew: a row of such a model keeps all of mjData's buffer.
template <class Model>
bool has_sleep(const Model& model) {
#if mjVERSION_HEADER >= 3008000
  return (model.opt.enableflags & mjENBL_SLEEP) != 0;
#else
  (void)model;
  return false;
#endif
}

namespace mujoco_state {

#if mjVERSION_HEADER < 300
// the parts, in versions that cannot name them as one
template <class Model, class Data, class Visit>
void visit_parts(const Model* m, Data* d, Visit visit) {
  visit(&d->time, 1);
  visit(d->qpos, m->nq);
  visit(d->qvel, m->nv);
  visit(d->act, m->na);
  visit(d->qacc_warmstart, m->nv);
  visit(d->ctrl, m->nu);
  visit(d->qfrc_applied, m->nv);
  visit(d->xfrc_applied, 6 * m->nbody);
  visit(d->mocap_pos, 3 * m->nmocap);
  visit(d->mocap_quat, 4 * m->nmocap);
  visit(d->userdata, m->nuserdata);
}
#endif

inline int n_integration(const mjModel* m) {
#if mjVERSION_HEADER >= 300
  return static_cast<int>(mj_stateSize(m, mjSTATE_INTEGRATION));
#else
  return 1 + m->nq + 3 * m->nv + m->na + m->nu + 6 * m->nbody + 7 * m->nmocap + m->nuserdata;
#endif
}

#if mjVERSION_HEADER >= 3008000
// numbers of trees, bodies and dofs that are awake, beside the buffer
inline constexpr int kAwakeCounts = 4;

template <class Data>
void visit_awake_counts(Data* d, auto visit) {
  visit(d->ntree_awake);
  visit(d->nbody_awake);
  visit(d->nparent_awake);
  visit(d->nv_awake);
}

inline std::size_t n_buffer_doubles(const mjData* d) {
  return (static_cast<std::size_t>(d->nbuffer) + sizeof(double) - 1) / sizeof(double);
}
#endif

}  // namespace mujoco_state

/// Doubles that hold everything the next step depends on; `d` is any mjData of the model.
inline int mujoco_state_size(const mjModel* m, const mjData* d) {
  int n = mujoco_state::n_integration(m);
#if mjVERSION_HEADER >= 3008000
  if (has_sleep(*m))
    n += mujoco_state::kAwakeCounts + static_cast<int>(mujoco_state::n_buffer_doubles(d));
#else
  (void)d;
#endif
  return n;
}

/// mjData's state into `state`, mujoco_state_size numbers.
inline void save_mujoco_state(const mjModel* m, const mjData* d, double* state) {
#if mjVERSION_HEADER >= 300
  mj_getState(m, d, state, mjSTATE_INTEGRATION);
#else
  double* at = state;
  mujoco_state::visit_parts(m, d, [&](const double* from, int n) {
    mju_copy(at, from, n);
    at += n;
  });
#endif
#if mjVERSION_HEADER >= 3008000
  if (!has_sleep(*m)) return;
  double* rest = state + mujoco_state::n_integration(m);
  mujoco_state::visit_awake_counts(d, [&](int n) { *rest++ = n; });
  std::memcpy(rest, d->buffer, static_cast<std::size_t>(d->nbuffer));
#endif
}

/// The reverse. mjData's derived quantities stay what they were where nothing sleeps.
inline void load_mujoco_state(const mjModel* m, const double* state, mjData* d) {
#if mjVERSION_HEADER >= 3008000
  if (has_sleep(*m)) {
    const double* rest = state + mujoco_state::n_integration(m);
    mujoco_state::visit_awake_counts(d, [&](int& n) { n = static_cast<int>(*rest++); });
    // a plugin's own memory belongs to this mjData, the pointers to it in the buffer stay
    char* buffer = static_cast<char*>(d->buffer);
    const char* saved = reinterpret_cast<const char*>(rest);
    const std::size_t n = static_cast<std::size_t>(d->nbuffer);
    const std::size_t begin =
        static_cast<std::size_t>(reinterpret_cast<char*>(d->plugin_data) - buffer);
    const std::size_t end = begin + sizeof(*d->plugin_data) * static_cast<std::size_t>(m->nplugin);
    std::memcpy(buffer, saved, begin);
    std::memcpy(buffer + end, saved + end, n - end);
  }
#endif
#if mjVERSION_HEADER >= 300
  mj_setState(m, d, state, mjSTATE_INTEGRATION);
#else
  const double* at = state;
  mujoco_state::visit_parts(m, d, [&](double* to, int n) {
    mju_copy(to, at, n);
    at += n;
  });
#endif
}

/// Loads the plugins in `folder`: decoders of mesh files, actuators, sensors.
inline void load_mujoco_plugins(const char* folder) {
#if mjVERSION_HEADER >= 300
  mj_loadAllPluginLibraries(folder, nullptr);
#else
  (void)folder;
#endif
}

}  // namespace spikelane
