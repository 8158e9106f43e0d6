/* A control loop over a MuJoCo world in C, with any MuJoCo from 2.2 to 4.0: an MJCF file whose
 * sensors are the policy's observations, and the policy that `spikelane export` wrote.
 *
 *   cc -std=c11 mujoco_loop.c $(pkg-config --cflags --libs spikelane) -lmujoco -lm -o mujoco_loop
 *   ./mujoco_loop tasks/mujoco/models/hopper.xml policy.spikelane 5 200
 *
 * The last two are MuJoCo's steps in a control step (task.physics_steps) and the control steps. It
 * prints the way of the model's first body. A wheel's MuJoCo is named by -Iwheel/mujoco/include
 * wheel/mujoco/libmujoco.so.3.8.1 -Wl,-rpath,wheel/mujoco in the place of -lmujoco.
 */
#include <mujoco/mujoco.h>
#include <spikelane/spikelane.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(const char* what, const char* error) {
  fprintf(stderr, "%s: %s\n", what, error);
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: mujoco_loop MODEL.xml POLICY [PHYSICS_STEPS [CONTROL_STEPS]]\n");
    return 2;
  }
  const int n_physics = argc > 3 ? atoi(argv[3]) : 4, n_control = argc > 4 ? atoi(argv[4]) : 1000;
  char error[1000] = "";
  mjModel* model = mj_loadXML(argv[1], NULL, error, sizeof error);
  if (!model) return complain(argv[1], error);
  mjData* data = mj_makeData(model);

  spikelane_network policy;
  spikelane_session session;
  spikelane_network_info info = {.struct_size = sizeof info};
  if (spikelane_load(argv[2], NULL, &policy, error, sizeof error) != SPIKELANE_OK ||
      spikelane_describe(policy, &info, error, sizeof error) != SPIKELANE_OK ||
      spikelane_open(policy, NULL, &session, error, sizeof error) != SPIKELANE_OK)
    return complain(argv[2], error);
  const size_t n_in = (size_t)model->nsensordata, n_out = (size_t)model->nu;
  if ((size_t)info.n_observations != n_in || (size_t)info.n_actions != n_out) {
    fprintf(stderr, "%s has %zu sensor values and %zu controls, the policy %d and %d\n", argv[1],
            n_in, n_out, (int)info.n_observations, (int)info.n_actions);
    return 1;
  }
  float* observations = calloc(n_in, sizeof(float));
  float* actions = calloc(n_out, sizeof(float));
  if (!data || !observations || !actions) return complain("memory", "there is not enough");

  mj_forward(model, data);
  const double start = model->nbody > 1 ? data->xpos[3] : 0.0;
  for (int t = 0; t < n_control; ++t) {
    for (size_t i = 0; i < n_in; ++i) observations[i] = (float)data->sensordata[i];
    if (spikelane_step(session, observations, n_in, actions, n_out, error, sizeof error) !=
        SPIKELANE_OK)
      return complain("step", error);
    for (size_t k = 0; k < n_out; ++k) {
      const double low = model->actuator_ctrlrange[2 * k],
                   high = model->actuator_ctrlrange[2 * k + 1];
      data->ctrl[k] = model->actuator_ctrllimited[k]
                          ? 0.5 * (low + high) + 0.5 * (high - low) * (double)actions[k]
                          : (double)actions[k];
    }
    for (int i = 0; i < n_physics; ++i) mj_step(model, data);
    mj_step1(model, data); /* sensors and bodies of the new state, as task.kinematics "updated" */
  }
  printf("MuJoCo %s: %d control steps, way %.9f m\n", mj_versionString(), n_control,
         (model->nbody > 1 ? data->xpos[3] : 0.0) - start);

  free(observations);
  free(actions);
  spikelane_close(session, error, sizeof error);
  spikelane_unload(policy, error, sizeof error);
  mj_deleteData(data);
  mj_deleteModel(model);
  return 0;
}
