// The pseudo-derivatives by name: the engine's weight gradient with each of them against naive
// traces in double over the same run; and whose error the firing-rate regulariser is.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/run/kernl_evaluator.h"
#include "engine/run/kernl_online.h"
#include "kernels/reference/trace_oracle.h"
#include "tests/learning/regression_net.h"

namespace spikelane::test {
namespace {

constexpr int kSteps = 60, kSamples = 9, kInputs = 6, kNeurons = 21;

struct Run {
  reference::AlifNet net;
  reference::Series x{kSteps, kSamples, kInputs}, q{kSteps, kSamples, kNeurons};
  std::unique_ptr<RegressionNet> built;
  // of the learned population, all samples: for given_error (B, T, n_padded)
  AlignedMemory error;

  Run() {
    std::mt19937_64 generator(8);
    net = random_net(generator, kInputs, kNeurons);
    net.delta = 0.0;
    net.adaptation = reference::AdaptationGain::kOne;
    for (double& beta : net.beta) beta *= 0.2;
    // the oracle gets the weights that float holds
    for (double& weight : net.weights) weight = static_cast<double>(static_cast<float>(weight));
    x = random_spikes(generator, kSteps, kSamples, kInputs, 0.3);
    q = random_series(generator, kSteps, kSamples, kNeurons, 1.0);
    built = std::make_unique<RegressionNet>(net, x, kSteps);
    const int n_padded = built->plan->population(0).n_padded;
    error = AlignedMemory(static_cast<std::size_t>(kSamples * kSteps * n_padded) * sizeof(float));
    auto* to = reinterpret_cast<float*>(error.data());
    for (int b = 0; b < kSamples; ++b)
      for (int t = 0; t < kSteps; ++t)
        for (int i = 0; i < kNeurons; ++i)
          to[(b * kSteps + t) * n_padded + i] = static_cast<float>(q.row(t, b)[i]);
  }
};

double height(SurrogateKind kind, double v, double B, double b0) {
  const double x = std::fabs(v - B) / (kind == SurrogateKind::kBaseTriangle ? b0 : B);
  if (kind == SurrogateKind::kExponential) return 0.3 * std::exp(-x);
  const double triangle = 0.3 * std::max(0.0, 1.0 - x);
  return kind == SurrogateKind::kSlopeTriangle ? triangle * b0 / B : triangle;
}

// (I+N, N), summed over samples
std::vector<double> by_engine(const Run& run, const KernlConfig& config, const KernelTable& kernels,
                              bool from_error, const std::vector<double>& rates = {}) {
  KernlRule rule(*run.built->plan, kernels, config, 1);
  rule.follow_weights(run.built->parameters());
  if (!rates.empty()) rule.set_rates(rates);
  ThreadPool pool(1);
  KernlEvaluator evaluator(*run.built->plan, rule, config, kernels, pool, from_error);
  KernlScores scores;
  evaluator.run(run.built->inputs(), run.built->parameters(), 0, scores,
                from_error ? reinterpret_cast<const float*>(run.error.data()) : nullptr);
  REQUIRE(scores.n_spikes.size() == static_cast<std::size_t>(kNeurons));
  std::vector<double> gradient;
  for (std::size_t i = 0; i < run.net.weights.size(); ++i)
    gradient.push_back(static_cast<double>(scores.gradient[i]) * kSamples);
  return gradient;
}

std::vector<double> online(const Run& run, KernlConfig config, const std::vector<double>& rates) {
  config.k_steps = 7;
  PlanOptions options;
  const auto plan =
      compile_plan(run.built->network, LossConfig{}, kSteps, for_learning(options, true));
  const KernelTable& kernels = *runnable_kernels().back();
  KernlRule rule(*plan, kernels, config, 1);
  rule.follow_weights(run.built->parameters());
  rule.set_rates(rates);
  ThreadPool pool(1);
  KernlOnline learner(*plan, rule, config, kernels, pool, kSamples);
  const EncodedInputs inputs(*plan, run.built->data, run.built->samples);
  while (learner.t() < kSteps)
    learner.run(inputs, run.built->parameters(), std::min(7, kSteps - learner.t()));
  std::vector<float> gradient(static_cast<std::size_t>(plan->n_parameters()), 0.0f);
  learner.take_gradient(gradient);
  return {gradient.begin(), gradient.begin() + static_cast<std::ptrdiff_t>(run.net.weights.size())};
}

std::vector<double> minus(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

}  // namespace

TEST_CASE("kernl: every pseudo-derivative's gradient is that of naive traces") {
  const Run run;
  reference::AlifRun forward = reference::run_alif(run.net, run.x);
  REQUIRE(mean(forward.spike) > 0.02);
  const int n_pre = run.net.n_pre();
  std::vector<std::vector<double>> all;
  for (const SurrogateKind kind : {SurrogateKind::kTriangle, SurrogateKind::kExponential,
                                   SurrogateKind::kBaseTriangle, SurrogateKind::kSlopeTriangle}) {
    INFO("surrogate ", static_cast<int>(kind));
    for (int t = 0; t < kSteps; ++t)
      for (int b = 0; b < kSamples; ++b)
        for (int i = 0; i < kNeurons; ++i)
          forward.h.at(t, b, i) =
              forward.eligible.at(t, b, i) * height(kind, forward.v_before_reset.at(t, b, i),
                                                    forward.threshold.at(t, b, i),
                                                    reference::AlifNet::of(run.net.b0, i));
    const auto naive = reference::gradient_by_traces(
        run.net, run.x, forward, run.q,
        {reference::TraceKind::kEpropAlif, static_cast<double>(0.9f), {}, {}});
    std::vector<double> expected;
    for (int j = 0; j < n_pre; ++j)
      for (int i = 0; i < kNeurons; ++i)
        expected.push_back(naive.dW[static_cast<std::size_t>(i * n_pre + j)]);
    KernlConfig config;
    config.surrogate = kind;
    std::vector<double> first;
    for (const KernelTable* kernels : runnable_kernels()) {
      const auto gradient = by_engine(run, config, *kernels, true);
      CHECK(relative_difference(gradient, expected) <= 1e-5);
      if (first.empty()) first = gradient;
      CHECK(gradient == first);
    }
    for (const auto& other : all) CHECK(relative_difference(first, other) > 0.01);
    all.push_back(first);
  }
}

TEST_CASE("kernl: with KeRNL's slow filter the regulariser acts through the fast one") {
  const Run run;
  const KernelTable& kernels = *runnable_kernels().back();
  std::vector<double> rates(kNeurons, 0.3);
  std::vector<double> of_rates[3];
  for (const SensitivityKind sensitivity : {SensitivityKind::kIdentity, SensitivityKind::kOneHop})
    for (const FilterKind filters :
         {FilterKind::kMembrane, FilterKind::kAdaptation, FilterKind::kEprop}) {
      KernlConfig config;
      config.filters = filters;
      config.sensitivity.kind = sensitivity;
      config.rate_strength = 100.0;
      config.rate_target = 0.01;
      const auto with = by_engine(run, config, kernels, false, rates);
      auto& result = of_rates[static_cast<int>(filters)];
      result = minus(with, by_engine(run, config, kernels, false));
      if (sensitivity == SensitivityKind::kIdentity)
        CHECK(relative_difference(online(run, config, rates), with) <= 1e-5);
      if (filters == FilterKind::kAdaptation)
        CHECK(relative_difference(result, of_rates[static_cast<int>(FilterKind::kMembrane)]) <=
              1e-4);
      if (filters == FilterKind::kEprop)
        CHECK(relative_difference(result, of_rates[static_cast<int>(FilterKind::kMembrane)]) >
              0.01);
    }
}

}  // namespace spikelane::test
