// KeRNL's regression in the engine: bit for bit the twin on every instruction set and with any
// number of threads, and near the oracle in double for every option; noise, starts, and learning.
#include "engine/learning/kernl_regression.h"

#include <doctest/doctest.h>

#include "kernels/reference/regression_twin.h"
#include "tests/learning/regression_net.h"

namespace spikelane::test {
namespace {

using reference::RegressionTwin;
using reference::Series;

struct Problem {
  reference::AlifNet net;
  Series x, psi;
  Problem(std::uint64_t seed, int n, int n_steps, int n_samples) {
    std::mt19937_64 generator(seed);
    net = reference::AlifNet(random_net(generator, 5, n));
    x = random_spikes(generator, n_steps, n_samples, 5, 0.3);
    psi = random_series(generator, n_steps, n_samples, n, 0.5);
    // what both programs see is float
    for (double& w : net.weights) w = static_cast<double>(static_cast<float>(w));
    for (double& value : psi.values) value = static_cast<double>(static_cast<float>(value));
  }
};

std::vector<RegressionConfig> all_configs() {
  std::vector<RegressionConfig> configs;
  for (const auto copy : {CopyKind::kFiltered, CopyKind::kSpiking})
    for (const auto target : {RegressionTargetKind::kMembrane, RegressionTargetKind::kDistance})
      for (const auto loss_at : {RegressionLossAt::kLastStep, RegressionLossAt::kEveryStep})
        for (const int n_filters : {1, 2}) {
          RegressionConfig config;
          config.copy = copy;
          config.target = target;
          config.loss_at = loss_at;
          config.n_filters = n_filters;
          config.start = RegressionStart::kRandom;
          config.start_std = 0.2;
          config.gamma_low = 0.01;
          config.gamma_high = 0.3;
          configs.push_back(config);
        }
  return configs;
}

std::string name_of(const RegressionConfig& c) {
  return std::string(c.copy == CopyKind::kSpiking ? "spiking" : "filtered") +
         (c.target == RegressionTargetKind::kDistance ? ", distance" : ", membrane") +
         (c.loss_at == RegressionLossAt::kEveryStep ? ", every step" : ", last step") + ", " +
         std::to_string(c.n_filters) + " filters";
}

struct Found {
  double loss = 0.0;
  std::vector<float> gradient;
  bool operator==(const Found&) const = default;
};

// what the twin says of the engine's net, with the engine's decays and M and `psi` (B, T, N)
Found by_twin(const RegressionNet& net, const KernlRegression& regression,
              const RegressionConfig& config, const std::vector<std::vector<float>>& psi) {
  const int n = regression.n(), n_padded = regression.n_padded();
  std::vector<std::vector<float>> arrays;
  RegressionView rule{};
  rule.n = n;
  rule.n_padded = n_padded;
  rule.recurrent = 1;
  rule.is_spiking_copy = config.copy == CopyKind::kSpiking;
  rule.is_distance = config.target == RegressionTargetKind::kDistance;
  rule.is_every_step = config.loss_at == RegressionLossAt::kEveryStep;
  rule.n_filters = config.n_filters;
  const auto& parameters = regression.parameters();
  for (int f = 0; f < config.n_filters; ++f) {
    std::vector<float> decay(static_cast<std::size_t>(n)),
        M(static_cast<std::size_t>(n * n_padded));
    for (int i = 0; i < n; ++i) {
      const float g = parameters[static_cast<std::size_t>((config.n_filters * n + f) * n + i)];
      decay[static_cast<std::size_t>(i)] = static_cast<float>(own_exp(-static_cast<double>(g)));
      for (int j = 0; j < n; ++j)
        M[static_cast<std::size_t>(j * n_padded + i)] =
            parameters[static_cast<std::size_t>((f * n + j) * n + i)];
    }
    arrays.push_back(decay);
    arrays.push_back(M);
  }
  for (int f = 0; f < config.n_filters; ++f) {
    rule.filters[f].decay = arrays[static_cast<std::size_t>(2 * f)].data();
    rule.filters[f].sensitivity = arrays[static_cast<std::size_t>(2 * f + 1)].data();
  }
  const int n_samples = net.data.n_samples, n_steps = net.data.n_steps;
  Found found;
  std::vector<double> sums(parameters.size());
  double loss = 0.0;
  for (int begin = 0; begin < n_samples; begin += 8) {
    RegressionTwin twin;
    double block_loss = 0.0;
    for (int b = begin; b < std::min(n_samples, begin + 8); ++b) {
      std::vector<float> x(static_cast<std::size_t>(n_steps * net.data.n_inputs));
      for (auto e = net.data.offsets[static_cast<std::size_t>(b)];
           e < net.data.offsets[static_cast<std::size_t>(b) + 1]; ++e) {
        const auto& event = net.data.events[static_cast<std::size_t>(e)];
        x[static_cast<std::size_t>(event.step * net.data.n_inputs + event.unit)] = 1.0f;
      }
      reference::add_sample(net.plan->view(), net.parameters(), rule, x,
                            psi[static_cast<std::size_t>(b)], twin);
      block_loss += twin.loss;
    }
    loss += block_loss;
    std::size_t at = 0;
    for (const auto* of_filters : {&twin.tensor, &twin.filter})
      for (const auto& values : *of_filters)
        for (const float value : values) sums[at++] += static_cast<double>(value);
  }
  const double n_terms = static_cast<double>(n_samples) * n * (rule.is_every_step ? n_steps : 1);
  found.loss = loss / n_terms;
  for (const double sum : sums) found.gradient.push_back(static_cast<float>(-2.0 * sum / n_terms));
  return found;
}

}  // namespace

TEST_CASE("kernl regression: the twin's bits, on every instruction set and any threads") {
  // sizes around the lanes, steps around the blocks of 16, samples around the blocks of 8
  struct Size {
    int n, n_steps, n_samples;
  };
  for (const Size size : {Size{6, 40, 9}, Size{33, 33, 3}, Size{16, 16, 8}, Size{49, 37, 2}})
    for (const RegressionConfig& config : all_configs()) {
      Problem problem(static_cast<std::uint64_t>(size.n), size.n, size.n_steps, size.n_samples);
      if (size.n == 16) {  // no adaptation, no refractory period, a spike takes the threshold
        problem.net.beta = problem.net.rho = {0.0};
        problem.net.t_refractory = 0.0;
        problem.net.reset = reference::AlifReset::kSubtractThreshold;
      }
      const RegressionNet net(problem.net, problem.x, size.n_steps);
      const EncodedInputs inputs = net.inputs();
      Found expected;
      for (const KernelTable* kernels : runnable_kernels())
        for (const int n_threads : {1, 3}) {
          INFO("n ", size.n, ", ", name_of(config), ", ", std::string(kernels->isa), ", ",
               n_threads, " threads");
          ThreadPool pool(n_threads);
          KernlRegression regression(*net.plan, config, *kernels, pool, 3, net.parameters());
          const auto noise = padded_noise(problem.psi, size.n_steps, regression.n_padded());
          const double loss = regression.find_gradient(inputs, net.parameters(), 0, noise.data());
          const Found found{loss, regression.gradient()};
          if (expected.gradient.empty()) {
            std::vector<std::vector<float>> psi;
            for (int b = 0; b < size.n_samples; ++b) {
              auto& of_sample = psi.emplace_back();
              for (int t = 0; t < size.n_steps; ++t)
                for (int i = 0; i < size.n; ++i)
                  of_sample.push_back(static_cast<float>(problem.psi.row(t, b)[i]));
            }
            expected = by_twin(net, regression, config, psi);
          }
          CHECK(found == expected);
        }
    }
}

TEST_CASE("kernl regression: every option is near the oracle in double") {
  double worst = 0.0;
  for (const RegressionConfig& config : all_configs()) {
    INFO(name_of(config));
    const Problem problem(5, 12, 60, 3);
    REQUIRE(mean(reference::run_alif(problem.net, problem.x).spike) > 0.02);
    const RegressionNet net(problem.net, problem.x, 60);
    ThreadPool pool(2);
    KernlRegression regression(*net.plan, config, *find_kernels(""), pool, 3, net.parameters());
    const auto noise = padded_noise(problem.psi, 60, regression.n_padded());
    const double loss = regression.find_gradient(net.inputs(), net.parameters(), 0, noise.data());
    reference::RegressionRule rule;
    if (config.copy == CopyKind::kSpiking) rule.copy = reference::PerturbedCopy::kSpiking;
    if (config.target == RegressionTargetKind::kDistance)
      rule.target = reference::RegressionTarget::kDistanceToThreshold;
    if (config.loss_at == RegressionLossAt::kEveryStep)
      rule.loss = reference::RegressionLoss::kEveryStep;
    const auto& parameters = regression.parameters();
    const int n = regression.n(), n_filters = config.n_filters;
    for (int f = 0; f < n_filters; ++f)
      rule.filters.push_back(
          {{parameters.begin() + f * n * n, parameters.begin() + (f + 1) * n * n},
           {parameters.begin() + (n_filters * n + f) * n,
            parameters.begin() + (n_filters * n + f + 1) * n}});
    const auto expected = reference::regress(problem.net, problem.x, problem.psi, rule);
    CHECK(std::fabs(loss - expected.loss) <= 1e-5 * expected.loss);
    worst = std::max(worst, std::fabs(loss - expected.loss) / expected.loss);
    const std::vector<double> gradient(regression.gradient().begin(), regression.gradient().end());
    for (int f = 0; f < n_filters; ++f) {
      const double dM =
          relative_difference({gradient.begin() + f * n * n, gradient.begin() + (f + 1) * n * n},
                              expected.dM[static_cast<std::size_t>(f)]);
      const double dg = relative_difference({gradient.begin() + (n_filters * n + f) * n,
                                             gradient.begin() + (n_filters * n + f + 1) * n},
                                            expected.dgamma[static_cast<std::size_t>(f)]);
      CHECK(dM <= 1e-5);
      CHECK(dg <= 1e-5);
      worst = std::max({worst, dM, dg});
    }
  }
  MESSAGE("largest relative difference from the oracle: ", worst);
}

TEST_CASE("kernl regression: drawn noise is the stream's, one number a neuron, step and sample") {
  // 64 are drawn together, what is left over in another way
  for (const int n : {37, 61, 70})
    for (const auto kind : {NoiseKind::kGaussian, NoiseKind::kSign}) {
      const Problem problem(21, n, 21, 3);
      const RegressionNet net(problem.net, problem.x, 21);
      RegressionConfig config;
      config.noise = kind;
      config.noise_std = 0.75;
      RegressionView rule{};
      rule.seed = 11;
      rule.is_sign_noise = kind == NoiseKind::kSign;
      rule.noise_std = 0.75f;
      std::vector<std::vector<float>> psi(3);
      for (std::uint32_t b = 0; b < 3; ++b)
        for (int t = 0; t < 21; ++t)
          for (int i = 0; i < n; ++i)
            psi[b].push_back(reference::regression_noise(rule, 4, b, t, i));
      for (const KernelTable* kernels : runnable_kernels()) {
        INFO("n ", n, ", ", std::string(kernels->isa));
        ThreadPool pool(2);
        KernlRegression regression(*net.plan, config, *kernels, pool, 11, net.parameters());
        const double loss = regression.find_gradient(net.inputs(), net.parameters(), 4);
        CHECK(Found{loss, regression.gradient()} == by_twin(net, regression, config, psi));
        CHECK(regression.find_gradient(net.inputs(), net.parameters(), 5) != loss);
      }
    }
}

TEST_CASE("kernl regression: starts") {
  Problem problem(11, 6, 40, 4);
  problem.net.alpha = {0.95};
  const RegressionNet net(problem.net, problem.x, 40);
  ThreadPool pool(1);
  const KernelTable& kernels = *find_kernels("");
  RegressionConfig config;
  config.n_filters = 2;
  const KernlRegression analytic(*net.plan, config, kernels, pool, 1, net.parameters());
  for (int f = 0; f < 2; ++f)
    for (int j = 0; j < 6; ++j)
      for (int i = 0; i < 6; ++i) {
        const double slow =
            j == i ? -problem.net.beta[static_cast<std::size_t>(i)] * problem.net.adaptation_gain(i)
                   : 0.0;
        const double expected =
            f == 1 ? slow
                   : problem.net.current_gain(i) *
                         problem.net.weights[static_cast<std::size_t>((5 + j) * 6 + i)];
        CHECK(static_cast<double>(
                  analytic.parameters()[static_cast<std::size_t>((f * 6 + j) * 6 + i)]) ==
              doctest::Approx(expected).epsilon(1e-5));
      }
  for (int i = 0; i < 6; ++i) {
    CHECK(static_cast<double>(analytic.parameters()[static_cast<std::size_t>(72 + i)]) ==
          doctest::Approx(-std::log(0.95)).epsilon(1e-5));
    CHECK(static_cast<double>(analytic.parameters()[static_cast<std::size_t>(78 + i)]) ==
          doctest::Approx(-std::log(problem.net.rho[static_cast<std::size_t>(i)])).epsilon(1e-5));
  }
  config.start = RegressionStart::kZeros;
  config.gamma_low = 0.2;
  config.gamma_high = 0.4;
  const KernlRegression zeros(*net.plan, config, kernels, pool, 1, net.parameters());
  config.start = RegressionStart::kRandom;
  const KernlRegression random(*net.plan, config, kernels, pool, 1, net.parameters());
  double sum_of_squares = 0.0;
  for (std::size_t i = 0; i < 84; ++i) {
    const auto drawn = static_cast<double>(random.parameters()[i]);
    if (i < 72) {
      CHECK(zeros.parameters()[i] == 0.0f);
      sum_of_squares += drawn * drawn;
    } else {
      CHECK(zeros.parameters()[i] == random.parameters()[i]);
      CHECK(drawn >= 0.2 - 1e-6);
      CHECK(drawn <= 0.4 + 1e-6);
    }
  }
  CHECK(std::sqrt(sum_of_squares / 72.0) == doctest::Approx(config.start_std).epsilon(0.3));

  config.start = RegressionStart::kUniform;
  config.start_std = 0.2;
  const KernlRegression uniform(*net.plan, config, kernels, pool, 1, net.parameters());
  const double bound = 0.2 * std::sqrt(3.0);
  double sum = 0.0, largest = 0.0;
  sum_of_squares = 0.0;
  for (std::size_t i = 0; i < 72; ++i) {
    const auto drawn = static_cast<double>(uniform.parameters()[i]);
    sum += drawn;
    sum_of_squares += drawn * drawn;
    largest = std::max(largest, std::abs(drawn));
  }
  CHECK(largest <= bound + 1e-6);
  CHECK(largest > 0.9 * bound);
  CHECK(std::abs(sum / 72.0) < 0.1);
  CHECK(std::sqrt(sum_of_squares / 72.0) == doctest::Approx(0.2).epsilon(0.2));
  CHECK(uniform.parameters()[75] == zeros.parameters()[75]);  // g is drawn alike
}

TEST_CASE("kernl regression: a net that cannot fire is learned from zero") {
  Problem problem(11, 6, 40, 16);
  problem.net.alpha = {0.95};
  problem.net.b0 = {1e6};
  const RegressionNet net(problem.net, problem.x, 40);
  ThreadPool pool(2);
  RegressionConfig config;
  const KernlRegression solution(*net.plan, config, *find_kernels(""), pool, 1, net.parameters());
  config.start = RegressionStart::kZeros;
  config.gamma_low = 0.1;
  config.gamma_high = 0.2;
  config.optimiser.lr = 3e-3;
  KernlRegression regression(*net.plan, config, *find_kernels(""), pool, 1, net.parameters());
  const EncodedInputs inputs = net.inputs();
  double first = 0.0, last = 0.0;
  for (int update = 0; update < 600; ++update) {
    last = regression.find_gradient(inputs, net.parameters(), update);
    if (update == 0) first = last;
    regression.step(update);
  }
  CHECK(last < 0.05 * first);
  const std::vector<double> M(regression.parameters().begin(),
                              regression.parameters().begin() + 36);
  const std::vector<double> expected(solution.parameters().begin(),
                                     solution.parameters().begin() + 36);
  CHECK(relative_difference(M, expected) < 0.2);
  MESSAGE("loss ", first, " -> ", last, ", M apart by ", relative_difference(M, expected));
}

}  // namespace spikelane::test
