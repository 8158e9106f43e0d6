// The oracle of KeRNL's regression: against the golden cell, and its gradients against finite
// differences.
#include "kernels/reference/regression_oracle.h"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "kernels/reference/trace_oracle.h"
#include "tests/reference/random_net.h"

namespace spikelane::test {
namespace {

using namespace reference;
using nlohmann::json;

// both programs work in double; an array stored as float32 has lost the rest
constexpr double kDoubleTolerance = 1e-10, kStoredAsFloatTolerance = 1e-7;

struct KernlSet {
  std::filesystem::path folder;
  bool has_every_step;
  AlifNet net;
  Series x, psi;
  RegressionRule rule;
  std::vector<double> q;  // (B, N)
};

KernlSet read_set(const std::filesystem::path& folder) {
  KernlSet set;
  set.folder = folder;
  std::ifstream in(folder / "params.json");
  const json p = json::parse(in);
  const double dt = p.at("dt");
  REQUIRE(dt == 1.0);
  const auto decay = [&](const char* name) { return std::exp(-dt / p.at(name).get<double>()); };
  set.has_every_step = p.at("every_step");
  set.net.n_inputs = p.at("inputs");
  set.net.n = p.at("neurons");
  set.net.alpha = {decay("tau_m")};
  set.net.rho = {decay("tau_beta")};
  set.net.delta = decay("tau_s");
  set.net.beta = {p.at("beta_coeff").get<double>()};
  set.net.b0 = {p.at("beta_baseline").get<double>()};
  set.net.resistance = {p.at("R_mem").get<double>()};
  set.net.t_refractory = p.at("tau_refract");
  set.net.weights = read_doubles(folder, "kernel");
  set.x = read_series(folder, "input");
  set.psi = read_series(folder, "psi_code");
  for (double& value : set.psi.values) value = (value - 128.0) / 64.0;
  set.rule.filters = {{read_doubles(folder, "M"), read_doubles(folder, "gamma")}};
  set.q = read_doubles(folder, "q");
  return set;
}

/// The tolerance that the file's number type allows.
double tolerance_of(const KernlSet& set, const std::string& name) {
  const bool is_float = read_npy(set.folder / (name + ".npy")).dtype == "<f4";
  return is_float ? kStoredAsFloatTolerance : kDoubleTolerance;
}

/// The difference from a golden array, in units of its tolerance; at most 1 is a pass.
double apart(const KernlSet& set, const std::string& name, const std::vector<double>& values) {
  const auto expected = read_doubles(set.folder, name);
  // what is zero throughout in the golden set (no adaptation, say) must be zero here
  if (std::all_of(expected.begin(), expected.end(), [](double value) { return value == 0.0; }))
    return values == expected ? 0.0 : 2.0;
  return relative_difference(values, expected) / tolerance_of(set, name);
}

/// The steps of a series that a golden file holds.
std::vector<double> sampled(const KernlSet& set, const Series& series) {
  if (set.has_every_step) return series.values;
  std::vector<double> values;
  for (const double t : read_doubles(set.folder, "sampled_steps")) {
    const double* row = series.row(static_cast<int>(t), 0);
    values.insert(values.end(), row, row + series.n_samples * series.n);
  }
  return values;
}

std::vector<double> transposed(const std::vector<double>& matrix, int n_rows) {
  const std::size_t rows = static_cast<std::size_t>(n_rows), columns = matrix.size() / rows;
  std::vector<double> result(matrix.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) result[j * rows + i] = matrix[i * columns + j];
  return result;
}

struct RandomProblem {
  AlifNet net;
  Series x, psi;
};

RandomProblem random_problem(std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  AlifNet net = random_net(generator, 4, 6);
  return {net, random_spikes(generator, 40, 3, 4, 0.3), random_series(generator, 40, 3, 6, 0.5)};
}

std::vector<RegressionFilter> random_filters(std::uint64_t seed, int n_filters) {
  std::mt19937_64 generator(seed);
  std::vector<RegressionFilter> filters;
  for (int f = 0; f < n_filters; ++f)
    filters.push_back({normals(generator, 36, 0.0, 0.2), uniforms(generator, 6, 0.01, 0.3)});
  return filters;
}

std::vector<double> central_differences(std::vector<double>& values,
                                        const std::function<double()>& loss) {
  constexpr double kStep = 1e-5;
  std::vector<double> slopes;
  for (double& value : values) {
    const double middle = value;
    value = middle + kStep;
    const double above = loss();
    value = middle - kStep;
    slopes.push_back((above - loss()) / (2.0 * kStep));
    value = middle;
  }
  return slopes;
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("reference: net, copy and regression are those of the golden KeRNL cell") {
    if (golden_is_missing()) return;
    double worst = 0.0;
    for (const auto& folder : golden_sets("kernl")) {
      INFO(folder.string());
      const KernlSet set = read_set(folder);
      const RegressionResult result = regress(set.net, set.x, set.psi, set.rule);
      CHECK(result.net.spike.values == read_doubles(folder, "ref_spike"));
      CHECK(result.copy.spike.values == read_doubles(folder, "ref_spike_hat"));
      std::vector<std::pair<const char*, const Series*>> series = {
          {"ref_v", &result.net.v},           {"ref_v_hat", &result.copy.v},
          {"ref_S", &result.net.S},           {"ref_threshold", &result.net.threshold},
          {"ref_Theta", &result.Theta.at(0)}, {"ref_Gamma", &result.Gamma.at(0)}};
      if (set.has_every_step)
        series.insert(series.end(), {{"ref_b", &result.net.b},
                                     {"ref_refractory", &result.net.refractory},
                                     {"ref_threshold_hat", &result.copy.threshold},
                                     {"ref_v_before_reset", &result.net.v_before_reset},
                                     {"ref_v_hat_before_reset", &result.copy.v_before_reset}});
      for (const auto& [name, values] : series) {
        INFO(name);
        const double difference = apart(set, name, sampled(set, *values));
        worst = std::max(worst, difference);
        CHECK(difference <= 1.0);
      }
      CHECK(apart(set, "ref_loss", {result.loss}) <= 1.0);
      CHECK(apart(set, "ref_dM", result.dM.at(0)) <= 1.0);
      CHECK(apart(set, "ref_dgamma", result.dgamma.at(0)) <= 1.0);
    }
    MESSAGE("largest difference from a golden series, as a share of its tolerance: ", worst);
  }

  TEST_CASE("reference: the golden KeRNL cell's weight gradients and trace") {
    if (golden_is_missing()) return;
    for (const auto& folder : golden_sets("kernl")) {
      INFO(folder.string());
      const KernlSet set = read_set(folder);
      const AlifRun run = run_alif(set.net, set.x);
      Series q(set.x.n_steps, set.x.n_samples, set.net.n);
      const int last = q.n_steps - 1;
      std::copy(set.q.begin(), set.q.end(), q.row(last, 0));
      std::vector<double> k = set.rule.filters[0].gamma;
      for (double& value : k) value = std::exp(-value);
      TraceRule rule{TraceKind::kKernl, 0.0, HPlace::kSeedPlain, {{{}, k}}};
      rule.filters[0].sensitivity = set.rule.filters[0].sensitivity;
      const TraceGradient gradient = gradient_by_traces(set.net, set.x, run, q, rule, {last});
      CHECK(apart(set, "ref_dW", gradient.dW) <= 1.0);
      CHECK(apart(set, "ref_trace", gradient.snapshots.at(0).traces.at(0)) <= 1.0);
      rule.filters[0].sensitivity = transposed(rule.filters[0].sensitivity, set.net.n);
      CHECK(apart(set, "ref_dW_transposed", gradient_by_adjoint(set.net, set.x, run, q, rule)) <=
            1.0);
    }
  }
}

TEST_CASE("reference: regression gradients are the loss's slopes") {
  const RandomProblem problem = random_problem(7);
  REQUIRE(mean(run_alif(problem.net, problem.x).spike) > 0.02);
  for (const auto copy : {PerturbedCopy::kFiltered, PerturbedCopy::kSpiking})
    for (const auto target : {RegressionTarget::kPotential, RegressionTarget::kDistanceToThreshold})
      for (const auto loss : {RegressionLoss::kLastStep, RegressionLoss::kEveryStep})
        for (const int n_filters : {1, 3}) {
          INFO("copy ", static_cast<int>(copy), " target ", static_cast<int>(target), " loss ",
               static_cast<int>(loss), " filters ", n_filters);
          RegressionRule rule{copy, target, loss, random_filters(8, n_filters)};
          const RegressionResult result = regress(problem.net, problem.x, problem.psi, rule);
          const auto loss_of_rule = [&] {
            return regress(problem.net, problem.x, problem.psi, rule).loss;
          };
          for (std::size_t f = 0; f < rule.filters.size(); ++f) {
            RegressionFilter& filter = rule.filters[f];
            CHECK(relative_difference(
                      result.dM[f], central_differences(filter.sensitivity, loss_of_rule)) < 1e-6);
            CHECK(relative_difference(result.dgamma[f],
                                      central_differences(filter.gamma, loss_of_rule)) < 1e-6);
          }
        }
}

TEST_CASE("reference: the perturbed copies") {
  const RandomProblem problem = random_problem(9);
  RegressionRule rule;
  rule.filters = random_filters(10, 1);
  const auto filtered = regress(problem.net, problem.x, problem.psi, rule);
  rule.copy = PerturbedCopy::kSpiking;
  const auto spiking = regress(problem.net, problem.x, problem.psi, rule);
  CHECK(mean(filtered.net.spike) > 0.02);
  CHECK(filtered.net.spike.values == spiking.net.spike.values);
  CHECK(filtered.copy.spike.values != filtered.net.spike.values);
  CHECK(filtered.copy.spike.values != spiking.copy.spike.values);
  // without noise both are the net
  const Series silence(40, 3, 6);
  for (const auto copy : {PerturbedCopy::kFiltered, PerturbedCopy::kSpiking}) {
    rule.copy = copy;
    const auto result = regress(problem.net, problem.x, silence, rule);
    CHECK(result.copy.v.values == result.net.v.values);
    CHECK(result.loss == 0.0);
  }
}

TEST_CASE("reference: the copies are nets with more inputs") {
  const RandomProblem problem = random_problem(9);
  const auto& [net, x, psi] = problem;
  RegressionRule rule;
  rule.filters = random_filters(10, 1);
  const RegressionResult filtered = regress(net, x, psi, rule);
  rule.copy = PerturbedCopy::kSpiking;
  const RegressionResult spiking = regress(net, x, psi, rule);

  // inputs [x; noise], the noise through the recurrent weights
  AlifNet wider = net;
  wider.n_inputs += net.n;
  wider.weights.insert(wider.weights.end(), net.weights.end() - net.n * net.n, net.weights.end());
  Series noise(x.n_steps, x.n_samples, wider.n_inputs), drive = noise;
  for (int t = 0; t < x.n_steps; ++t)
    for (int b = 0; b < x.n_samples; ++b) {
      std::copy_n(x.row(t, b), x.n, noise.row(t, b));
      std::copy_n(psi.row(t, b), net.n, noise.row(t, b) + x.n);
      std::copy_n(x.row(t, b), x.n, drive.row(t, b));
      for (int i = 0; i < net.n; ++i)
        drive.at(t, b, x.n + i) = psi.at(t, b, i) + (t > 0 ? filtered.net.S.at(t - 1, b, i) : 0.0);
    }
  CHECK(relative_difference(spiking.copy.v.values, run_alif(wider, noise).v.values) < 1e-12);
  // inputs [x; the true net's S + noise], no recurrence
  std::fill(wider.weights.end() - net.n * net.n, wider.weights.end(), 0.0);
  CHECK(relative_difference(filtered.copy.v.values, run_alif(wider, drive).v.values) < 1e-12);
}

TEST_CASE("reference: the regression's two targets") {
  const RandomProblem problem = random_problem(9);
  RegressionRule rule;
  rule.loss = RegressionLoss::kEveryStep;
  // a prediction of zero leaves the mean square of the target
  rule.filters = {{std::vector<double>(36), std::vector<double>(6)}};
  const auto potential = regress(problem.net, problem.x, problem.psi, rule);
  rule.target = RegressionTarget::kDistanceToThreshold;
  const auto distance = regress(problem.net, problem.x, problem.psi, rule);
  double of_potential = 0.0, of_distance = 0.0;
  const std::size_t n = potential.net.v.values.size();
  for (std::size_t at = 0; at < n; ++at) {
    const double dv = potential.copy.v.values[at] - potential.net.v.values[at];
    const double dB = potential.copy.threshold.values[at] - potential.net.threshold.values[at];
    of_potential += dv * dv / static_cast<double>(n);
    of_distance += (dv - dB) * (dv - dB) / static_cast<double>(n);
  }
  CHECK(potential.loss == doctest::Approx(of_potential).epsilon(1e-12));
  CHECK(distance.loss == doctest::Approx(of_distance).epsilon(1e-12));
  CHECK(std::fabs(of_distance - of_potential) > 1e-3 * of_potential);
}

TEST_CASE("reference: between resets the regression's solution is (1 - alpha) R_m W_rec") {
  // a net that cannot fire, every neuron with the same decay: M and gamma = -log alpha predict the
  // copy exactly
  RandomProblem problem = random_problem(11);
  problem.net.alpha = {0.95};
  problem.net.b0 = {1e6};
  RegressionRule rule;
  rule.loss = RegressionLoss::kEveryStep;
  RegressionFilter filter{{}, std::vector<double>(6, -std::log(0.95))};
  for (int j = 0; j < 6; ++j)
    for (int i = 0; i < 6; ++i)
      filter.sensitivity.push_back(
          problem.net.current_gain(i) *
          problem.net.weights[static_cast<std::size_t>((problem.net.n_inputs + j) * 6 + i)]);
  rule.filters = {filter};
  CHECK(regress(problem.net, problem.x, problem.psi, rule).loss < 1e-25);
  rule.filters[0].gamma[0] *= 2.0;
  CHECK(regress(problem.net, problem.x, problem.psi, rule).loss > 1e-5);
}

}  // namespace spikelane::test
