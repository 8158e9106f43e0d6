// The oracle of back-propagation through time: against finite differences of a net with soft
// spikes, and against e-prop where the two are the same.
#include "kernels/reference/bptt_oracle.h"

#include <doctest/doctest.h>

#include <functional>

#include "kernels/reference/trace_oracle.h"
#include "tests/reference/random_net.h"

namespace spikelane::test {
namespace {

using namespace reference;

constexpr int kInputs = 4, kNeurons = 6, kOutputs = 3, kSamples = 3, kSteps = 40;

struct Problem {
  AlifNet net;
  Series x;
  ReadoutLoss loss;
};

Problem random_problem(std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  Problem problem{random_net(generator, kInputs, kNeurons),
                  random_spikes(generator, kSteps, kSamples, kInputs, 0.3),
                  {}};
  ReadoutLoss& loss = problem.loss;
  loss.n_outputs = kOutputs;
  loss.W_out = normals(generator, kNeurons * kOutputs, 0.0, 1.0);
  loss.labels = {2, 0, 1};
  loss.kappa = 0.9;
  loss.window = 10;
  loss.scale = 1.5;
  loss.rate_strength = 2.0;
  loss.rate_target = 0.02;
  return problem;
}

std::vector<double> central_differences(std::vector<double>& values,
                                        const std::function<double()>& loss) {
  constexpr double kStep = 1e-6;
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

/// (post, pre) without the membrane's gain, as e-prop has it, to (pre, post) with it.
std::vector<double> as_weights(const AlifNet& net, const std::vector<double>& dW) {
  const auto n = static_cast<std::size_t>(net.n), n_pre = static_cast<std::size_t>(net.n_pre());
  std::vector<double> result(dW.size());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n_pre; ++j)
      result[j * n + i] = net.current_gain(static_cast<int>(i)) * dW[i * n_pre + j];
  return result;
}

/// e-prop's gradient of the loss: its readout's part and its rate's part.
std::vector<double> eprop(const Problem& problem, const AlifRun& run, TraceKind kind) {
  const LossResult sent_back = readout_loss(run, problem.loss);
  auto dW = gradient_by_traces(problem.net, problem.x, run, sent_back.q,
                               {kind, problem.loss.kappa, {}, {}})
                .dW;
  const auto of_rate =
      gradient_by_traces(problem.net, problem.x, run, sent_back.rate_error, {kind, 0.0, {}, {}}).dW;
  for (std::size_t at = 0; at < dW.size(); ++at) dW[at] += of_rate[at];
  return as_weights(problem.net, dW);
}

}  // namespace

TEST_CASE("reference: the readout's gradient is the loss's slope") {
  for (const bool reads_trace : {false, true}) {
    Problem problem = random_problem(1);
    problem.loss.reads_trace = reads_trace;
    const AlifRun run = run_alif(problem.net, problem.x);
    const auto slopes = central_differences(problem.loss.W_out,
                                            [&] { return readout_loss(run, problem.loss).loss; });
    CHECK(relative_difference(readout_loss(run, problem.loss).dW_out, slopes) < 1e-7);
  }
}

TEST_CASE("reference: the loss of a silent net is log O and the target rate's square") {
  Problem problem = random_problem(2);
  problem.net.b0 = {1e6};
  const LossResult result = readout_loss(run_alif(problem.net, problem.x), problem.loss);
  CHECK(result.cross_entropy == doctest::Approx(std::log(3.0)).epsilon(1e-14));
  CHECK(result.loss - result.cross_entropy ==
        doctest::Approx(0.5 * 2.0 * kNeurons * 0.02 * 0.02).epsilon(1e-12));
}

TEST_CASE("reference: without resets and recurrence, back-propagation is e-prop") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Problem problem = random_problem(seed);
    if (seed % 2 == 0) {
      problem.net.reset = AlifReset::kSubtractThreshold;
      problem.net.adaptation = AdaptationGain::kOne;
      problem.net.beta = {0.2};
    }
    const AlifRun run = run_alif(problem.net, problem.x);
    INFO("seed ", seed, ", mean rate ", mean(run.spike));
    REQUIRE(mean(run.spike) > 0.01);
    const LossResult sent_back = readout_loss(run, problem.loss);
    const auto gradient = [&](const BpttOptions& options) {
      return bptt(problem.net, problem.x, run, problem.loss, sent_back, options);
    };
    const BpttOptions neither{false, false, false, false};
    const auto expected = eprop(problem, run, TraceKind::kEpropAlif);
    CHECK(relative_difference(gradient(neither), expected) < 1e-12);
    // each of the two changes it
    CHECK(relative_difference(gradient({false, false, true, false}), expected) > 1e-3);
    CHECK(relative_difference(gradient({false, false, false, true}), expected) > 1e-3);

    // without adaptation the threshold is b0, and dividing by it divides the gradient
    problem.net.beta = {0.0};
    problem.net.b0 = {0.8};
    const AlifRun lif = run_alif(problem.net, problem.x);
    auto divided = eprop(problem, lif, TraceKind::kEpropLif);
    for (double& value : divided) value /= 0.8;
    CHECK(relative_difference(bptt(problem.net, problem.x, lif, problem.loss,
                                   readout_loss(lif, problem.loss), {true, false, false, false}),
                              divided) < 1e-12);
  }
}

TEST_CASE("reference: back-propagation through soft spikes is the loss's slope") {
  double worst = 0.0;
  for (const auto reset : {AlifReset::kToValue, AlifReset::kSubtractThreshold})
    for (const auto shape : {PseudoDerivative::kTriangle, PseudoDerivative::kExponential})
      for (const bool reads_trace : {false, true})
        for (const bool is_refractory : {false, true}) {
          INFO("reset ", static_cast<int>(reset), " shape ", static_cast<int>(shape), " trace ",
               reads_trace, " refractory ", is_refractory);
          Problem problem = random_problem(21);
          AlifNet& net = problem.net;
          problem.loss.reads_trace = reads_trace;
          net.reset = reset;
          net.v_reset = -0.1;
          net.pseudo_derivative = shape;
          net.h_gamma = shape == PseudoDerivative::kTriangle ? 1.0 : 0.5;  // spikes of height 1
          if (reads_trace) {
            net.adaptation = AdaptationGain::kOne;
            net.beta = {0.2};
          }
          // the refractory steps of the hard net, held: they would jump
          const AlifRun hard = run_alif(net, problem.x);
          REQUIRE(mean(hard.eligible) < 1.0);
          Series always(kSteps, kSamples, kNeurons);
          std::fill(always.values.begin(), always.values.end(), 1.0);
          const ForwardOptions soft{true, is_refractory ? &hard.eligible : &always};
          const auto loss = [&] {
            return readout_loss(run_alif(net, problem.x, soft), problem.loss).loss;
          };
          const AlifRun run = run_alif(net, problem.x, soft);
          REQUIRE(mean(run.spike) > 0.01);
          REQUIRE(mean(run.h) > 0.01);
          const auto gradient = bptt(net, problem.x, run, problem.loss,
                                     readout_loss(run, problem.loss), {true, true, true, true});
          const double apart =
              relative_difference(gradient, central_differences(net.weights, loss));
          worst = std::max(worst, apart);
          CHECK(apart < 1e-6);
        }
  MESSAGE("largest difference from a central difference: ", worst);
}

TEST_CASE("reference: the bptt oracle refuses what does not fit") {
  Problem problem = random_problem(1);
  const AlifRun run = run_alif(problem.net, problem.x);
  problem.loss.window = kSteps + 1;
  CHECK_THROWS_AS(readout_loss(run, problem.loss), std::invalid_argument);
  problem = random_problem(1);
  problem.loss.labels[1] = kOutputs;
  CHECK_THROWS_AS(readout_loss(run, problem.loss), std::invalid_argument);
  CHECK_THROWS_AS(cosine({1.0}, {1.0, 2.0}), std::invalid_argument);
}

TEST_CASE("reference: cosine") {
  CHECK(cosine({3.0, 4.0}, {6.0, 8.0}) == doctest::Approx(1.0));
  CHECK(cosine({3.0, 4.0}, {-4.0, 3.0}) == doctest::Approx(0.0));
  CHECK(cosine({3.0, 4.0}, {-3.0, 4.0}) == doctest::Approx(7.0 / 25.0));
  CHECK(cosine({0.0, 0.0}, {1.0, 0.0}) == 0.0);
}

}  // namespace spikelane::test
