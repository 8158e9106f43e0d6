// Optimisers: the paths of torch.optim and TensorFlow 1, masks, and saved state.
#include "engine/learning/optimiser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/config/user_error.h"
#include "tests/golden.h"

namespace spikelane {
namespace {

using nlohmann::json;

// one gap between neighbouring floats at x
double ulp_of(float x) {
  const float magnitude = std::fabs(x);
  return static_cast<double>(std::nextafter(magnitude, std::numeric_limits<float>::infinity())) -
         static_cast<double>(magnitude);
}

OptimiserConfig config_from(const json& entry, bool is_tensorflow) {
  const json& a = entry.at("arguments");
  OptimiserConfig config;
  const std::string kind = is_tensorflow ? "rmsprop_tf1" : entry.at("kind").get<std::string>();
  config.lr = a.at("lr");
  config.weight_decay = a.value("weight_decay", 0.0);
  config.momentum = a.value("momentum", 0.0);
  config.nesterov = a.value("nesterov", false);
  if (a.contains("betas")) {
    config.beta1 = a["betas"][0];
    config.beta2 = a["betas"][1];
  }
  config.epsilon = a.value("eps", 1e-8);
  config.decay = a.value("decay", 0.9);
  if (kind == "adam") {
    config.kind = OptimiserKind::kAdam;
  } else if (kind == "adamw") {
    config.kind = OptimiserKind::kAdamW;
    config.weight_decay = a.value("weight_decay", 0.01);  // torch's default
  } else if (kind == "sgd") {
    config.kind = OptimiserKind::kSgd;
  } else if (kind == "rmsprop_tf1") {
    config.kind = OptimiserKind::kRmsProp;
  } else {
    FAIL("golden data has an optimiser that this test does not know: ", kind);
  }
  return config;
}

// every step of every optimiser of one json file; the next step goes on from our own parameters
void follow_golden_paths(const char* file, bool is_tensorflow) {
  const auto folder = test::golden_folder() / "optimisers";
  const auto start = test::read_npy(folder / "start.npy").as<float>();
  const test::NpyArray gradient_file = test::read_npy(folder / "gradients.npy");
  const auto gradients = gradient_file.as<float>();
  const std::size_t n = start.size();
  const auto n_steps = static_cast<std::size_t>(gradient_file.shape.at(0));
  REQUIRE(gradients.size() == n_steps * n);
  std::ifstream in(folder / file);
  const json entries = json::parse(in).at("optimisers");
  REQUIRE(!entries.empty());

  for (const json& entry : entries) {
    const std::string name = entry.at("name");
    CAPTURE(name);
    const OptimiserConfig config = config_from(entry, is_tensorflow);
    const auto path = test::read_npy(folder / (name + ".npy")).as<float>();
    REQUIRE(path.size() == gradients.size());
    const bool is_adam =
        config.kind == OptimiserKind::kAdam || config.kind == OptimiserKind::kAdamW;
    const bool is_exact = !is_adam || entry.at("twin_bit_equal").get<bool>();

    const std::vector<ParameterTensor> tensors{{"all", 0, static_cast<std::int64_t>(n)}};
    const std::vector<ParameterRange> searched{{0, 0, static_cast<std::int64_t>(n)}};
    Optimiser optimiser(config, tensors);
    std::vector<float> p = start;
    int n_different = 0;
    double largest_in_ulp = 0.0;
    for (std::size_t step = 0; step < n_steps; ++step) {
      optimiser.update(p, std::span(gradients).subspan(step * n, n),
                       learning_rate_at(config, static_cast<std::int64_t>(step)), searched);
      for (std::size_t i = 0; i < n; ++i) {
        const float expected = path[step * n + i];
        if (p[i] == expected) continue;
        ++n_different;
        // torch's square root may be one bit off, and what that moves is about lr
        const float scale = std::max(std::fabs(expected), static_cast<float>(config.lr));
        const double off = std::fabs(static_cast<double>(p[i]) - static_cast<double>(expected));
        // a nan must not pass as small
        if (!(off / ulp_of(scale) <= largest_in_ulp)) largest_in_ulp = off / ulp_of(scale);
      }
      // each step is judged on its own
      if (!is_exact) std::copy_n(path.begin() + static_cast<long>(step * n), n, p.begin());
    }
    CHECK(largest_in_ulp <= (is_exact ? 0.0 : 1.0));
    if (is_exact) CHECK(n_different == 0);
  }
}

std::vector<float> some_gradient(std::size_t n, int step) {
  std::vector<float> g(n);
  for (std::size_t i = 0; i < n; ++i)
    g[i] = static_cast<float>(static_cast<int>((i * 7 + static_cast<std::size_t>(step) * 5) % 11) -
                              5) /
           4.0f;
  return g;
}

const std::vector<ParameterTensor> kTensors{{"a", 0, 5}, {"b", 5, 7}, {"c", 7, 20}};
const std::vector<ParameterRange> kAll{{0, 0, 5}, {1, 5, 7}, {2, 7, 20}};

std::vector<OptimiserConfig> all_kinds() {
  std::vector<OptimiserConfig> configs;
  for (OptimiserKind kind :
       {OptimiserKind::kSgd, OptimiserKind::kAdam, OptimiserKind::kAdamW, OptimiserKind::kRmsProp})
    for (double momentum : {0.0, 0.75})
      for (bool is_inside : {false, true}) {
        OptimiserConfig config;
        config.kind = kind;
        config.momentum = momentum;
        config.epsilon_inside = is_inside;
        config.weight_decay = 0.125;
        configs.push_back(config);
      }
  return configs;
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("torch's optimisers") {
    if (test::golden_is_missing()) return;
    follow_golden_paths("torch.json", false);
  }
  TEST_CASE("tensorflow 1's rmsprop") {
    if (test::golden_is_missing()) return;
    follow_golden_paths("tf1.json", true);
  }
}

TEST_SUITE("learning") {
  TEST_CASE("an unsearched tensor keeps parameters and state") {
    for (const OptimiserConfig& config : all_kinds()) {
      Optimiser optimiser(config, kTensors);
      std::vector<float> p(20, 0.5f);
      optimiser.update(p, some_gradient(20, 0), 0.1, kAll);
      const std::vector<float> p_before = p;
      const OptimiserState before = optimiser.state();
      const std::vector<ParameterRange> searched{kAll[0], kAll[2]};
      optimiser.update(p, some_gradient(20, 1), 0.1, searched);
      CHECK(optimiser.state().n_updates == std::vector<std::int64_t>{2, 1, 2});
      for (std::size_t i = 5; i < 7; ++i) {
        CHECK(p[i] == p_before[i]);
        for (std::size_t k = 0; k < before.vectors.size(); ++k)
          CHECK(optimiser.state().vectors[k].values[i] == before.vectors[k].values[i]);
      }
      CHECK(p[0] != p_before[0]);
      CHECK(p[19] != p_before[19]);
    }
  }

  TEST_CASE("a tensor that joins later behaves as if it had just begun") {
    for (const OptimiserConfig& config : all_kinds()) {
      Optimiser late(config, kTensors), fresh(config, kTensors);
      std::vector<float> p(20, 0.5f), q(20, 0.5f);
      const std::vector<ParameterRange> first{kAll[0]};
      for (int step = 0; step < 9; ++step) late.update(p, some_gradient(20, step), 0.1, first);
      for (int step = 0; step < 3; ++step) {
        late.update(p, some_gradient(20, step), 0.1, kAll);
        fresh.update(q, some_gradient(20, step), 0.1, kAll);
      }
      for (std::size_t i = 5; i < 20; ++i) CHECK(p[i] == q[i]);
      CHECK(p[0] != q[0]);
    }
  }

  TEST_CASE("a restored optimiser goes on to the same bits") {
    for (const OptimiserConfig& config : all_kinds()) {
      Optimiser straight(config, kTensors);
      std::vector<float> p(20, -0.25f);
      for (int step = 0; step < 4; ++step) straight.update(p, some_gradient(20, step), 0.1, kAll);
      Optimiser resumed(config, kTensors);
      resumed.restore(straight.state());
      std::vector<float> q = p;
      for (int step = 4; step < 8; ++step) {
        straight.update(p, some_gradient(20, step), 0.1, kAll);
        resumed.update(q, some_gradient(20, step), 0.1, kAll);
      }
      CHECK(p == q);
      CHECK(p[3] != -0.25f);
    }
  }

  TEST_CASE("sgd's first momentum is the gradient itself, with its sign of zero") {
    OptimiserConfig config;
    config.kind = OptimiserKind::kSgd;
    config.momentum = 0.5;
    Optimiser optimiser(config, kTensors);
    std::vector<float> p(20, 1.0f);
    optimiser.update(p, std::vector<float>(20, -0.0f), 0.1, kAll);
    CHECK(std::signbit(optimiser.state().vectors[0].values[0]));
    CHECK(p[0] == 1.0f);
  }

  TEST_CASE("state of another optimiser is refused and changes nothing") {
    OptimiserConfig adam;
    OptimiserConfig rms_prop;
    rms_prop.kind = OptimiserKind::kRmsProp;
    Optimiser optimiser(adam, kTensors);
    std::vector<float> p(20, 1.0f);
    optimiser.update(p, some_gradient(20, 0), 0.1, kAll);
    const OptimiserState kept = optimiser.state();
    CHECK_THROWS_AS(optimiser.restore(Optimiser(rms_prop, kTensors).state()), RunError);
    OptimiserState damaged = kept;
    damaged.vectors[1].values.pop_back();
    CHECK_THROWS_AS(optimiser.restore(damaged), RunError);
    damaged = kept;
    damaged.n_updates[0] = -1;
    CHECK_THROWS_AS(optimiser.restore(damaged), RunError);
    CHECK(optimiser.state().vectors[0].values == kept.vectors[0].values);
    CHECK(optimiser.state().n_updates == kept.n_updates);
  }

  TEST_CASE("pytorch's rmsprop follows its formulas in double") {
    for (double momentum : {0.0, 0.5}) {
      OptimiserConfig config;
      config.kind = OptimiserKind::kRmsProp;
      config.epsilon_inside = false;
      config.start_mean_square = 0.0;
      config.epsilon = 1e-3;
      config.decay = 0.75;
      config.momentum = momentum;
      Optimiser optimiser(config, kTensors);
      std::vector<float> p(20, 0.5f);
      std::vector<double> q(20, 0.5), ms(20, 0.0), mom(20, 0.0);
      for (int step = 0; step < 10; ++step) {
        const std::vector<float> g = some_gradient(20, step);
        optimiser.update(p, g, 0.01, kAll);
        for (std::size_t i = 0; i < 20; ++i) {
          ms[i] = 0.75 * ms[i] + 0.25 * g[i] * g[i];
          mom[i] = momentum * mom[i] + g[i] / (std::sqrt(ms[i]) + 1e-3);
          q[i] -= 0.01 * mom[i];
        }
      }
      for (std::size_t i = 0; i < 20; ++i) CHECK(std::fabs(p[i] - q[i]) < 1e-6);
      CHECK(std::fabs(p[0] - 0.5f) > 1e-3);
    }
  }

  TEST_CASE("adam with beta1 at or below one half takes torch's other form of lerp") {
    OptimiserConfig config;
    config.beta1 = 0.25;
    Optimiser optimiser(config, kTensors);
    std::vector<float> p(20, 0.5f);
    std::vector<double> q(20, 0.5), m(20, 0.0), v(20, 0.0);
    for (int step = 0; step < 10; ++step) {
      const std::vector<float> g = some_gradient(20, step);
      optimiser.update(p, g, 0.01, kAll);
      const double t = step + 1;
      for (std::size_t i = 0; i < 20; ++i) {
        m[i] = 0.25 * m[i] + 0.75 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
        q[i] -= 0.01 * (m[i] / (1 - std::pow(0.25, t))) /
                (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
      }
    }
    for (std::size_t i = 0; i < 20; ++i) CHECK(std::fabs(p[i] - q[i]) < 1e-6);
    CHECK(std::fabs(p[0] - 0.5f) > 1e-3);
  }
}

}  // namespace spikelane
