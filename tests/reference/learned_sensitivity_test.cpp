// What the sensitivity tensor and the temporal filter become, beside their analytic values: where
// neurons do not fire, and the more they do. Prints the table of docs/learning.md.
#include "tests/reference/learned_sensitivity.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "kernels/reference/bptt_oracle.h"

namespace spikelane::test {
namespace {

using namespace reference;

constexpr int kInputs = 10, kNeurons = 24, kSamples = 6, kSteps = 160, kDraws = 12;
constexpr double kTau = 20.0;
constexpr double kFilters[] = {0.0125, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8};

AlifNet make_net(double threshold, double input_weight) {
  std::mt19937_64 generator(5);
  AlifNet net;
  net.n_inputs = kInputs;
  net.n = kNeurons;
  net.alpha = {std::exp(-1.0 / kTau)};
  net.b0 = {threshold};
  net.t_refractory = 1.0;
  net.weights = normals(generator, kInputs * kNeurons, input_weight, 1.5);
  const auto recurrent = normals(generator, kNeurons * kNeurons, 0.0, 1.5);
  net.weights.insert(net.weights.end(), recurrent.begin(), recurrent.end());
  return net;
}

struct Found {
  double rate = 0.0, g = 0.0, slope = 0.0, correlation = 0.0, explained = 0.0;
};

/// The g of the grid that predicts most, and its M over (1 - alpha) R_m W_rec.
Found find(const AlifNet& net, PerturbedCopy copy, double noise_std) {
  std::mt19937_64 generator(9);
  const Series x = random_spikes(generator, kSteps, kSamples, kInputs, 0.25);
  const Perturbations noise = perturb(net, x, copy, noise_std, kDraws, 3);
  Found found;
  found.rate = mean(run_alif(net, x).spike);
  std::vector<double> analytic;
  for (std::size_t i = 0; i < kNeurons * kNeurons; ++i)
    analytic.push_back(net.current_gain(static_cast<int>(i % kNeurons)) *
                       net.weights[kInputs * kNeurons + i]);
  for (const double g : kFilters) {
    const LearnedSensitivity learned = learn_sensitivity(noise, g);
    if (learned.explained <= found.explained) continue;
    double my = 0.0, yy = 0.0;
    for (std::size_t i = 0; i < analytic.size(); ++i) {
      my += learned.M[i] * analytic[i];
      yy += analytic[i] * analytic[i];
    }
    found.g = g;
    found.slope = my / yy;
    found.correlation = cosine(learned.M, analytic);
    found.explained = learned.explained;
  }
  return found;
}

}  // namespace

TEST_CASE("reference: M and g that the regression ends at, silent and firing") {
  std::string table = "\n  copy      noise  firing rate     g   M / analytic  cosine  explained";
  Found silent, firing[4];
  for (const auto& [copy, noise_std] :
       {std::pair{PerturbedCopy::kSpiking, 1.0}, std::pair{PerturbedCopy::kFiltered, 0.1},
        std::pair{PerturbedCopy::kFiltered, 1.0}}) {
    int row = 0;
    for (const auto& [threshold, weight] :
         {std::pair{1e6, 0.9}, std::pair{1.5, 0.9}, std::pair{1.0, 0.9}, std::pair{1.0, 2.5},
          std::pair{1.0, 10.0}}) {
      const Found found = find(make_net(threshold, weight), copy, noise_std);
      char line[120];
      std::snprintf(line, sizeof line, "\n  %-9s %5.1f %12.4f %5.4g %14.3f %7.3f %10.3f",
                    copy == PerturbedCopy::kFiltered ? "filtered" : "spiking", noise_std,
                    found.rate, found.g, found.slope, found.correlation, found.explained);
      table += line;
      (row == 0 ? silent : firing[row - 1]) = found;
      ++row;
    }
  }
  MESSAGE("least squares over ", kDraws, " draws of noise; analytic g = ", 1.0 / kTau, table);

  // between resets: exactly the analytic values
  CHECK(silent.rate == 0.0);
  CHECK(silent.g == 1.0 / kTau);
  CHECK(silent.slope == doctest::Approx(1.0).epsilon(1e-6));
  CHECK(silent.correlation == doctest::Approx(1.0).epsilon(1e-9));
  CHECK(silent.explained == doctest::Approx(1.0).epsilon(1e-9));
  // a reset forgets: the more a net fires, the faster the filter and the less is predicted
  double rate = 0.0;
  for (const Found& found : firing) {
    CHECK(found.rate > rate);
    CHECK(found.g >= silent.g);
    CHECK(found.explained < 0.999);
    rate = found.rate;
  }
  CHECK(firing[0].rate > 0.002);
  CHECK(firing[3].g > firing[0].g);
}

}  // namespace spikelane::test
