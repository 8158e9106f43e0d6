// Generations of an evolution strategy: losses from counts, shaping, gradient, Adam on the mean.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/learning/gradient.h"
#include "engine/learning/optimiser.h"
#include "engine/learning/shaping.h"
#include "engine/learning/sums.h"
#include "kernels/step/es_gradient.h"
#include "kernels/step/loss.h"
#include "tests/golden.h"

namespace spikelane {
namespace {

namespace kernels = SPIKELANE_ISA;

using nlohmann::json;

// noise that is given instead of drawn: (draws, P)
struct ArrayNoise {
  const float* eps;
  std::int64_t n_parameters;
  void operator()(float* out, std::int64_t first, std::int64_t n, int draw) const {
    std::copy_n(eps + draw * n_parameters + first, n, out);
  }
};

double ulp_of(double x) {
  const float magnitude = std::fabs(static_cast<float>(x));
  return static_cast<double>(std::nextafter(magnitude, std::numeric_limits<float>::infinity())) -
         static_cast<double>(magnitude);
}

// mean cross-entropy of the counts (B, O) of one member
double loss_of_counts(const std::int32_t* counts, const std::vector<std::int32_t>& labels,
                      std::size_t n_classes) {
  const double total = tree_sum_blocks_of_8(labels.size(), [&](std::size_t b) {
    std::vector<float> logits(counts + b * n_classes, counts + (b + 1) * n_classes);
    double loss = 0.0;
    kernels::cross_entropy<1>(logits.data(), static_cast<int>(n_classes), &labels[b], &loss);
    return loss;
  });
  return total / static_cast<double>(labels.size());
}

double accuracy_of_counts(const std::int32_t* counts, const std::vector<std::int32_t>& labels,
                          std::size_t n_classes) {
  int n_correct = 0;
  for (std::size_t b = 0; b < labels.size(); ++b) {
    std::vector<float> logits(counts + b * n_classes, counts + (b + 1) * n_classes);
    std::int32_t best = -1;
    kernels::best_class<1>(logits.data(), static_cast<int>(n_classes), &best);
    n_correct += best == labels[b];
  }
  return n_correct / static_cast<double>(labels.size());
}

ShapingKind shaping_from(const std::string& name) {
  if (name == "zscore") return ShapingKind::kZScore;
  if (name == "ranks") return ShapingKind::kCentredRanks;
  REQUIRE(name == "none");
  return ShapingKind::kNone;
}

void follow_golden_generations(const std::filesystem::path& folder, const json& params,
                               const std::string& shaping) {
  CAPTURE(folder.string());
  CAPTURE(shaping);
  const auto array = [&](const std::string& name) {
    return test::read_npy(folder / (name + ".npy"));
  };
  const std::size_t n_members = params.at("members");
  const std::size_t n_generations = params.at("generations");
  const std::size_t n_classes = params.at("sizes").at(2);
  const bool antithetic = params.at("antithetic");
  const float sigma = static_cast<float>(params.at("sigma").get<double>());
  const double lr = params.at("lr");
  const auto labels = array("labels").as<std::int32_t>();
  const auto eps = array("eps").as<float>();
  const auto counts = array(shaping + "_counts").as<std::int32_t>();
  const auto golden_loss = array(shaping + "_loss64").as<double>();
  const auto golden_accuracy = array(shaping + "_accuracy").as<double>();
  const auto golden_shaped = array(shaping + "_shaped").as<double>();
  const auto golden_gradient = array(shaping + "_gradient").as<double>();
  const auto golden_after = array(shaping + "_mean_after").as<float>();

  std::vector<float> mean;
  const auto before = array("mean_before").as<float>();
  const auto trained = array("trained").as<std::uint8_t>();
  for (std::size_t i = 0; i < before.size(); ++i)
    if (trained.at(i)) mean.push_back(before[i]);
  const std::size_t n = mean.size();
  const auto n_parameters = static_cast<std::int64_t>(n);
  const std::size_t n_draws = antithetic ? n_members / 2 : n_members;
  REQUIRE(n > 0);
  REQUIRE(eps.size() == n_generations * n_draws * n);
  REQUIRE(golden_gradient.size() == n_generations * n);

  OptimiserConfig config;
  config.lr = lr;
  Optimiser adam(config, std::vector<ParameterTensor>{{"trained", 0, n_parameters}});
  const std::vector<ParameterRange> searched{{0, 0, n_parameters}};

  for (std::size_t g = 0; g < n_generations; ++g) {
    CAPTURE(g);
    std::vector<double> losses(n_members);
    for (std::size_t m = 0; m < n_members; ++m) {
      const std::size_t at = g * n_members + m;
      const std::int32_t* own = counts.data() + at * labels.size() * n_classes;
      losses[m] = loss_of_counts(own, labels, n_classes);
      // below 1 the original's own sum, log plus maximum minus logit, has no more digits
      CHECK(std::fabs(losses[m] - golden_loss[at]) <= 1e-12 * std::max(1.0, golden_loss[at]));
      CHECK(accuracy_of_counts(own, labels, n_classes) == golden_accuracy[at]);
    }
    const std::vector<double> shaped = shape_losses(shaping_from(shaping), losses);
    for (std::size_t m = 0; m < n_members; ++m) {
      const double expected = golden_shaped[g * n_members + m];
      CHECK(std::fabs(shaped[m] - expected) <= 1e-12 * std::max(1.0, std::fabs(expected)));
    }

    // the sum in double by its own, then as the run takes it
    const ArrayNoise noise{eps.data() + g * n_draws * n, n_parameters};
    std::vector<double> sum(n);
    const auto accumulate = [&](const GradientView& view, std::int64_t begin, std::int64_t end,
                                double* out) {
      kernels::accumulate_gradient_from(view, begin, end, noise, out);
      std::copy_n(out, end - begin, sum.begin() + begin);
    };
    std::vector<float> gradient(n, std::numeric_limits<float>::quiet_NaN());
    GradientEstimate(shaped, antithetic, 0, 0).write(accumulate, 0, n_parameters, sigma, gradient);
    double largest = 0.0;
    for (std::size_t i = 0; i < n; ++i)
      largest = std::max(largest, std::fabs(golden_gradient[g * n + i]));
    CHECK(largest > 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      const double estimate = sum[i] / (static_cast<double>(n_members) * sigma);
      CHECK(std::fabs(estimate - golden_gradient[g * n + i]) <= 1e-12 * largest);
      CHECK(gradient[i] == static_cast<float>(estimate));
    }

    adam.update(mean, gradient, lr, searched);
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = golden_after[g * n + i];
      CHECK(std::fabs(mean[i] - expected) <= ulp_of(std::max(std::fabs(expected), lr)));
    }
    // the next generation starts from what the original had
    std::copy_n(golden_after.begin() + static_cast<long>(g * n), n, mean.begin());
  }
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("generations of an evolution strategy by hand") {
    if (test::golden_is_missing()) return;
    for (const auto& folder : test::golden_sets("es")) {
      std::ifstream in(folder / "params.json");
      const json params = json::parse(in);
      REQUIRE(!params.at("shaping").empty());
      for (const json& shaping : params.at("shaping"))
        follow_golden_generations(folder, params, shaping.get<std::string>());
    }
  }
}

TEST_SUITE("learning") {
  TEST_CASE("the gradient of a tile is that of the whole, for any number of members") {
    const std::int64_t n = 3 * kernels::kGradientTile + 45;
    for (bool antithetic : {false, true})
      for (int n_members : {2, 6, 8, 10, 24, 30}) {
        std::vector<double> shaped;
        for (int m = 0; m < n_members; ++m) shaped.push_back((m * 5 % 7) / 3.0 - 1.0);
        const GradientEstimate estimate(shaped, antithetic, 42, 7);
        std::vector<float> whole(static_cast<std::size_t>(n)), cut(static_cast<std::size_t>(n));
        estimate.write(kernels::accumulate_gradient, 0, n, 0.5f, whole);
        for (std::int64_t begin = 0; begin < n;) {
          const std::int64_t end = std::min(n, begin + 1 + begin / 3);
          estimate.write(kernels::accumulate_gradient, begin, end, 0.5f, cut);
          begin = end;
        }
        CHECK(whole == cut);
        CHECK(gradient_norm(whole, std::vector<ParameterRange>{{0, 0, n}}) > 0.0);
      }
  }

  TEST_CASE("the gradient is the contract's sum, written plainly") {
    const std::int64_t n = 19;
    for (bool antithetic : {false, true})
      for (std::size_t n_members : {2u, 8u, 14u, 20u}) {
        const std::size_t n_draws = antithetic ? n_members / 2 : n_members;
        std::vector<float> eps(n_draws * static_cast<std::size_t>(n));
        for (std::size_t i = 0; i < eps.size(); ++i)
          eps[i] = static_cast<float>(std::sin(static_cast<double>(i)));
        std::vector<double> shaped, c(n_draws);
        for (std::size_t m = 0; m < n_members; ++m)
          shaped.push_back(std::cos(3.0 * static_cast<double>(m)));
        for (std::size_t d = 0; d < n_draws; ++d)
          c[d] = antithetic ? shaped[2 * d] - shaped[2 * d + 1] : shaped[d];
        const std::size_t draws_per_block = antithetic ? 4 : 8;
        std::vector<double> sum(static_cast<std::size_t>(n));
        const auto accumulate = [&](const GradientView& view, std::int64_t begin, std::int64_t end,
                                    double* out) {
          kernels::accumulate_gradient_from(view, begin, end, ArrayNoise{eps.data(), n}, out);
          std::copy_n(out, end - begin, sum.begin() + begin);
        };
        std::vector<float> gradient(static_cast<std::size_t>(n));
        GradientEstimate(shaped, antithetic, 0, 0).write(accumulate, 0, n, 0.25f, gradient);
        for (std::size_t p = 0; p < static_cast<std::size_t>(n); ++p) {
          double total = 0.0;
          for (std::size_t d = 0; d < n_draws; d += draws_per_block) {
            double block = 0.0;
            for (std::size_t k = d; k < std::min(n_draws, d + draws_per_block); ++k)
              block += c[k] * static_cast<double>(eps[k * static_cast<std::size_t>(n) + p]);
            total += block;
          }
          CHECK(sum[p] == total);
          CHECK(gradient[p] == static_cast<float>(total / (static_cast<double>(n_members) * 0.25)));
        }
      }
  }
}

}  // namespace spikelane
