// The loop of robot_loop.c in C++: a few lines turn statuses into exceptions and handles into
// objects.
#include <spikelane/spikelane.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void check(spikelane_status status, const char* error) {
  if (status != SPIKELANE_OK)
    throw std::runtime_error(std::string(spikelane_status_text(status)) + ": " + error);
}

class Policy {
 public:
  explicit Policy(const char* path) {
    char error[512];
    check(spikelane_load(path, nullptr, &network_, error, sizeof error), error);
    info_.struct_size = sizeof info_;
    check(spikelane_describe(network_, &info_, error, sizeof error), error);
    check(spikelane_open(network_, nullptr, &session_, error, sizeof error), error);
    actions_.resize(static_cast<std::size_t>(info_.n_actions));
  }
  ~Policy() {
    spikelane_close(session_, nullptr, 0);
    spikelane_unload(network_, nullptr, 0);
  }
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  std::size_t n_observations() const { return static_cast<std::size_t>(info_.n_observations); }
  /// Not dt_ms, which is the network's own step; 0 where it is not known.
  double period_s() const { return 1e-3 * info_.control_period_ms; }
  const std::vector<float>& step(const std::vector<float>& observations) {
    char error[512];
    check(spikelane_step(session_, observations.data(), observations.size(), actions_.data(),
                         actions_.size(), error, sizeof error),
          error);
    return actions_;
  }

 private:
  spikelane_network network_{};
  spikelane_session session_{};
  spikelane_network_info info_{};
  std::vector<float> actions_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) throw std::runtime_error("usage: robot_loop POLICY [STEPS]");
  const long n_steps = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 1000;
  Policy policy(argv[1]);
  if (!(policy.period_s() > 0.0)) throw std::runtime_error("control period: not known");
  std::vector<float> observations(policy.n_observations());
  double position = 1.0, speed = 0.0, effort = 0.0;
  for (long t = 0; t < n_steps; ++t) {
    for (std::size_t i = 0; i < observations.size(); ++i)
      observations[i] = static_cast<float>(i % 2 == 0 ? position : speed);
    const float action = policy.step(observations)[0];
    const double push = action > 1.0f ? 1.0 : action < -1.0f ? -1.0 : action;
    speed += policy.period_s() * (push - position);
    position += policy.period_s() * speed;
    effort += push * push;
  }
  std::printf("%ld steps, position %.6f, effort %.6f\n", n_steps, position, effort);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
