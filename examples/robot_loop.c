/* A control loop in C: loads a policy and closes it over a toy world, a mass on a spring that the
 * policy pushes.
 *
 *   cc -std=c11 robot_loop.c $(pkg-config --cflags --libs spikelane) -o robot_loop
 *   ./robot_loop policy.spikelane 1000
 */
#include <spikelane/spikelane.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(const char* what, spikelane_status status, const char* error) {
  fprintf(stderr, "%s: %s: %s\n", what, spikelane_status_text(status), error);
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: robot_loop POLICY [STEPS]\n");
    return 2;
  }
  const long n_steps = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
  char error[512];
  spikelane_status status;
  spikelane_network network;
  spikelane_session session;
  spikelane_network_info info = {0};
  info.struct_size = sizeof info;

  if ((status = spikelane_load(argv[1], NULL, &network, error, sizeof error)) != SPIKELANE_OK)
    return complain(argv[1], status, error);
  if ((status = spikelane_describe(network, &info, error, sizeof error)) != SPIKELANE_OK ||
      (status = spikelane_open(network, NULL, &session, error, sizeof error)) != SPIKELANE_OK)
    return complain("open", status, error);

  const size_t n_in = (size_t)info.n_observations, n_out = (size_t)info.n_actions;
  float* observations = calloc(n_in, sizeof(float));
  float* actions = calloc(n_out, sizeof(float));
  if (!observations || !actions) return complain("memory", SPIKELANE_ERROR_MEMORY, "");

  /* not dt_ms, which is the network's own step */
  const double period_s = 1e-3 * info.control_period_ms;
  if (!(period_s > 0.0)) return complain("control period", SPIKELANE_ERROR_INPUT, "not known");
  double position = 1.0, speed = 0.0, effort = 0.0;
  for (long t = 0; t < n_steps; ++t) {
    for (size_t i = 0; i < n_in; ++i) observations[i] = (float)(i % 2 == 0 ? position : speed);
    status = spikelane_step(session, observations, n_in, actions, n_out, error, sizeof error);
    if (status != SPIKELANE_OK) return complain("step", status, error);
    const double push = actions[0] > 1.0f ? 1.0 : actions[0] < -1.0f ? -1.0 : actions[0];
    speed += period_s * (push - position);
    position += period_s * speed;
    effort += push * push;
  }
  printf("%ld steps, position %.6f, effort %.6f\n", n_steps, position, effort);

  free(observations);
  free(actions);
  if ((status = spikelane_close(session, error, sizeof error)) != SPIKELANE_OK ||
      (status = spikelane_unload(network, error, sizeof error)) != SPIKELANE_OK)
    return complain("close", status, error);
  return 0;
}
