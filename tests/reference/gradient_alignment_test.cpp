// How much of the full surrogate gradient e-prop and KeRNL find, with sensitivities that are given
// and with those that the regression ends at: the cosine with back-propagation through time, on
// small nets that fire in 2 to 10 % of the steps. Prints the table, for two tasks: input
// throughout, and a cue that only the slow adaptation (or the loop) can carry to the steps where
// the loss is read.
#include <doctest/doctest.h>

#include <cstdio>
#include <map>

#include "kernels/reference/bptt_oracle.h"
#include "kernels/reference/trace_oracle.h"
#include "tests/reference/learned_sensitivity.h"
#include "tests/reference/random_net.h"

namespace spikelane::test {
namespace {

using namespace reference;

constexpr int kInputs = 10, kNeurons = 24, kOutputs = 4, kSamples = 6, kSteps = 160;
constexpr int kCueInputs = 5, kCueSteps = 40;
constexpr int kNets = 8;

struct Problem {
  AlifNet net;
  Series x;
  ReadoutLoss loss;
  std::vector<double> random_sensitivity;
  std::vector<double> one_hop_learned, loop_learned;  // by a filtered copy, and by a spiking one
};

/// With `is_delayed` the first kCueInputs inputs are silent after kCueSteps.
Problem make_problem(std::uint64_t seed, bool is_delayed) {
  std::mt19937_64 generator(seed);
  Problem problem;
  AlifNet& net = problem.net;
  net.n_inputs = kInputs;
  net.n = kNeurons;
  net.alpha = {std::exp(-1.0 / 20.0)};
  net.rho = {std::exp(-1.0 / 100.0)};
  net.beta = uniforms(generator, kNeurons, 0.0, 8.0);
  net.t_refractory = 2.0;
  net.weights = normals(generator, kInputs * kNeurons, 0.9, 1.5);
  const auto recurrent = normals(generator, kNeurons * kNeurons, 0.0, 1.5);
  net.weights.insert(net.weights.end(), recurrent.begin(), recurrent.end());
  problem.x = random_spikes(generator, kSteps, kSamples, kInputs, 0.25);
  if (is_delayed)
    for (int t = kCueSteps; t < kSteps; ++t)
      for (int b = 0; b < kSamples; ++b) std::fill_n(problem.x.row(t, b), kCueInputs, 0.0);
  problem.loss.n_outputs = kOutputs;
  problem.loss.W_out = normals(generator, kNeurons * kOutputs, 0.0, 0.5);
  for (int b = 0; b < kSamples; ++b) problem.loss.labels.push_back(b % kOutputs);
  problem.loss.kappa = std::exp(-1.0 / 20.0);
  problem.loss.window = 20;
  problem.random_sensitivity = normals(generator, kNeurons * kNeurons, 0.0, 0.2);
  const auto learned = [&](PerturbedCopy copy) {
    // noise as large as a spike, and the g that predicts most where such nets fire
    constexpr double kNoise = 1.0, kFilter = 0.1;
    constexpr int kDraws = 8;
    return learn_sensitivity(perturb(net, problem.x, copy, kNoise, kDraws, seed), kFilter).M;
  };
  problem.one_hop_learned = learned(PerturbedCopy::kFiltered);
  problem.loop_learned = learned(PerturbedCopy::kSpiking);
  return problem;
}

/// M of what a spike does over one synapse, (1 - alpha) R_m W_rec, times a factor, plus `identity`
/// times the identity.
std::vector<double> one_hop(const AlifNet& net, double factor, double identity) {
  std::vector<double> M = scaled_identity(net.n, identity);
  const auto n = static_cast<std::size_t>(net.n);
  for (std::size_t at = 0; at < M.size(); ++at)
    M[at] += factor * net.current_gain(static_cast<int>(at % n)) *
             net.weights[static_cast<std::size_t>(net.n_inputs) * n + at];
  return M;
}

std::vector<double> with_identity(std::vector<double> M, int n) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
    M[i * static_cast<std::size_t>(n) + i] += 1.0;
  return M;
}

std::vector<std::pair<std::string, TraceRule>> rules(const Problem& problem) {
  const AlifNet& net = problem.net;
  const double kappa = problem.loss.kappa;
  const auto kernl = [&](HPlace place, const std::vector<double>& M) {
    return TraceRule{TraceKind::kKernl, kappa, place, {{M, net.alpha}}};
  };
  const auto identity = scaled_identity(net.n, 1.0);
  const auto neighbours = one_hop(net, 1.0, 0.0), both = one_hop(net, 1.0, 1.0);
  TraceRule two_filters = as_kernl(net, {TraceKind::kEpropAlif, kappa, {}, {}});
  two_filters.filters[1].coupling = {0.0};
  return {{"e-prop ALIF", {TraceKind::kEpropAlif, kappa, {}, {}}},
          {"e-prop LIF", {TraceKind::kEpropLif, kappa, {}, {}}},
          {"error: M = identity", kernl(HPlace::kError, identity)},
          {"error: M = random", kernl(HPlace::kError, problem.random_sensitivity)},
          {"error: M = one hop", kernl(HPlace::kError, neighbours)},
          {"error: M = identity + one hop", kernl(HPlace::kError, both)},
          {"error: M = learned", kernl(HPlace::kError, problem.one_hop_learned)},
          {"error: M = learned by a spiking copy", kernl(HPlace::kError, problem.loop_learned)},
          {"error: M = identity + learned",
           kernl(HPlace::kError, with_identity(problem.one_hop_learned, net.n))},
          {"error: M = identity + learned, spiking copy",
           kernl(HPlace::kError, with_identity(problem.loop_learned, net.n))},
          {"error: identity, slow filter with plain decay", two_filters},
          {"trace: M = identity", kernl(HPlace::kTrace, identity)},
          {"trace: M = random", kernl(HPlace::kTrace, problem.random_sensitivity)},
          {"trace: M = one hop", kernl(HPlace::kTrace, neighbours)},
          {"trace: M = identity + one hop", kernl(HPlace::kTrace, both)},
          {"seed: M = identity", kernl(HPlace::kSeed, identity)},
          {"seed: M = random", kernl(HPlace::kSeed, problem.random_sensitivity)},
          {"seed: M = one hop", kernl(HPlace::kSeed, neighbours)},
          {"seed: M = identity + one hop", kernl(HPlace::kSeed, both)}};
}

/// (post, pre) to (pre, post), times the membrane's gain.
std::vector<double> as_weights(const AlifNet& net, const std::vector<double>& dW) {
  const auto n = static_cast<std::size_t>(net.n), n_pre = static_cast<std::size_t>(net.n_pre());
  std::vector<double> result(dW.size());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n_pre; ++j)
      result[j * n + i] = net.current_gain(static_cast<int>(i)) * dW[i * n_pre + j];
  return result;
}

struct Task {
  std::map<std::string, double> cosines;  // means over the nets
  std::vector<std::string> names;
  double rate = 0.0;
};

/// Means over kNets nets; with `is_delayed` the cosine is that of the cue's weights alone.
Task measure(bool is_delayed) {
  Task task;
  for (std::uint64_t seed = 1; seed <= kNets; ++seed) {
    const Problem problem = make_problem(seed, is_delayed);
    const AlifRun run = run_alif(problem.net, problem.x);
    INFO("seed ", seed);
    REQUIRE(mean(run.spike) > 0.02);
    REQUIRE(mean(run.spike) < 0.1);
    task.rate += mean(run.spike) / kNets;
    const LossResult sent_back = readout_loss(run, problem.loss);
    std::vector<double> full = bptt(problem.net, problem.x, run, problem.loss, sent_back);
    const std::size_t n_compared = is_delayed ? kCueInputs * kNeurons : full.size();
    full.resize(n_compared);
    task.names.clear();
    for (const auto& [name, rule] : rules(problem)) {
      auto dW = as_weights(problem.net,
                           gradient_by_adjoint(problem.net, problem.x, run, sent_back.q, rule));
      dW.resize(n_compared);
      task.names.push_back(name);
      task.cosines[name] += cosine(dW, full) / kNets;
    }
  }
  return task;
}

}  // namespace

TEST_CASE("reference: cosines of e-prop and KeRNL with back-propagation through time") {
  const Task throughout = measure(false), delayed = measure(true);
  std::string table;
  for (const std::string& name : throughout.names) {
    char line[96];
    std::snprintf(line, sizeof line, "\n  %-46s %10.3f %12.3f", name.c_str(),
                  throughout.cosines.at(name), delayed.cosines.at(name));
    table += line;
  }
  MESSAGE("mean cosine with back-propagation over ", kNets, " nets; mean rates ", throughout.rate,
          ", ", delayed.rate, "; all weights with input throughout, a cue's weights", table);

  for (const Task* task : {&throughout, &delayed}) {
    const auto& cosines = task->cosines;
    CHECK(cosines.at("e-prop ALIF") > 0.5);
    CHECK(cosines.at("e-prop ALIF") > cosines.at("error: M = random") + 0.3);
    CHECK(cosines.at("error: M = identity") ==
          doctest::Approx(cosines.at("e-prop LIF")).epsilon(1e-12));
  }
  // M learned is about half the analytic one; by itself it helps as little
  CHECK(throughout.cosines.at("error: M = identity + learned") >
        throughout.cosines.at("error: M = learned") + 0.3);
  // what the membrane has forgotten, the adaptation trace has not
  CHECK(delayed.cosines.at("e-prop ALIF") > delayed.cosines.at("e-prop LIF"));
}

}  // namespace spikelane::test
