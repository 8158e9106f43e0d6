// rule.regression: defaults, every value, and what is wrong about it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"

using namespace spikelane;

namespace {

constexpr const char* kConfig = R"({
  "task": {"kind": "randman", "n_classes": 4, "n_units": 6, "n_samples_per_class": 50, "n_steps": 30, "n_test": 40},
  "network": {
    "populations": [
      {"name": "hidden", "model": "alif", "n": 8, "tau_m_ms": 20, "adaptation": 1.0, "tau_a_ms": 100},
      {"name": "output", "model": "readout", "n": 4, "beta": 0.97}
    ],
    "projections": [
      {"from": "input", "to": "hidden"}, {"from": "hidden", "to": "hidden"}, {"from": "hidden", "to": "output"}
    ]
  },
  "rule": {"kind": "kernl", "batch": 16, "filters": "membrane", "regression": true}
})";

struct BadValue {
  std::vector<std::string> changes;
  std::string place, value, allowed;
};

}  // namespace

TEST_CASE("config: rule.regression's defaults and values") {
  const RunConfig config = parse_config(kConfig, "test.json", {});
  const RegressionConfig& c = config.rule.kernl.regression;
  CHECK(c.is_on);
  CHECK(config.rule.kernl.trains_weights);
  CHECK(c.n_filters == 1);
  CHECK(c.start == RegressionStart::kAnalytic);
  // TensorFlow 1's RMSProp
  CHECK(c.optimiser.kind == OptimiserKind::kRmsProp);
  CHECK(c.optimiser.decay == 0.9);
  CHECK(c.optimiser.epsilon == 1e-10);
  CHECK(c.optimiser.epsilon_inside);
  CHECK(c.optimiser.start_mean_square == 1.0);
  const std::vector<std::string> changes = {
      "rule.trains_weights=false",          "rule.filters=adaptation",
      "rule.regression.noise=sign",         "rule.regression.noise_std=0.5",
      "rule.regression.copy=spiking",       "rule.regression.target=distance",
      "rule.regression.loss_at=every_step", "rule.regression.n_filters=2",
      "rule.regression.start=random",       "rule.regression.start_std=0.3",
      "rule.regression.gamma_low=0.01",     "rule.regression.gamma_high=0.02",
      "rule.regression.optimiser.lr=0.1"};
  // "true" has no keys to set
  std::string text = kConfig;
  text.replace(text.find("\"regression\": true"), 18, "\"regression\": {}");
  const RunConfig changed = parse_config(text, "test.json", changes);
  const RegressionConfig& d = changed.rule.kernl.regression;
  CHECK(!changed.rule.kernl.trains_weights);
  CHECK(d.noise == NoiseKind::kSign);
  CHECK(d.noise_std == 0.5);
  CHECK(d.copy == CopyKind::kSpiking);
  CHECK(d.target == RegressionTargetKind::kDistance);
  CHECK(d.loss_at == RegressionLossAt::kEveryStep);
  CHECK(d.n_filters == 2);
  CHECK(d.start_std == 0.3);
  CHECK(d.gamma_low == 0.01);
  CHECK(d.gamma_high == 0.02);
  CHECK(d.optimiser.lr == 0.1);
  const std::string written = config_to_json(changed);
  CHECK(config_to_json(parse_config(written, "written.json", {})) == written);
}

TEST_CASE("config: rule.regression's wrong values") {
  const std::vector<BadValue> cases = {
      {{"rule.regression.noise=uniform"}, "rule.regression.noise", "uniform", "gaussian"},
      {{"rule.regression.noise_std=0"}, "rule.regression.noise_std", "0", "number"},
      {{"rule.regression.copy=noisy"}, "rule.regression.copy", "noisy", "filtered"},
      {{"rule.regression.target=spikes"}, "rule.regression.target", "spikes", "distance"},
      {{"rule.regression.loss_at=first"}, "rule.regression.loss_at", "first", "every_step"},
      {{"rule.regression.n_filters=3"}, "rule.regression.n_filters", "3", "from 1 to 2"},
      {{"rule.regression.n_filters=2"}, "rule.filters", "membrane", "adaptation"},
      {{"rule.filters=eprop"}, "rule.filters", "eprop", "membrane"},
      {{"rule.regression.start=ones"}, "rule.regression.start", "ones", "analytic"},
      {{"rule.regression.start=zeros", "rule.regression.gamma_low=0.2"},
       "rule.regression.gamma_high",
       "0.1",
       ">= gamma_low = 0.2"},
      {{"rule.regression.start=zeros", "rule.regression.gamma_low=-1"},
       "rule.regression.gamma_low",
       "-1",
       "number"},
      {{R"(rule.regression.optimiser={"kind": "sgd", "nesterov": true})"},
       "rule.regression.optimiser.nesterov",
       "true",
       "false where momentum is 0"},
      {{"rule.mode=online"}, "rule.regression", "given", "none where the mode is online"},
      {{"rule.regression=false", "rule.trains_weights=false"},
       "rule.trains_weights",
       "false",
       "true where there is no rule.regression"},
      {{R"(network.projections=[{"from": "input", "to": "hidden"}, {"from": "hidden", "to": "output"}])"},
       "network.projections",
       "none from \"hidden\" to itself",
       "recurrent"},
  };
  for (const BadValue& bad : cases) {
    CAPTURE(bad.changes[0]);
    std::string text = kConfig;
    text.replace(text.find("\"regression\": true"), 18, "\"regression\": {}");
    std::vector<Problem> problems;
    try {
      parse_config(text, "test.json", bad.changes);
    } catch (const UserError& error) {
      problems = error.problems();
    }
    std::string message;
    for (const Problem& problem : problems) message += to_text(problem) + '\n';
    CAPTURE(message);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].place == bad.place);
    CHECK(problems[0].value.find(bad.value) != std::string::npos);
    CHECK(problems[0].allowed.find(bad.allowed) != std::string::npos);
  }
}
