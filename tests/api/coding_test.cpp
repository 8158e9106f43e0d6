// A policy of a control task takes raw observations and gives actions: the same codes and the same
// network steps as in the engine's own closed loop.
#include "engine/api/coding.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "kernels/reference/twin.h"
#include "tests/api/policies.h"

using namespace spikelane;
using namespace spikelane::test;

namespace {

std::string control_config(const std::string& task, int n_outputs) {
  return R"({"seed": 5, "dt_ms": 1.0, "task": )" + task +
         R"(, "network": {"populations": [
      {"name": "hidden", "model": "leaky", "n": 40, "beta": 0.8},
      {"name": "output", "model": "readout", "n": )" +
         std::to_string(n_outputs) + R"(, "beta": 0.5, "gain": 0.5}],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "uniform", "low": -2.0, "high": 2.5}},
      {"from": "hidden", "to": "hidden"},
      {"from": "hidden", "to": "output", "init": {"kind": "normal", "std": 1.0}}]},
  "rule": {"kind": "es", "n_members": 8}})";
}

void check_codes(const std::string& task, int n_observations, int n_each, int n_outputs) {
  CAPTURE(task);
  Policy policy;
  policy.config = parse_config(control_config(task, n_outputs), "config");
  const int n_inputs = n_observations * n_each;
  policy.config.network.n_inputs = n_inputs;
  const auto plan = compile_plan(policy.config.network, LossConfig{}, 1 << 20, PlanOptions{});
  policy.parameters = draw_start(*find_kernels(""), *plan, policy.config.seed);
  const ApiCoding coding(policy.config, false);
  CHECK(coding.n_observations() == n_observations);

  ApiPolicy loaded(policy_to_safetensors(policy.config, policy.parameters));
  INFO(loaded.error);
  REQUIRE(loaded.status == SPIKELANE_OK);
  spikelane_network_info info{};
  info.struct_size = sizeof info;
  REQUIRE(spikelane_describe(loaded.network, &info, nullptr, 0) == SPIKELANE_OK);
  CHECK(info.n_observations == n_observations);
  const int n_actions = policy.config.task.kind == TaskKind::kCartpole ? 1 : n_outputs;
  CHECK(info.n_actions == n_actions);
  CHECK(info.dt_ms == 1.0);
  CHECK(info.control_period_ms == (policy.config.task.kind == TaskKind::kCartpole ? 20.0 : 50.0));

  const int n_rows = 3;
  const spikelane_session session = loaded.open(n_rows);
  std::vector<float> block(static_cast<std::size_t>(plan->n_block_floats()));
  plan->fill_block(policy.parameters.data(), block.data());
  std::vector<reference::Twin> twins(n_rows, reference::Twin(plan->view(), block.data()));
  int n_different = 0;
  double n_spikes = 0.0;
  std::set<float> seen;
  for (int t = 0; t < 30; ++t) {
    std::vector<float> observations, expected, x(static_cast<std::size_t>(n_inputs));
    for (int row = 0; row < n_rows; ++row) {
      for (int i = 0; i < n_observations; ++i)
        observations.push_back((1.0f + 0.5f * static_cast<float>(row)) *
                               std::sin(0.3f * static_cast<float>(t + 5 * row + 3 * i)));
      auto& twin = twins[static_cast<std::size_t>(row)];
      coding.encode(observations.data() + row * n_observations, x.data());
      for (int k = 0; k < coding.n_steps(); ++k) twin.step(x);
      std::vector<float> action(static_cast<std::size_t>(n_actions));
      coding.decode(twin.population(1).v.data(), action.data());
      expected.insert(expected.end(), action.begin(), action.end());
    }
    std::vector<float> actions(expected.size());
    REQUIRE(spikelane_step(session, observations.data(), observations.size(), actions.data(),
                           actions.size(), nullptr, 0) == SPIKELANE_OK);
    n_different += actions != expected;
    seen.insert(actions.begin(), actions.end());
  }
  for (const auto& twin : twins)
    for (float n : twin.population(0).n_spikes) n_spikes += n;
  CHECK(n_spikes > 50);
  CHECK(n_different == 0);
  CHECK(seen.size() > 1);
  for (const float action : seen) CHECK(std::fabs(action) <= 1.0f);
  spikelane_close(session, nullptr, 0);

  // and raw: the input population's values
  spikelane_load_options options = spikelane_default_load_options();
  options.is_raw = 1;
  const std::string bytes = policy_to_safetensors(policy.config, policy.parameters);
  spikelane_network raw{};
  REQUIRE(spikelane_load_memory(bytes.data(), bytes.size(), &options, &raw, nullptr, 0) ==
          SPIKELANE_OK);
  REQUIRE(spikelane_describe(raw, &info, nullptr, 0) == SPIKELANE_OK);
  CHECK(info.n_observations == n_inputs);
  CHECK(info.n_actions == n_outputs);
  CHECK(info.dt_ms == 1.0);
  spikelane_unload(raw, nullptr, 0);
}

/// How far the environment goes in one step, in ms: its first number moves with the speed that
/// stands beside it, before the step (cartpole) or after it (pendulum).
double step_ms(const std::string& task, bool has_speed_before) {
  const TaskData data = load_task(parse_config(control_config(task, has_speed_before ? 2 : 1), ""));
  const TaskPort& port = data.loop->view().port;
  std::vector<double> state{0.0, 1.0, 0.0, 0.0};
  std::vector<float> observation(4);
  const float action = 0.0f;
  port.step(port, nullptr, &action, state.data(), observation.data());
  return 1e3 * state[0] / (has_speed_before ? 1.0 : state[1]);
}

}  // namespace

TEST_CASE("api: the control period is the environment's step, whatever the network's is") {
  CHECK(step_ms(R"({"kind": "cartpole"})", true) == doctest::Approx(20.0));
  CHECK(step_ms(R"({"kind": "pendulum"})", false) == doctest::Approx(50.0));
  const auto period_of = [](const std::string& task, int n_outputs) {
    return ApiCoding(start_policy(control_config(task, n_outputs)).config, false)
        .control_period_ms();
  };
  CHECK(period_of(R"({"kind": "cartpole", "control_steps": 3})", 2) == 20.0);
  CHECK(period_of(R"({"kind": "pendulum", "control_steps": 3})", 1) == 50.0);
  // no environment: a step of the host is one of the network
  CHECK(ApiCoding(start_policy(leaky_config(40)).config, false).control_period_ms() == 2.0);
}

TEST_CASE("api: policies of control tasks take observations and give actions") {
  check_codes(R"({"kind": "cartpole", "control_steps": 3,
                  "observation": {"coding": "gaussian", "n_fields": 4, "low": -1.0, "high": 1.0}})",
              4, 4, 2);
  check_codes(R"({"kind": "cartpole", "observation": {"coding": "rates", "scale": 0.5}})", 4, 2, 2);
  check_codes(R"({"kind": "pendulum", "control_steps": 2, "action_scale": 2.0,
                  "observation": {"coding": "rates", "scale": 0.25}})",
              3, 2, 1);
  check_codes(R"({"kind": "pendulum", "squash": "clip",
                  "observation": {"coding": "direct", "scale": 0.2}})",
              3, 1, 1);
}
