// The C API in a loop: the same numbers as the twin for any number of rows, whatever the host does
// to the floating-point mode.
#include <doctest/doctest.h>

#include <thread>

#include "kernels/reference/twin.h"
#include "tests/api/policies.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace spikelane;
using namespace spikelane::test;

namespace {

constexpr int kInputs = 6, kOutputs = 3;

/// Actions (T, O) of one row by the reference twin, and the spikes it took.
struct TwinRun {
  std::vector<float> actions;
  double n_spikes = 0.0;
};

TwinRun run_twin(const Policy& policy, int row, int n_rows, int n_steps) {
  const auto plan = compile_plan(policy.config.network, LossConfig{}, 1 << 20, PlanOptions{});
  std::vector<float> block(static_cast<std::size_t>(plan->n_block_floats()));
  plan->fill_block(policy.parameters.data(), block.data());
  reference::Twin twin(plan->view(), block.data());
  TwinRun run;
  for (int t = 0; t < n_steps; ++t) {
    const std::vector<float> x = observations_at(t, n_rows, kInputs);
    twin.step(std::span(x).subspan(static_cast<std::size_t>(row * kInputs), kInputs));
    const auto& v = twin.population(plan->view().n_populations - 1).v;
    run.actions.insert(run.actions.end(), v.begin(), v.end());
  }
  for (int p = 0; p + 1 < plan->view().n_populations; ++p)
    for (float n : twin.population(p).n_spikes) run.n_spikes += n;
  return run;
}

/// Actions (T, R, O) of a session.
std::vector<float> run_session(spikelane_session session, int n_rows, int n_steps) {
  std::vector<float> all, actions(static_cast<std::size_t>(n_rows * kOutputs));
  char error[256];
  for (int t = 0; t < n_steps; ++t) {
    const std::vector<float> x = observations_at(t, n_rows, kInputs);
    const auto status = spikelane_step(session, x.data(), x.size(), actions.data(), actions.size(),
                                       error, sizeof error);
    INFO(error);
    REQUIRE(status == SPIKELANE_OK);
    all.insert(all.end(), actions.begin(), actions.end());
  }
  return all;
}

void check_against_twin(int n_hidden, int n_rows, int n_steps) {
  CAPTURE(n_hidden);
  CAPTURE(n_rows);
  const Policy policy = start_policy(leaky_config(n_hidden));
  ApiPolicy loaded(policy_to_safetensors(policy.config, policy.parameters));
  INFO(loaded.error);
  REQUIRE(loaded.status == SPIKELANE_OK);
  const spikelane_session session = loaded.open(n_rows);
  INFO(loaded.error);
  REQUIRE(loaded.status == SPIKELANE_OK);
  const std::vector<float> actions = run_session(session, n_rows, n_steps);
  for (int row : {0, n_rows / 2, n_rows - 1}) {
    const TwinRun twin = run_twin(policy, row, n_rows, n_steps);
    CHECK(twin.n_spikes > n_steps);
    int n_different = 0;
    for (int t = 0; t < n_steps; ++t)
      for (int o = 0; o < kOutputs; ++o)
        n_different += actions[static_cast<std::size_t>((t * n_rows + row) * kOutputs + o)] !=
                       twin.actions[static_cast<std::size_t>(t * kOutputs + o)];
    CHECK(n_different == 0);
  }
  CHECK(spikelane_close(session, nullptr, 0) == SPIKELANE_OK);
}

}  // namespace

TEST_CASE("api: rows of a session are the twin's, one, 64 and 4096 of them") {
  for (int n_hidden : {70, 40}) {
    check_against_twin(n_hidden, 1, 200);
    check_against_twin(n_hidden, 8, 70);
    check_against_twin(n_hidden, 9, 70);
    check_against_twin(n_hidden, 64, 70);
  }
  check_against_twin(40, 4096, 20);
}

TEST_CASE("api: a reset session begins again, several threads give the same") {
  ApiPolicy loaded(policy_bytes(leaky_config(70)));
  const spikelane_session session = loaded.open(33);
  const spikelane_session threaded = loaded.open(33, 2);
  REQUIRE(loaded.status == SPIKELANE_OK);
  const std::vector<float> first = run_session(session, 33, 40);
  CHECK(spikelane_reset(session, nullptr, 0) == SPIKELANE_OK);
  CHECK(run_session(session, 33, 40) == first);
  CHECK(run_session(threaded, 33, 40) == first);
  CHECK(spikelane_close(session, nullptr, 0) == SPIKELANE_OK);
  CHECK(spikelane_close(threaded, nullptr, 0) == SPIKELANE_OK);
}

TEST_CASE("api: two sessions in two threads do not disturb one another") {
  ApiPolicy loaded(policy_bytes(leaky_config(70)));
  const spikelane_session a = loaded.open(2), b = loaded.open(5);
  REQUIRE(loaded.status == SPIKELANE_OK);
  const std::vector<float> alone_a = run_session(a, 2, 150), alone_b = run_session(b, 5, 150);
  CHECK(spikelane_reset(a, nullptr, 0) == SPIKELANE_OK);
  CHECK(spikelane_reset(b, nullptr, 0) == SPIKELANE_OK);
  std::vector<float> together_a, together_b;
  std::thread other([&] { together_b = run_session(b, 5, 150); });
  together_a = run_session(a, 2, 150);
  other.join();
  CHECK(together_a == alone_a);
  CHECK(together_b == alone_b);
  spikelane_close(a, nullptr, 0);
  spikelane_close(b, nullptr, 0);
}

#if defined(__x86_64__)
TEST_CASE(
    "api: a host that flushes subnormals and rounds down gets the same bits back, and its mode") {
  ApiPolicy loaded(policy_bytes(leaky_config(70)));
  const spikelane_session session = loaded.open(3);
  const std::vector<float> plain = run_session(session, 3, 60);
  const unsigned before = _mm_getcsr();
  const unsigned strange = 0x1f80u | 0x8000u | 0x0040u | 0x2000u;  // FTZ, DAZ, towards -infinity
  _mm_setcsr(strange);
  spikelane_session other{};
  spikelane_session_options options = spikelane_default_session_options();
  options.n_rows = 3;
  const spikelane_status status = spikelane_open(loaded.network, &options, &other, nullptr, 0);
  const unsigned after_open = _mm_getcsr();
  std::vector<float> flushed, actions(9);
  int n_wrong_modes = 0;
  for (int t = 0; t < 60 && status == SPIKELANE_OK; ++t) {
    _mm_setcsr(0x1f80u);
    const std::vector<float> x = observations_at(t, 3, kInputs);
    _mm_setcsr(strange);
    spikelane_step(other, x.data(), x.size(), actions.data(), actions.size(), nullptr, 0);
    n_wrong_modes += _mm_getcsr() != strange;
    flushed.insert(flushed.end(), actions.begin(), actions.end());
  }
  _mm_setcsr(before);
  CHECK(status == SPIKELANE_OK);
  CHECK(after_open == strange);
  CHECK(n_wrong_modes == 0);
  CHECK(flushed == plain);
  spikelane_close(session, nullptr, 0);
  spikelane_close(other, nullptr, 0);
}
#endif
