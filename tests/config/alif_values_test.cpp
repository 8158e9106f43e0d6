// The keys of alif populations: right ones arrive and survive writing, wrong ones are told.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "tests/config/bad_values.h"
#include "tests/config/good_config.h"

using namespace spikelane;
using test::check_bad_values;
using test::kGoodConfig;
using test::problems_of;

namespace {

// the hidden population of three neurons as alif, with more keys
std::string hidden(const std::string& keys) {
  return R"(network.populations.0={"name":"hidden","model":"alif","n":3)" +
         (keys.empty() ? "" : "," + keys) + "}";
}

PopulationDescription read(const std::string& keys, const std::string& also = "seed=12") {
  return parse_config(kGoodConfig, "test.json", {hidden(keys), also}).network.populations[0];
}

const std::string kPlace = "network.populations.0.";

}  // namespace

TEST_CASE("alif: every key arrives") {
  const PopulationDescription c = read(
      R"("alpha":[0.9,0.95,0.99],"resistance":[1,2,-3],"threshold":[0.5,1,1.5],
         "adaptation":[0,1.8,4],"rho":[0,0.99,1],"adaptation_scaling":"whole_spikes",
         "reset":"subtract","v_reset":[-1,0,0.5],"refractory_steps":[0,2.5,5],"delta":0.8)");
  CHECK(c.model == NeuronModel::kAlif);
  CHECK(c.beta == std::vector<double>{0.9, 0.95, 0.99});
  CHECK(c.resistance == std::vector<double>{1.0, 2.0, -3.0});
  CHECK(c.threshold == std::vector<double>{0.5, 1.0, 1.5});
  CHECK(c.adaptation == std::vector<double>{0.0, 1.8, 4.0});
  CHECK(c.adaptation_decay == std::vector<double>{0.0, 0.99, 1.0});
  CHECK(c.adaptation_scaling == AdaptationScaling::kWholeSpikes);
  CHECK(c.alif_reset == AlifResetKind::kSubtract);
  CHECK(c.v_reset == std::vector<double>{-1.0, 0.0, 0.5});
  CHECK(c.refractory_steps == std::vector<double>{0.0, 2.5, 5.0});
  CHECK(c.synaptic_decay == std::vector<double>{0.8});
}

TEST_CASE("alif: without them it is a plain integrate-and-fire neuron") {
  const PopulationDescription c = read(R"("alpha":0.9)");
  CHECK(c.resistance == std::vector<double>{1.0});
  CHECK(c.threshold == std::vector<double>{1.0});
  CHECK(c.adaptation == std::vector<double>{0.0});
  CHECK(c.adaptation_decay == std::vector<double>{0.0});
  CHECK(c.adaptation_scaling == AdaptationScaling::kUnitMean);
  CHECK(c.alif_reset == AlifResetKind::kValue);
  CHECK(c.v_reset == std::vector<double>{0.0});
  CHECK(c.refractory_steps == std::vector<double>{0.0});
  CHECK(c.synaptic_decay == std::vector<double>{0.0});
}

TEST_CASE("alif: time constants become decays of a step") {
  const PopulationDescription c =
      read(R"("tau_m_ms":20,"tau_a_ms":[100,200,700],"tau_s_ms":5)", "dt_ms=0.5");
  CHECK(c.beta[0] == doctest::Approx(std::exp(-0.5 / 20.0)).epsilon(1e-15));
  REQUIRE(c.adaptation_decay.size() == 3);
  CHECK(c.adaptation_decay[2] == doctest::Approx(std::exp(-0.5 / 700.0)).epsilon(1e-15));
  REQUIRE(c.synaptic_decay.size() == 1);
  CHECK(c.synaptic_decay[0] == doctest::Approx(std::exp(-0.5 / 5.0)).epsilon(1e-15));
}

TEST_CASE("log-spaced time constants: one for each neuron, the same ratio between neighbours") {
  const PopulationDescription c =
      read(R"("tau_m_ms":20,"adaptation":1,"tau_a_ms":{"log_spaced":[8,1000]})");
  REQUIRE(c.adaptation_decay.size() == 3);
  // in the middles of three equal parts of log 8 .. log 1000
  for (int i = 0; i < 3; ++i) {
    const double tau = 8.0 * std::pow(125.0, (i + 0.5) / 3.0);
    CHECK(c.adaptation_decay[static_cast<std::size_t>(i)] ==
          doctest::Approx(std::exp(-1.0 / tau)).epsilon(1e-14));
  }
}

TEST_CASE("log-spaced with a stride: the same values in another order") {
  const PopulationDescription c =
      read(R"("tau_m_ms":20,"adaptation":1,"tau_a_ms":{"log_spaced":[8,1000],"stride":2})");
  const PopulationDescription plain =
      read(R"("tau_m_ms":20,"adaptation":1,"tau_a_ms":{"log_spaced":[8,1000]})");
  REQUIRE(c.adaptation_decay.size() == 3);
  for (const std::size_t i : {0u, 1u, 2u})
    CHECK(c.adaptation_decay[i] == plain.adaptation_decay[i * 2 % 3]);
}

TEST_CASE("alif: unit gain, whatever the membrane") {
  const PopulationDescription c =
      read(R"("tau_m_ms":{"log_spaced":[5,50]},"resistance":"unit_gain")");
  REQUIRE(c.resistance.size() == 3);
  for (const std::size_t i : {0u, 1u, 2u})
    CHECK((1.0 - c.beta[i]) * c.resistance[i] == doctest::Approx(1.0).epsilon(1e-14));
  CHECK(read(R"("alpha":0.75,"resistance":"unit_gain")").resistance == std::vector<double>{4.0});
  check_bad_values(
      {{{hidden(R"("alpha":[0.9,1,0.9],"resistance":"unit_gain")")},
        kPlace + "resistance",
        "does not decay",
        "numbers"},
       {{hidden(R"("alpha":0.9,"resistance":"unit")")}, kPlace + "resistance", "unit", "number"}});
}

TEST_CASE("alif survives writing and reading") {
  const std::vector<std::string> variants = {
      R"("alpha":0.9)",
      R"("alpha":[0.9,0.95,0.99],"reset":"subtract","threshold":[0.5,1,1.5],"v_reset":-0.5)",
      R"("tau_m_ms":20,"adaptation":1.8,"tau_a_ms":700,"adaptation_scaling":"whole_spikes")",
      R"("tau_m_ms":{"log_spaced":[5,50]},"refractory_steps":[0,2.5,5],"tau_s_ms":5)",
      R"("alpha":0.9,"resistance":[1,2,-3],"adaptation":[0,1,2],"rho":[0.5,0.9,0.99])"};
  for (const std::string& keys : variants)
    for (const char* signal : {"trace", "spikes"}) {
      CAPTURE(keys);
      const RunConfig config =
          parse_config(kGoodConfig, "test.json",
                       {hidden(keys), std::string("network.projections.1.signal=") + signal});
      CHECK(config.network.projections[1].signal ==
            (signal == std::string("trace") ? SignalKind::kTrace : SignalKind::kSpikes));
      const std::string text = config_to_json(config);
      CHECK(text.find("\"alif\"") != std::string::npos);
      CHECK(config_to_json(parse_config(text, "again")) == text);
    }
}

TEST_CASE("alif: wrong numbers") {
  check_bad_values({
      {{hidden(R"("tau_m_ms":0)")}, kPlace + "tau_m_ms", "0", "a number > 0"},
      {{hidden(R"("tau_m_ms":[20,-1,20])")}, kPlace + "tau_m_ms.1", "-1", "a number > 0"},
      {{hidden(R"("alpha":0.9,"tau_a_ms":0)")}, kPlace + "tau_a_ms", "0", "a number > 0"},
      {{hidden(R"("alpha":0.9,"tau_s_ms":-5)")}, kPlace + "tau_s_ms", "-5", "a number > 0"},
      {{hidden(R"("alpha":1.1)")}, kPlace + "alpha", "1.1", ">= 0 and <= 1"},
      {{hidden(R"("alpha":0.9,"rho":-0.1)")}, kPlace + "rho", "-0.1", ">= 0 and <= 1"},
      {{hidden(R"("alpha":0.9,"delta":1.5)")}, kPlace + "delta", "1.5", ">= 0 and <= 1"},
      {{hidden(R"("alpha":0.9,"threshold":0)")}, kPlace + "threshold", "0", "a number > 0"},
      {{hidden(R"("alpha":0.9,"adaptation":-1,"rho":0.9)")}, kPlace + "adaptation", "-1", ">= 0"},
      {{hidden(R"("alpha":0.9,"refractory_steps":-1)")}, kPlace + "refractory_steps", "-1", ">= 0"},
      {{hidden(R"("alpha":0.9,"refractory_steps":[0,1,2e6])")},
       kPlace + "refractory_steps.2",
       "2000000",
       "<= 1e+06"},
      {{hidden(R"("alpha":0.9,"resistance":"big")")}, kPlace + "resistance", "\"big\"", "a number"},
  });
}

TEST_CASE("alif: wrong lengths and names") {
  check_bad_values({
      {{hidden(R"("alpha":[0.9,0.9])")}, kPlace + "alpha", "an array of 2", "n = 3 numbers"},
      {{hidden(R"("alpha":0.9,"v_reset":[0,0])")}, kPlace + "v_reset", "an array of 2", "n = 3"},
      {{hidden(R"("alpha":0.9,"resistance":[1,1,1,1])")},
       kPlace + "resistance",
       "an array of 4",
       "n = 3"},
      // a synaptic trace has one decay, whatever n is
      {{hidden(R"("alpha":0.9,"delta":[0.8,0.8,0.8])")},
       kPlace + "delta",
       "an array of 3",
       "n = 1"},
      {{hidden(R"("alpha":0.9,"reset":"zero")")}, kPlace + "reset", "\"zero\"", R"("value")"},
      {{hidden(R"("alpha":0.9,"adaptation_scaling":"unit")")},
       kPlace + "adaptation_scaling",
       "\"unit\"",
       "\"whole_spikes\""},
      {{hidden(R"("alpha":0.9,"gain":1)")}, kPlace + "gain", "1", "only where model = readout"},
      {{"network.projections.1.signal=current"},
       "network.projections.1.signal",
       "\"current\"",
       R"(one of "trace", "spikes")"},
  });
}

TEST_CASE("alif: what must hold between keys") {
  check_bad_values({
      {{hidden("")}, kPlace + "alpha", "nothing", "tau_m_ms in its place"},
      {{hidden(R"("alpha":0.9,"tau_m_ms":20)")}, kPlace + "tau_m_ms", "it beside alpha", "one of"},
      {{hidden(R"("alpha":0.9,"rho":0.9,"tau_a_ms":20)")},
       kPlace + "tau_a_ms",
       "it beside rho",
       "one of the two"},
      {{hidden(R"("alpha":0.9,"delta":0.9,"tau_s_ms":20)")},
       kPlace + "tau_s_ms",
       "it beside delta",
       "one of the two"},
      {{hidden(R"("alpha":0.9,"adaptation":1.8)")},
       kPlace + "tau_a_ms",
       "nothing",
       "a time constant"},
      {{hidden(R"("alpha":0.9,"v_reset":1)")}, kPlace + "v_reset", "1", "< threshold = 1"},
      {{hidden(R"("alpha":0.9,"v_reset":[0,0.7,0],"threshold":0.5)")},
       kPlace + "v_reset.1",
       "0.7",
       "< threshold = 0.5"},
      // the key that is written is the one that is named
      {{hidden(R"("alpha":0.9,"v_reset":0.6,"threshold":[1,0.5,0.4])")},
       kPlace + "v_reset",
       "0.6",
       "< threshold = 0.5"},
  });
}

TEST_CASE("log-spaced: wrong forms") {
  for (const char* form :
       {R"({"log_spaced":[8]})", R"({"log_spaced":[8,100,1000]})", R"({"log_spaced":[0,1000]})",
        R"({"log_spaced":[8,-1]})", R"({"log_spaced":"wide"})", R"({"log_spaced":8})",
        R"({"log_spaced":["a","b"]})", R"({"linear":[8,1000]})", R"({})",
        R"({"log_spaced":[8,1000],"n":3})", R"({"log_spaced":[8,1000],"stride":3})",
        R"({"log_spaced":[8,1000],"stride":0})", R"({"log_spaced":[8,1000],"stride":1.5})",
        R"({"log_spaced":[8,1000],"stride":-2})", R"({"log_spaced":[8,1000],"stride":1e10})"})
    check_bad_values({{{hidden(std::string(R"("tau_m_ms":)") + form)},
                       kPlace + "tau_m_ms",
                       "",
                       R"({"log_spaced": [first, last]}, two numbers > 0)"}});
  // for time constants only
  check_bad_values(
      {{{hidden(R"("alpha":{"log_spaced":[0.5,0.9]})")}, kPlace + "alpha", "", "number"}});
}

TEST_CASE("alif: arrays of different lengths beside a wrong n") {
  const auto problems = problems_of(
      kGoodConfig, {R"(network.populations.0={"name":"hidden","model":"alif","n":0,"alpha":0.9,)"
                    R"("v_reset":[0,0,0],"threshold":[1,1]})"});
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place == kPlace + "n");
}

TEST_CASE("alif: a wrong reset does not hide the adaptation's missing time constant") {
  const auto problems =
      problems_of(kGoodConfig, {hidden(R"("alpha":0.9,"v_reset":"x","adaptation":1)")});
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].place == kPlace + "v_reset");
  CHECK(problems[1].place == kPlace + "tau_a_ms");
}
