// A config written and read again is the same config, and the examples say what they should.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "tests/config/good_config.h"

using namespace spikelane;
using test::kGoodConfig;

namespace {

RunConfig good_with(const std::vector<std::string>& changes) {
  return parse_config(kGoodConfig, "test.json", changes);
}

void check_round_trip(const RunConfig& config) {
  const std::string text = config_to_json(config);
  CHECK(config_to_json(parse_config(text, "again")) == text);
}

}  // namespace

TEST_CASE("every kind of every object survives writing and reading") {
  const std::vector<std::vector<std::string>> variants = {
      {},
      {"rule.optimiser={\"kind\":\"adam\",\"epsilon\":1e-7}"},
      {"rule.optimiser={\"kind\":\"adamw\",\"weight_decay\":0.1,\"beta2\":0.99}"},
      {"rule.optimiser={\"kind\":\"rms_prop\",\"epsilon_inside\":false}"},
      {"task={\"kind\":\"array\",\"file\":\"x.safetensors\",\"n_test\":40}"},
      {"task={\"kind\":\"mnist\",\"first_train\":5,\"n_train\":50,\"n_cue_steps\":54}"},
      {"task={\"kind\":\"mnist\",\"folder\":\"/f\",\"coding\":\"rate\",\"n_rate_units\":9}"},
      {"network.projections.1.init={\"kind\":\"normal\",\"mean\":0.1,\"std\":0.2}"},
      {"network.projections.1.init={\"kind\":\"constant\",\"value\":0.1}"},
      {"network.projections.2.bias={\"kind\":\"uniform\",\"low\":-0.5,\"high\":0}"},
      {"network.populations.0.reset=none", "network.populations.0.reset_delay=false"},
      {"network.populations.0.threshold=[1,2,3]", "rule.unsearched=redraw"},
      {"rule.noise={\"kind\":\"low_rank\",\"rank\":4}"},
      {"rule.noise={\"kind\":\"low_rank\",\"factors\":\"sign\"}"},
      {"rule.noise={\"kind\":\"sign\"}"},
      {"loss={\"kind\":\"mean_squared_error\",\"logits\":\"max\",\"scale\":-2}"},
      {"rule.phases=[{\"from_update\":0,\"searched\":[\"hidden.bias\"]}]"},
      {"rule.phases=[{\"from_update\":0,\"searched\":\"all\"}]"},
      {"seed=18446744073709551615", "rule.sigma=0.1000000000000000055511151231257827"},
      {"rule.sigma=2.2250738585072014e-19", "dt_ms=0.30000000000000004"}};
  for (const auto& changes : variants) {
    CAPTURE(changes.empty() ? "" : changes[0]);
    check_round_trip(good_with(changes));
  }
}

TEST_CASE("fields arrive where they belong") {
  const RunConfig c = good_with({});
  CHECK(c.seed == 12);
  CHECK(c.task.randman.n_units == 6);
  CHECK(c.network.n_inputs == 6);
  CHECK(c.network.populations[0].beta == std::vector<double>{0.9, 0.95, 0.99});
  CHECK(c.network.populations[1].model == NeuronModel::kReadout);
  CHECK(c.network.populations[1].gain == 0.03);
  CHECK(c.network.projections[0].init.low == -1.5);
  CHECK(c.network.projections[0].has_bias);
  CHECK(c.network.projections[0].bias_init.kind == InitKind::kFanIn);
  CHECK(c.network.projections[1].init.kind == InitKind::kFanIn);
  CHECK_FALSE(c.network.projections[1].has_bias);
  CHECK(c.loss.kind == LossKind::kCountHinge);
  CHECK(c.loss.window == 10);
  CHECK(c.rule.es.phases.size() == 2);
  CHECK(c.rule.es.phases[0].searched.size() == 2);
  CHECK(c.rule.es.phases[1].from_update == 5);
  CHECK(c.rule.es.phases[1].searched.empty());
  CHECK(c.rule.es.optimiser.nesterov);
  CHECK(c.run.test_every == 10);
}

TEST_CASE("a membrane may be given by its time constant") {
  const RunConfig c = good_with({"dt_ms=0.5",
                                 "network.populations.0={\"name\":\"hidden\","
                                 "\"model\":\"leaky\",\"n\":3,\"tau_ms\":[5,20,80]}"});
  const double taus[] = {5.0, 20.0, 80.0};
  REQUIRE(c.network.populations[0].beta.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(c.network.populations[0].beta[i] ==
          doctest::Approx(std::exp(-0.5 / taus[i])).epsilon(1e-15));
  }
  check_round_trip(c);
}

TEST_CASE("epsilon's default hangs on the optimiser") {
  CHECK(good_with({"rule.optimiser={\"kind\":\"rms_prop\"}"}).rule.es.optimiser.epsilon == 1e-10);
  CHECK(good_with({"rule.optimiser={\"kind\":\"adam\"}"}).rule.es.optimiser.epsilon == 1e-8);
}

TEST_CASE("the digest is of what is trained, not of how it was written") {
  const std::string digest = config_digest(good_with({}));
  CHECK(digest.size() == 16);
  CHECK(digest.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(config_digest(good_with({"run.n_updates=999"})) == digest);
  CHECK(config_digest(good_with({"rule.sigma=5e-2", "rule.shaping=centred_ranks"})) == digest);
  CHECK(config_digest(good_with({"rule.sigma=0.050000000000000003"})) == digest);
  CHECK(config_digest(good_with({"rule.sigma=0.051"})) != digest);
  CHECK(config_digest(good_with({"seed=13"})) != digest);
  CHECK(network_digest(good_with({"seed=13"})) == network_digest(good_with({})));
  CHECK(network_digest(good_with({"network.populations.1.gain=1"})) !=
        network_digest(good_with({})));
  // the short form of one phase is the same config
  CHECK(config_digest(good_with({"rule.phases=[{\"from_update\":0,\"searched\":\"all\"}]"})) ==
        config_digest(good_with({"rule.phases=[{\"searched\":\"all\",\"from_update\":0}]"})));
}

TEST_CASE("the configs that come with the program are right") {
  const std::filesystem::path folder = std::filesystem::path(SPIKELANE_SOURCE_DIR) / "configs";
  int n_configs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    CAPTURE(entry.path().string());
    RunConfig config;
    REQUIRE_NOTHROW(config = parse_config_file(entry.path().string()));
    check_round_trip(config);
    ++n_configs;
  }
  CHECK(n_configs >= 4);

  const RunConfig demo = parse_config_file((folder / "randman_es.json").string());
  CHECK(demo.task.randman.dim_manifold == 1);
  CHECK(demo.network.populations[0].n == 64);
  CHECK(demo.loss.scale == 100.0);
  CHECK(demo.rule.es.sigma == 0.05);
  CHECK(demo.rule.es.batch == 256);
  CHECK(demo.run.n_updates == 1200);
  const RunConfig original = parse_config_file((folder / "randman_es_original.json").string());
  CHECK(original.rule.es.unsearched == UnsearchedKind::kRedraw);
  CHECK(original.rule.es.shaping == ShapingKind::kNone);
  REQUIRE(original.rule.es.phases.size() == 1);
  CHECK(original.rule.es.phases[0].searched == std::vector<std::string>{"input.hidden.weight"});
}
