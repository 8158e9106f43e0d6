// KeRNL's regression, computed by the engine in float, against the golden runs of the original
// cell: same noise, same weights, every stored step.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/golden.h"
#include "tests/learning/regression_net.h"

namespace spikelane::test {
namespace {

using nlohmann::json;
using reference::Series;

struct KernlSet {
  std::filesystem::path folder;
  int n_steps;
  std::vector<int> stored_steps;
  reference::AlifNet net;
  Series x, psi;
  std::vector<float> parameters;  // M, g
  bool is_large;
};

KernlSet read_set(const std::filesystem::path& folder) {
  KernlSet set;
  set.folder = folder;
  std::ifstream in(folder / "params.json");
  const json p = json::parse(in);
  const auto decay = [&](const char* name) {
    return std::exp(-p.at("dt").get<double>() / p.at(name).get<double>());
  };
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
  set.n_steps = p.at("steps");
  set.is_large = !p.at("every_step").get<bool>();
  if (set.is_large)
    for (const double t : read_doubles(folder, "sampled_steps"))
      set.stored_steps.push_back(static_cast<int>(t));
  else
    for (int t = 0; t < set.n_steps; ++t) set.stored_steps.push_back(t);
  for (const char* name : {"M", "gamma"})
    for (const double value : read_doubles(folder, name))
      set.parameters.push_back(static_cast<float>(value));
  return set;
}

// how far values (B, n_padded) of one step are from the golden ones (B, N), in units of tolerance
double apart(const float* values, int n_padded, const double* expected, int n_samples, int n,
             double tolerance, double largest) {
  double worst = 0.0;
  for (int b = 0; b < n_samples; ++b)
    for (int i = 0; i < n; ++i) {
      const double d =
          std::fabs(static_cast<double>(values[b * n_padded + i]) - expected[b * n + i]);
      if (!(d <= worst)) worst = d;
    }
  if (largest == 0.0) return worst == 0.0 ? 0.0 : 2.0;
  return worst / (tolerance * largest);
}

double largest_of(const std::vector<double>& values) {
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("kernl regression: the golden cell's copy, filtered noise, loss and gradients") {
    if (golden_is_missing()) return;
    double worst_seen = 0.0;
    for (const auto& folder : golden_sets("kernl")) {
      const KernlSet set = read_set(folder);
      const double tolerance = set.is_large ? 2e-5 : 5e-6;
      const auto n_entries = static_cast<std::size_t>(set.x.n_samples * set.net.n);
      const auto v = read_doubles(folder, "ref_v"), v_hat = read_doubles(folder, "ref_v_hat");
      const auto Theta = read_doubles(folder, "ref_Theta"),
                 Gamma = read_doubles(folder, "ref_Gamma");
      const double largest_v = std::max(largest_of(v), largest_of(v_hat));
      for (const KernelTable* kernels : runnable_kernels()) {
        // the slow instruction sets see the last step only
        const bool is_fastest = kernels == runnable_kernels().back();
        for (std::size_t k = is_fastest ? 0 : set.stored_steps.size() - 1;
             k < set.stored_steps.size(); ++k) {
          // a trial that ends with step t: its last step is step t
          const int t = set.stored_steps[k];
          INFO(folder.filename().string(), ", ", std::string(kernels->isa), ", step ", t);
          RegressionNet net(set.net, set.x, t + 1);
          ThreadPool pool(2);
          KernlRegression regression(*net.plan, RegressionConfig{}, *kernels, pool, 1,
                                     net.parameters());
          regression.set_parameters(set.parameters);
          const int n_padded = regression.n_padded();
          const auto noise = padded_noise(set.psi, t + 1, n_padded);
          const double loss =
              regression.find_gradient(net.inputs(), net.parameters(), 0, noise.data());
          std::vector<double> moved(n_entries);
          for (std::size_t i = 0; i < n_entries; ++i)
            moved[i] = v_hat[k * n_entries + i] - v[k * n_entries + i];
          const auto check = [&](const float* values, const double* expected, double allowed,
                                 double largest) {
            const double d =
                apart(values, n_padded, expected, set.x.n_samples, set.net.n, allowed, largest);
            worst_seen = std::max(worst_seen, d);
            CHECK(d <= 1.0);
          };
          const RegressionRows& rows = regression.rows();
          // both membranes may be 1e-6 off
          check(rows.target, moved.data(), 2e-6, largest_v);
          check(rows.theta[0], Theta.data() + k * n_entries, tolerance, largest_of(Theta));
          check(rows.Gamma[0], Gamma.data() + k * n_entries, tolerance, largest_of(Gamma));
          if (t + 1 < set.n_steps) continue;
          const double golden_loss = read_doubles(folder, "ref_loss").at(0);
          CHECK(std::fabs(loss - golden_loss) <= 3e-6 * golden_loss);
          std::vector<double> gradient(regression.gradient().begin(), regression.gradient().end());
          const auto n_tensor = regression.tensors()[0].end;
          const double dM = relative_difference({gradient.begin(), gradient.begin() + n_tensor},
                                                read_doubles(folder, "ref_dM"));
          const double dg = relative_difference({gradient.begin() + n_tensor, gradient.end()},
                                                read_doubles(folder, "ref_dgamma"));
          worst_seen = std::max({worst_seen, dM / tolerance, dg / tolerance});
          CHECK(dM <= tolerance);
          CHECK(dg <= tolerance);
        }
      }
    }
    MESSAGE("largest difference from the golden regression, as a share of its tolerance: ",
            worst_seen);
  }
}

}  // namespace spikelane::test
