// The oracle's e-prop and KeRNL gradients: against the golden ones, and the two forms against each
// other.
#include "kernels/reference/trace_oracle.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/reference/random_net.h"

namespace spikelane::test {
namespace {

using namespace reference;
using nlohmann::json;

constexpr double kGoldenTolerance = 1e-12, kFormTolerance = 1e-12;

std::vector<double> exp_of_minus(std::vector<double> gamma) {
  for (double& value : gamma) value = std::exp(-value);
  return gamma;
}

struct EpropSet {
  json params;
  AlifNet net;
  Series x, q;
  std::vector<double> M, k;
  int window, mid;
};

EpropSet read_set(const std::filesystem::path& folder) {
  EpropSet set;
  std::ifstream in(folder / "params.json");
  const json p = set.params = json::parse(in);
  const auto decay = [&](const char* name) {
    const double tau = p.at(name);
    return tau > 0.0 ? std::exp(-1.0 / tau) : 0.0;
  };
  set.net.n_inputs = p.at("inputs");
  set.net.n = p.at("neurons");
  set.net.alpha = {decay("tau_m")};
  set.net.rho = {decay("tau_a")};
  set.net.delta = decay("tau_s");
  set.net.beta = read_doubles(folder, "beta");
  set.net.b0 = {p.at("b0").get<double>()};
  set.net.resistance = {p.at("R_m").get<double>()};
  set.net.t_refractory = p.at("t_refractory");
  set.net.h_gamma = p.at("h_gamma");
  const std::string reset = p.at("reset"), gain = p.at("b_gain");
  REQUIRE((reset == "zero" || reset == "subtract"));
  REQUIRE((gain == "1-rho" || gain == "1"));
  set.net.reset = reset == "zero" ? AlifReset::kToValue : AlifReset::kSubtractThreshold;
  set.net.adaptation = gain == "1" ? AdaptationGain::kOne : AdaptationGain::kOneMinusRho;
  set.net.weights = read_doubles(folder, "weights");
  set.x = read_series(folder, "input");
  set.q = read_series(folder, "q");
  set.M = read_doubles(folder, "M");
  set.k = exp_of_minus(read_doubles(folder, "gamma"));
  set.window = p.at("window");
  set.mid = p.at("mid");
  return set;
}

struct NamedRule {
  std::string name;
  TraceRule rule;
};

std::vector<NamedRule> golden_rules(const EpropSet& set) {
  const double tau = set.params.at("tau_out");
  std::vector<NamedRule> rules(2);
  rules[0] = {"eprop_lif", {TraceKind::kEpropLif, std::exp(-1.0 / tau), {}, {}}};
  rules[1] = {"eprop_alif", {TraceKind::kEpropAlif, std::exp(-1.0 / tau), {}, {}}};
  for (const auto& [name, place] : {std::pair{"kernl_trace_h", HPlace::kTrace},
                                    {"kernl_error_h", HPlace::kError},
                                    {"kernl_seed", HPlace::kSeed},
                                    {"kernl_seed_plain", HPlace::kSeedPlain}})
    rules.push_back({name, {TraceKind::kKernl, 0.0, place, {{set.M, set.k}}}});
  return rules;
}

/// The snapshots one after the other, as the golden files hold them.
std::vector<double> joined(const TraceGradient& gradient) {
  std::vector<double> all;
  for (const TraceSnapshot& snapshot : gradient.snapshots)
    for (const auto& trace : snapshot.traces) all.insert(all.end(), trace.begin(), trace.end());
  return all;
}

struct RandomProblem {
  AlifNet net;
  Series x, q;
  AlifRun run;
};

RandomProblem random_problem(std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  AlifNet net = random_net(generator, 5, 9);
  if (seed % 2 == 1) {
    net.reset = AlifReset::kSubtractThreshold;
    net.adaptation = AdaptationGain::kOne;
    net.beta = uniforms(generator, 9, 0.1, 0.3);
    net.t_refractory = 0.0;
    net.delta = 0.0;
    net.pseudo_derivative = PseudoDerivative::kExponential;
  }
  Series x = random_spikes(generator, 50, 3, 5, 0.3);
  Series q = random_series(generator, 50, 3, 9, 1.0);
  AlifRun run = run_alif(net, x);
  return {net, x, q, run};
}

TraceFilter random_filter(std::mt19937_64& generator, std::size_t n, bool is_slow) {
  TraceFilter filter;
  filter.sensitivity = normals(generator, n * n, 0.0, 0.5);
  filter.decay = uniforms(generator, n, is_slow ? 0.95 : 0.7, is_slow ? 0.99 : 0.95);
  if (is_slow) {
    filter.gain = uniforms(generator, n, 0.01, 0.3);
    filter.coupling = uniforms(generator, n, 0.0, 0.3);
  }
  return filter;
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("reference: the alif oracle runs as the golden net") {
    if (golden_is_missing()) return;
    for (const auto& folder : golden_sets("eprop")) {
      INFO(folder.string());
      const EpropSet set = read_set(folder);
      const AlifRun run = run_alif(set.net, set.x);
      CHECK(run.spike.values == read_doubles(folder, "spike"));
      const std::pair<const char*, const Series*> series[] = {
          {"v_before_reset", &run.v_before_reset},
          {"threshold", &run.threshold},
          {"h", &run.h},
          {"S", &run.S}};
      for (const auto& [name, values] : series) {
        INFO(name);
        CHECK(relative_difference(values->values, read_doubles(folder, name)) < kGoldenTolerance);
      }
    }
  }

  TEST_CASE("reference: e-prop and KeRNL gradients and traces are the golden ones") {
    if (golden_is_missing()) return;
    double worst = 0.0;
    for (const auto& folder : golden_sets("eprop")) {
      const EpropSet set = read_set(folder);
      const AlifRun run = run_alif(set.net, set.x);
      Series windowed = set.q;
      for (int t = 0; t < windowed.n_steps - set.window; ++t)
        std::fill(windowed.row(t, 0), windowed.row(t, 0) + windowed.n_samples * windowed.n, 0.0);
      for (const auto& [name, rule] : golden_rules(set))
        for (const bool is_windowed : {false, true}) {
          INFO(folder.string(), " ", name, is_windowed ? " window" : " every");
          const Series& q = is_windowed ? windowed : set.q;
          const auto expected =
              read_doubles(folder, "G_" + name + (is_windowed ? "_window" : "_every"));
          const TraceGradient gradient =
              gradient_by_traces(set.net, set.x, run, q, rule, {set.mid, q.n_steps - 1});
          const double apart = relative_difference(gradient.dW, expected);
          worst = std::max(worst, apart);
          CHECK(apart < kGoldenTolerance);
          CHECK(relative_difference(gradient_by_adjoint(set.net, set.x, run, q, rule), expected) <
                kGoldenTolerance);
          // seed_plain has the traces of seed, and they do not depend on the error
          const std::string traces = "traces_" + (name == "kernl_seed_plain" ? "kernl_seed" : name);
          CHECK(relative_difference(joined(gradient), read_doubles(folder, traces)) <
                kGoldenTolerance);
        }
    }
    MESSAGE("largest difference from a golden gradient: ", worst);
  }
}

TEST_CASE("reference: traces and the backward form give the same gradient") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const RandomProblem problem = random_problem(seed);
    std::mt19937_64 generator(seed + 100);
    const auto& [net, x, q, run] = problem;
    INFO("seed ", seed, ", mean rate ", mean(run.spike));
    REQUIRE(mean(run.spike) > 0.01);
    REQUIRE(mean(run.h) > 0.01);
    std::vector<TraceRule> rules;
    for (const double kappa : {0.0, 0.9}) {
      rules.push_back({TraceKind::kEpropLif, kappa, {}, {}});
      rules.push_back({TraceKind::kEpropAlif, kappa, {}, {}});
      for (const HPlace place :
           {HPlace::kTrace, HPlace::kError, HPlace::kSeed, HPlace::kSeedPlain}) {
        TraceRule rule{TraceKind::kKernl, kappa, place, {random_filter(generator, 9, false)}};
        rules.push_back(rule);
        rule.filters.push_back(random_filter(generator, 9, true));
        rule.filters.push_back(random_filter(generator, 9, true));
        rules.push_back(rule);
      }
    }
    for (const TraceRule& rule : rules) {
      INFO("kind ", static_cast<int>(rule.kind), " kappa ", rule.kappa, " place ",
           static_cast<int>(rule.place), " filters ", rule.filters.size());
      const auto by_traces = gradient_by_traces(net, x, run, q, rule).dW;
      CHECK(relative_difference(gradient_by_adjoint(net, x, run, q, rule), by_traces) <
            kFormTolerance);
    }
  }
}

TEST_CASE("reference: KeRNL with the identity and an adaptation filter is e-prop") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed ", seed);
    const auto [net, x, q, run] = random_problem(seed);
    for (const TraceKind kind : {TraceKind::kEpropLif, TraceKind::kEpropAlif}) {
      const TraceRule eprop{kind, 0.9, {}, {}};
      const auto expected = gradient_by_traces(net, x, run, q, eprop).dW;
      CHECK(relative_difference(gradient_by_traces(net, x, run, q, as_kernl(net, eprop)).dW,
                                expected) < kFormTolerance);
    }
    // and the filter matters: with the plain decay rho it is another gradient
    const TraceRule alif{TraceKind::kEpropAlif, 0.9, {}, {}};
    TraceRule plain = as_kernl(net, alif);
    plain.filters[1].coupling = {0.0};
    CHECK(relative_difference(gradient_by_traces(net, x, run, q, plain).dW,
                              gradient_by_traces(net, x, run, q, alif).dW) > 1e-4);
  }
}

TEST_CASE("reference: the trace oracle refuses sizes that do not fit") {
  auto [net, x, q, run] = random_problem(1);
  CHECK_THROWS_AS(gradient_by_traces(net, x, run, q, {TraceKind::kKernl, 0.0, {}, {}}),
                  std::invalid_argument);
  TraceRule rule{TraceKind::kKernl, 0.0, HPlace::kError, {{{1.0}, {0.9}}}};
  CHECK_THROWS_AS(gradient_by_adjoint(net, x, run, q, rule), std::invalid_argument);
  q.n = 3;
  CHECK_THROWS_AS(gradient_by_traces(net, x, run, q, {TraceKind::kEpropLif, 0.0, {}, {}}),
                  std::invalid_argument);
  net.alpha = {0.5, 0.5};
  CHECK_THROWS_AS(run_alif(net, x), std::invalid_argument);
}

}  // namespace spikelane::test
