// Losses of samples from logits: snnTorch's, both widths, and logits that are not finite.
#include "kernels/step/loss.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/golden.h"

namespace spikelane {
namespace {

namespace kernels = SPIKELANE_ISA;

using nlohmann::json;

constexpr Loss kKinds[] = {Loss::kCrossEntropy, Loss::kCountHinge, Loss::kMeanSquaredError};

double loss_of(Loss kind, const std::vector<float>& logits, std::int32_t label,
               double margin = 1.0) {
  double loss = -1.0;
  std::int32_t is_correct = -1;
  kernels::evaluate_logits<1>(kind, margin, logits.data(), static_cast<int>(logits.size()), &label,
                              &loss, &is_correct);
  return loss;
}

bool is_correct(const std::vector<float>& logits, std::int32_t label) {
  double loss = 0.0;
  std::int32_t correct = -1;
  kernels::evaluate_logits<1>(Loss::kCrossEntropy, 1.0, logits.data(),
                              static_cast<int>(logits.size()), &label, &loss, &correct);
  return correct == 1;
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("snntorch's cross-entropy of spike counts") {
    if (test::golden_is_missing()) return;
    for (const auto& folder : test::golden_sets("snntorch_leaky")) {
      CAPTURE(folder.string());
      const test::NpyArray count_file = test::read_npy(folder / "counts.npy");
      const auto counts = count_file.as<std::int32_t>();
      const auto labels = test::read_npy(folder / "labels.npy").as<std::int32_t>();
      const auto golden = test::read_npy(folder / "loss.npy").as<float>();
      std::ifstream in(folder / "cases.json");
      const json cases = json::parse(in).at("cases");
      const auto n_classes = static_cast<std::size_t>(count_file.shape.at(2));
      const std::size_t n_samples = labels.size();
      REQUIRE(!cases.empty());
      REQUIRE(golden.size() == cases.size() * n_samples);
      REQUIRE(counts.size() == golden.size() * n_classes);
      for (std::size_t c = 0; c < cases.size(); ++c) {
        int n_correct = 0;
        for (std::size_t b = 0; b < n_samples; ++b) {
          const std::size_t at = c * n_samples + b;
          const std::vector<float> logits(counts.begin() + static_cast<long>(at * n_classes),
                                          counts.begin() + static_cast<long>((at + 1) * n_classes));
          const double loss = loss_of(Loss::kCrossEntropy, logits, labels[b]);
          const double expected = static_cast<double>(golden[at]);
          CHECK(std::fabs(loss - expected) <= 1e-6 * std::max(1.0, expected));
          n_correct += is_correct(logits, labels[b]);
        }
        const double accuracy = n_correct / static_cast<double>(n_samples);
        CHECK(std::fabs(accuracy - cases[c].at("accuracy").get<double>()) < 1e-6);
      }
    }
  }
}

TEST_SUITE("learning") {
  TEST_CASE("sixteen lanes give the bits of sixteen samples") {
    for (Loss kind : kKinds)
      for (int n_classes : {1, 2, 3, 10, 33}) {
        CAPTURE(static_cast<int>(kind));
        CAPTURE(n_classes);
        std::vector<float> logits(static_cast<std::size_t>(n_classes) * 16);
        for (std::size_t i = 0; i < logits.size(); ++i) {
          logits[i] = static_cast<float>(std::sin(0.7 * static_cast<double>(i)) * 30.0);
          if (i % 5 == 0) logits[i] = std::round(logits[i] / 10.0f);
        }
        std::int32_t labels[16], correct[16];
        double loss[16];
        for (int lane = 0; lane < 16; ++lane) labels[lane] = lane * 7 % n_classes;
        kernels::evaluate_logits<16>(kind, 2.5, logits.data(), n_classes, labels, loss, correct);
        for (int lane = 0; lane < 16; ++lane) {
          std::vector<float> own;
          for (int c = 0; c < n_classes; ++c)
            own.push_back(logits[static_cast<std::size_t>(c * 16 + lane)]);
          const double alone = loss_of(kind, own, labels[lane], 2.5);
          CHECK(std::memcmp(&alone, &loss[lane], sizeof alone) == 0);
          CHECK(correct[lane] == (is_correct(own, labels[lane]) ? 1 : 0));
          CHECK(std::isfinite(loss[lane]));
        }
      }
  }

  TEST_CASE("losses by hand") {
    const std::vector<float> logits{1.0f, 3.0f, 2.5f};
    // wrong classes lack 1 - (3 - 1) < 0 and 1 - (3 - 2.5) = 0.5
    CHECK(loss_of(Loss::kCountHinge, logits, 1) == 0.25);
    CHECK(loss_of(Loss::kCountHinge, logits, 0) == (3.0 + 2.5) / 2.0);
    CHECK(loss_of(Loss::kCountHinge, logits, 1, 0.0) == 0.0);
    CHECK(loss_of(Loss::kMeanSquaredError, logits, 0) == (0.0 + 9.0 + 6.25) / 3.0);
    const double expected = std::log(std::exp(1.0) + std::exp(3.0) + std::exp(2.5)) - 2.5;
    CHECK(std::fabs(loss_of(Loss::kCrossEntropy, logits, 2) - expected) < 1e-14);
    // with a single class nothing can be wrong
    CHECK(loss_of(Loss::kCountHinge, {5.0f}, 0) == 0.0);
    CHECK(loss_of(Loss::kCrossEntropy, {5.0f}, 0) == 0.0);
  }

  TEST_CASE("cross-entropy keeps small losses and survives large logits") {
    const double small = loss_of(Loss::kCrossEntropy, {200.0f, 180.0f}, 0);
    CHECK(std::fabs(small / std::exp(-20.0) - 1.0) < 1e-6);
    CHECK(loss_of(Loss::kCrossEntropy, {3e38f, -3e38f}, 1) ==
          static_cast<double>(3e38f) - static_cast<double>(-3e38f));
    CHECK(loss_of(Loss::kCrossEntropy, {1e30f, 1e30f}, 1) == doctest::Approx(std::log(2.0)));
  }

  TEST_CASE("of equal logits the lowest class is the answer") {
    CHECK(is_correct({1.0f, 2.0f, 2.0f}, 1));
    CHECK(!is_correct({1.0f, 2.0f, 2.0f}, 2));
    CHECK(is_correct({0.0f, 0.0f, 0.0f}, 0));
    CHECK(is_correct({-0.0f, 0.0f}, 0));
  }

  TEST_CASE("a logit that is not finite never gives a finite loss") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    for (Loss kind : kKinds)
      for (float bad : {nan, inf, -inf})
        for (std::size_t at = 0; at < 4; ++at)
          for (std::int32_t label = 0; label < 4; ++label) {
            std::vector<float> logits{1.0f, 5.0f, -2.0f, 0.0f};
            CHECK(std::isfinite(loss_of(kind, logits, label)));
            logits[at] = bad;
            CHECK(!std::isfinite(loss_of(kind, logits, label)));
          }
  }
}

}  // namespace spikelane
