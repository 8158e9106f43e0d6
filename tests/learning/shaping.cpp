// Shaping, sums in blocks, powers and schedules.
#include "engine/learning/shaping.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/config/user_error.h"
#include "engine/learning/schedule.h"
#include "engine/learning/sums.h"
#include "tests/golden.h"

namespace spikelane {

TEST_SUITE("golden") {
  TEST_CASE("ranks of equal losses") {
    if (test::golden_is_missing()) return;
    const auto losses = test::read_npy(test::golden_folder() / "es/ties_loss.npy").as<double>();
    const auto ranks = test::read_npy(test::golden_folder() / "es/ties_ranks.npy").as<double>();
    CHECK(shape_losses(ShapingKind::kCentredRanks, losses, TiesKind::kByIndex) == ranks);
  }
}

TEST_SUITE("learning") {
  TEST_CASE("centred ranks are those of the counting definition") {
    std::vector<double> losses;
    for (int i = 0; i < 37; ++i) losses.push_back((i * 17 % 11) * 0.25);
    const auto by_index = shape_losses(ShapingKind::kCentredRanks, losses, TiesKind::kByIndex);
    const auto shaped = shape_losses(ShapingKind::kCentredRanks, losses);
    double sum = 0.0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      // equal losses: by index the lower ones come first, else all have the mean of their ranks
      int rank = 0, n_lower = 0, n_equal = 0;
      for (std::size_t j = 0; j < losses.size(); ++j) {
        rank += losses[j] < losses[i] || (losses[j] == losses[i] && j < i);
        n_lower += losses[j] < losses[i];
        n_equal += losses[j] == losses[i];
      }
      CHECK(by_index[i] == rank / 36.0 - 0.5);
      CHECK(shaped[i] == (n_lower + (n_equal - 1) / 2.0) / 36.0 - 0.5);
      sum += shaped[i];
    }
    CHECK(std::fabs(sum) < 1e-12);
  }

  TEST_CASE("a generation of equal losses is flat, but not with ranks by index") {
    using enum TiesKind;
    const std::vector<double> equal(6, 2.5), zero(6, 0.0), one_better{2.5, 2.5, 2.4};
    CHECK(is_flat(ShapingKind::kCentredRanks, equal, kMeanRank));
    CHECK_FALSE(is_flat(ShapingKind::kCentredRanks, equal, kByIndex));
    CHECK(is_flat(ShapingKind::kZScore, equal, kMeanRank));
    CHECK_FALSE(is_flat(ShapingKind::kNone, equal, kMeanRank));
    CHECK(is_flat(ShapingKind::kNone, zero, kMeanRank));
    for (const ShapingKind kind :
         {ShapingKind::kNone, ShapingKind::kZScore, ShapingKind::kCentredRanks})
      CHECK_FALSE(is_flat(kind, one_better, kMeanRank));
  }

  TEST_CASE("equal losses have a z-score of zero, whatever their mean rounds to") {
    const std::vector<double> zeros(3, 0.0), losses(3, 0.1);
    CHECK(shape_losses(ShapingKind::kZScore, losses) == zeros);
    // the trap is real: the mean of these is not one tenth
    CHECK(tree_sum_blocks_of_8(losses) / 3.0 != 0.1);
    const std::vector<double> close{0.0, 5e-324, 0.0};
    CHECK(shape_losses(ShapingKind::kZScore, close) == zeros);
  }

  TEST_CASE("z-scores have mean 0 and variance 1") {
    std::vector<double> losses;
    for (int i = 0; i < 21; ++i) losses.push_back(40.0 + (i * i) % 13);
    const std::vector<double> shaped = shape_losses(ShapingKind::kZScore, losses);
    double sum = 0.0, squares = 0.0;
    for (double z : shaped) sum += z, squares += z * z;
    CHECK(std::fabs(sum) < 1e-12);
    CHECK(std::fabs(squares / 21.0 - 1.0) < 1e-12);
  }

  TEST_CASE("only the best directions count, with the weight of all") {
    // directions of members (0,1), (2,3), (4,5), (6,7): their losses are 3, 1, 1, 2
    const std::vector<double> losses{3, 9, 8, 1, 1, 7, 2, 2};
    std::vector<double> shaped(8, 1.0);
    keep_best_directions(shaped, losses, 0.5, true);
    CHECK(shaped == std::vector<double>{0, 0, 2, 2, 2, 2, 0, 0});
    // a part of a direction is a whole one
    shaped.assign(8, 1.0);
    keep_best_directions(shaped, losses, 0.01, true);
    CHECK(shaped == std::vector<double>{0, 0, 4, 4, 0, 0, 0, 0});
    shaped.assign(8, 1.0);
    keep_best_directions(shaped, losses, 0.25, false);
    CHECK(shaped == std::vector<double>{0, 0, 0, 4, 4, 0, 0, 0});
    shaped.assign(8, 1.0);
    keep_best_directions(shaped, losses, 1.0, true);
    CHECK(shaped == std::vector<double>(8, 1.0));
  }

  TEST_CASE("one member, and losses that are not finite") {
    const std::vector<double> one{3.0}, zero{0.0};
    CHECK(shape_losses(ShapingKind::kCentredRanks, one) == zero);
    CHECK(shape_losses(ShapingKind::kZScore, one) == zero);
    CHECK(shape_losses(ShapingKind::kNone, one) == one);
    for (double bad :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
      for (ShapingKind kind :
           {ShapingKind::kNone, ShapingKind::kZScore, ShapingKind::kCentredRanks}) {
        const std::vector<double> losses{1.0, bad, 2.0};
        CHECK_THROWS_WITH_AS(shape_losses(kind, losses), "the loss of member 1 is not finite",
                             RunError);
      }
  }

  TEST_CASE("sums are blocks of 8") {
    // one big number swallows what its own block brings, but not what the next block sums to
    std::vector<double> values(16, 1.0);
    values[0] = 0x1p53;
    CHECK(tree_sum_blocks_of_8(values) == 0x1p53 + 8.0);
    values[0] = 1.0;
    values[8] = 0x1p53;
    CHECK(tree_sum_blocks_of_8(values) == 0x1p53 + 8.0);
    CHECK(tree_sum_blocks_of_8(std::vector<double>{}) == 0.0);
    CHECK(tree_sum_blocks_of_8(std::vector<double>(11, 0.5)) == 5.5);
  }

  TEST_CASE("powers") {
    CHECK(power(3.0, 0) == 1.0);
    CHECK(power(3.0, 13) == 1594323.0);
    CHECK(power(2.0, 1000) == std::ldexp(1.0, 1000));
    CHECK(power(0.5, 5000) == 0.0);
    for (std::uint64_t n : {1u, 7u, 100u, 1000u, 12345u})
      CHECK(std::fabs(power(0.998, n) / std::pow(0.998, static_cast<double>(n)) - 1.0) < 1e-11);
  }

  TEST_CASE("sigma and learning rate") {
    EsConfig config;
    config.sigma = 0.5;
    config.sigma_decay = 0.5;
    config.sigma_of["hidden.bias"] = 0.125;
    CHECK(sigma_at(config, "input.hidden.weight", 0) == 0.5f);
    CHECK(sigma_at(config, "input.hidden.weight", 3) == 0.0625f);
    CHECK(sigma_at(config, "hidden.bias", 1) == 0.0625f);
    CHECK(sigma_at(config, "hidden.bias", 100000) == kSmallestSigma);
    config.optimiser.lr = 0.25;
    config.optimiser.lr_decay = 0.5;
    CHECK(learning_rate_at(config.optimiser, 0) == 0.25);
    CHECK(learning_rate_at(config.optimiser, 4) == 0.015625);
  }

  TEST_CASE("search phases") {
    const std::vector<ParameterTensor> tensors{{"a", 0, 4}, {"b", 4, 6}, {"c", 6, 9}};
    EsConfig config;
    CHECK(SearchSchedule(config, tensors).searched_at(7).size() == 3);
    config.phases = {{0, {"c", "a", "c"}}, {10, {"b"}}, {20, {}}};
    const SearchSchedule schedule(config, tensors);
    REQUIRE(schedule.searched_at(9).size() == 2);
    CHECK(schedule.searched_at(9)[0].tensor == 0);
    CHECK(schedule.searched_at(9)[1].begin == 6);
    CHECK(schedule.searched_at(9)[1].end == 9);
    REQUIRE(schedule.searched_at(10).size() == 1);
    CHECK(schedule.searched_at(10)[0].tensor == 1);
    CHECK(schedule.searched_at(1000).size() == 3);
  }

  TEST_CASE("unknown tensors in phases are all named") {
    const std::vector<ParameterTensor> tensors{{"a", 0, 4}};
    EsConfig config;
    config.phases = {{0, {"a", "x"}}, {5, {"y"}}};
    try {
      const SearchSchedule schedule(config, tensors);
      FAIL("accepted");
    } catch (const UserError& error) {
      REQUIRE(error.problems().size() == 2);
      CHECK(error.problems()[0].place == "rule.phases.0.searched.1");
      CHECK(error.problems()[1].value == "\"y\"");
    }
  }
}

}  // namespace spikelane
