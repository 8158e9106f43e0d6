// The oracle of the alif population, against steps worked out by hand.
#include "kernels/reference/alif_oracle.h"

#include <doctest/doctest.h>

#include "tests/reference/random_net.h"

namespace spikelane::test {
namespace {

using namespace reference;

/// One input of weight 1, one neuron: v' = 0.5 v + I, b = 0.5 b + gain s, B = 1 + 2 b.
AlifNet one_neuron() {
  AlifNet net;
  net.n_inputs = 1;
  net.n = 1;
  net.alpha = {0.5};
  net.resistance = {2.0};
  net.rho = {0.5};
  net.beta = {2.0};
  net.weights = {1.0, 0.0};
  return net;
}

Series constant_input(int n_steps) {
  Series x(n_steps, 1, 1);
  std::fill(x.values.begin(), x.values.end(), 1.0);
  return x;
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("reference: an alif neuron with a refractory period, step by step") {
  AlifNet net = one_neuron();
  net.delta = 0.5;
  net.t_refractory = 2.0;
  net.v_reset = -0.25;
  const AlifRun run = run_alif(net, constant_input(5));
  // a potential equal to the threshold fires
  CHECK(run.v_before_reset.values == Values{1.0, -0.25, -0.25, 0.875, 1.4375});
  CHECK(run.threshold.values == Values{1.0, 2.0, 1.5, 1.25, 1.125});
  CHECK(run.spike.values == Values{1.0, 0.0, 0.0, 0.0, 1.0});
  CHECK(run.v.values == Values{-0.25, -0.25, -0.25, 0.875, -0.25});
  CHECK(run.b.values == Values{0.5, 0.25, 0.125, 0.0625, 0.53125});
  CHECK(run.refractory.values == Values{2.0, 1.0, 0.0, 0.0, 2.0});
  CHECK(run.eligible.values == Values{1.0, 0.0, 0.0, 1.0, 1.0});
  CHECK(run.S.values == Values{1.0, 0.5, 0.25, 0.125, 1.0625});
  CHECK(relative_difference(run.h.values, {0.3, 0.0, 0.0, 0.21, 0.3 * (1.0 - 0.3125 / 1.125)}) <
        1e-15);
}

TEST_CASE("reference: an alif neuron that subtracts its threshold, with the other gain of b") {
  AlifNet net = one_neuron();
  net.reset = AlifReset::kSubtractThreshold;
  net.adaptation = AdaptationGain::kOne;
  const AlifRun run = run_alif(net, constant_input(4));
  CHECK(run.v_before_reset.values == Values{1.0, 1.0, 1.5, 1.75});
  CHECK(run.threshold.values == Values{1.0, 3.0, 2.0, 1.5});
  CHECK(run.v.values == Values{0.0, 1.0, 1.5, 0.25});
  CHECK(run.b.values == Values{1.0, 0.5, 0.25, 1.125});
  CHECK(run.S.values == run.spike.values);
}

TEST_CASE("reference: a refractory period that is no whole number of steps") {
  AlifNet net = one_neuron();
  net.beta = {0.0};
  net.t_refractory = 2.5;
  CHECK(run_alif(net, constant_input(6)).eligible.values == Values{1.0, 0.0, 0.0, 1.0, 0.0, 0.0});
  net.t_refractory = 0.5;
  CHECK(run_alif(net, constant_input(3)).eligible.values == Values{1.0, 1.0, 1.0});
}

TEST_CASE("reference: recurrent spikes arrive a step later") {
  AlifNet net;
  net.n_inputs = 1;
  net.n = 2;
  net.resistance = {1.0, 2.0};
  // the input drives neuron 0, which drives neuron 1
  net.weights = {1.0, 0.0, 0.0, 0.75, 0.0, 0.0};
  Series x(3, 1, 1);
  x.at(0, 0, 0) = 1.0;
  const AlifRun run = run_alif(net, x);
  CHECK(run.spike.values == Values{1.0, 0.0, 0.0, 1.0, 0.0, 0.0});
  CHECK(run.v_before_reset.at(1, 0, 1) == 1.5);
}

TEST_CASE("reference: the pseudo-derivative is the soft spike's slope") {
  AlifNet net;
  for (const auto shape : {PseudoDerivative::kTriangle, PseudoDerivative::kExponential}) {
    net.pseudo_derivative = shape;
    CHECK(pseudo_derivative(net, 0.0) == 0.3);
    CHECK(soft_spike(net, -60.0) < 1e-20);
    for (double u = -1.95; u < 2.0; u += 0.1) {
      constexpr double kStep = 1e-6;
      const double slope = (soft_spike(net, u + kStep) - soft_spike(net, u - kStep)) / (2 * kStep);
      CHECK(slope == doctest::Approx(pseudo_derivative(net, u)).epsilon(1e-8));
    }
  }
}

}  // namespace spikelane::test
