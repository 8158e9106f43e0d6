// Gymnasium's CartPole-v1 and Pendulum-v1, step by step from the stored state before each step.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tasks/control/control_task.h"
#include "tasks/control/pendulum.h"
#include "tests/golden.h"

namespace spikelane::test {
namespace {

// the set lies in the folder itself or, where there are several, in its sub-folders
std::vector<std::filesystem::path> control_sets(const std::string& kind) {
  const auto folder = golden_folder() / kind;
  if (std::filesystem::exists(folder / "params.json")) return {folder};
  return golden_sets(kind);
}

// 1e-12 of the component's largest value
class Components {
 public:
  Components(const std::vector<double>& values, std::size_t n) : largest_(n, 0.0) {
    for (std::size_t i = 0; i < values.size(); ++i)
      largest_[i % n] = std::max(largest_[i % n], std::abs(values[i]));
  }
  bool agree(std::size_t i, double a, double b) const {
    return std::abs(a - b) <= 1e-12 * largest_[i];
  }

 private:
  std::vector<double> largest_;
};

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("cartpole: every step of every stored trajectory") {
    if (golden_is_missing()) return;
    for (const auto& folder : control_sets("cartpole")) {
      CAPTURE(folder.string());
      const auto initial = read_npy(folder / "initial.npy").as<double>();
      const auto first = read_npy(folder / "first_step.npy").as<std::int32_t>();
      const auto action = read_npy(folder / "action.npy").as<std::int32_t>();
      const auto state = read_npy(folder / "state.npy").as<double>();
      const auto reward = read_npy(folder / "reward.npy").as<double>();
      const auto terminated = read_npy(folder / "terminated.npy").as<std::uint8_t>();
      const Components components(state, 4);
      const TaskPort port = cartpole_port();
      REQUIRE(port.n_state == 4);
      int n_wrong = 0, n_terminated = 0;
      for (std::size_t e = 0; e + 1 < first.size(); ++e)
        for (auto row = static_cast<std::size_t>(first[e]);
             row < static_cast<std::size_t>(first[e + 1]); ++row) {
          const bool is_first = row == static_cast<std::size_t>(first[e]);
          const double* from = is_first ? &initial[4 * e] : &state[4 * (row - 1)];
          std::vector<double> s(from, from + 4);
          float observation[4];
          const float a = static_cast<float>(action[row]);
          const StepOutcome outcome = port.step(port, nullptr, &a, s.data(), observation);
          for (std::size_t i = 0; i < 4; ++i) {
            n_wrong += !components.agree(i, s[i], state[4 * row + i]);
            n_wrong += observation[i] != static_cast<float>(s[i]);
          }
          n_wrong += outcome.reward != reward[row];
          n_wrong += (outcome.end == EpisodeEnd::kTerminated) != (terminated[row] != 0);
          n_terminated += terminated[row];
        }
      CHECK(first.size() > 1);
      CHECK(n_terminated > 0);
      CHECK(n_wrong == 0);
    }
  }

  TEST_CASE("pendulum: every step of every stored trajectory") {
    if (golden_is_missing()) return;
    for (const auto& folder : control_sets("pendulum")) {
      CAPTURE(folder.string());
      const NpyArray actions = read_npy(folder / "action.npy");
      REQUIRE(actions.shape.size() == 2);
      const auto n_episodes = static_cast<std::size_t>(actions.shape[0]);
      const auto n_steps = static_cast<std::size_t>(actions.shape[1]);
      const auto initial = read_npy(folder / "initial.npy").as<double>();
      const auto action = actions.as<float>();
      const auto state = read_npy(folder / "state.npy").as<double>();
      const auto reward = read_npy(folder / "reward.npy").as<double>();
      const Components components(state, 2), rewards(reward, 1);
      const TaskPort port = pendulum_port();
      int n_wrong = 0;
      for (std::size_t e = 0; e < n_episodes; ++e)
        for (std::size_t t = 0; t < n_steps; ++t) {
          const std::size_t row = e * n_steps + t;
          const double* from = t == 0 ? &initial[2 * e] : &state[2 * (row - 1)];
          std::vector<double> s(from, from + 2);
          float observation[3];
          // the port takes -1 .. 1 for the whole range of the torque, an exact factor of 2
          const float a = action[row] * 0.5f;
          const StepOutcome outcome = port.step(port, nullptr, &a, s.data(), observation);
          for (std::size_t i = 0; i < 2; ++i)
            n_wrong += !components.agree(i, s[i], state[2 * row + i]);
          n_wrong += !rewards.agree(0, outcome.reward, reward[row]);
          n_wrong += std::abs(observation[0] - std::cos(s[0])) > 1e-6;
          n_wrong += std::abs(observation[1] - std::sin(s[0])) > 1e-6;
        }
      CHECK(n_episodes > 0);
      CHECK(n_wrong == 0);
    }
  }

#if defined(__GLIBC__)
  TEST_CASE("pendulum: the torque's square is powf's, which is not always the nearest float") {
    const volatile float two = 2.0f;
    int n_other = 0, n_not_nearest = 0;
    for (std::uint32_t bits = 0x30000000u; bits <= 0x40000000u; bits += 1009) {
      const auto u = std::bit_cast<float>(bits);
      const float square = square_as_powf(u);
      n_other += square != std::pow(u, two) || square_as_powf(-u) != square;
      n_not_nearest += square != u * u;
    }
    CHECK(n_not_nearest > 50);
    CHECK(n_other == 0);
    CHECK(square_as_powf(0.0f) == 0.0f);
  }
#endif
}

}  // namespace spikelane::test
