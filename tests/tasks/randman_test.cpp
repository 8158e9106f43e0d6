// Randman: numpy's and torch's generators, every option, and the golden sets bit for bit.
#include "tasks/randman/randman.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "tasks/randman/legacy_random.h"
#include "tests/golden.h"

namespace spikelane {
namespace {

RandmanConfig small_config() {
  RandmanConfig config;
  config.n_classes = 3;
  config.n_units = 2;
  config.dim_manifold = 2;
  config.n_samples_per_class = 3;
  config.n_steps = 100;
  config.n_spikes = 2;
  config.step_fraction = 0.5;
  config.seed = 7;
  config.n_test = 0;
  return config;
}

// an event as (sample, step, unit)
std::vector<std::vector<int>> events_of(const Dataset& data) {
  std::vector<std::vector<int>> events;
  for (int sample = 0; sample < data.n_samples; ++sample) {
    for (auto e = data.offsets[sample]; e < data.offsets[sample + 1]; ++e) {
      events.push_back({sample, data.events[e].step, data.events[e].unit});
    }
  }
  return events;
}

}  // namespace

// figures printed by numpy 2.4.6 and torch 2.15: RandomState(12), torch.manual_seed
TEST_CASE("randman: numpy's RandomState, word for word") {
  NumpyRandom random(12);
  CHECK(random.below(9223372036854775807ULL) == 2843802486886340251ULL);
  CHECK(random.below(9223372036854775807ULL) == 4428135226074877181ULL);
  CHECK(random.below(9223372036854775807ULL) == 4857304757391363714ULL);
  CHECK(random.uniform() == 0.5337393933802977);
  CHECK(random.uniform() == 0.014574962485419674);
  CHECK(random.uniform() == 0.918747008099885);
  std::vector<std::int32_t> order(10);
  std::iota(order.begin(), order.end(), 0);
  random.shuffle(order);
  CHECK(order == std::vector<std::int32_t>{6, 0, 9, 7, 3, 2, 1, 8, 5, 4});
  // the next word is where numpy's is: nothing too many or too few was drawn
  std::vector<std::int32_t> nothing, one{5};
  random.shuffle(nothing);
  random.shuffle(one);
  CHECK(random.below(1ULL << 32) == 2603107432U);
}

TEST_CASE("randman: torch takes the low 32 bits of a seed and 24 bits of a word") {
  TorchRandom a(1), b((7ULL << 32) + 1);
  for (int i = 0; i < 700; ++i) {
    const float value = a.uniform();
    CHECK(value == b.uniform());
    CHECK(value >= 0.0F);
    CHECK(value < 1.0F);
    CHECK(value * 16777216.0F == static_cast<float>(static_cast<int>(value * 16777216.0F)));
  }
}

TEST_CASE("randman: the number of frequencies, also where it is whole") {
  CHECK(n_randman_frequencies(1.0) == 1000);
  CHECK(n_randman_frequencies(1.5) == 100);
  CHECK(n_randman_frequencies(2.0) == 32);
  CHECK(n_randman_frequencies(3.0) == 10);
  CHECK(n_randman_frequencies(0.5) == 1000);
  CHECK(n_randman_frequencies(1e-300) == 1000);
  CHECK(n_randman_frequencies(1e300) == 1);
}

// expected values from a numpy program of the same recipe (sin in double, rounded)
TEST_CASE("randman: several spikes a unit and the step fraction") {
  const RandmanSpikes spikes = make_randman_spikes(small_config());
  CHECK(spikes.n_samples == 9);
  CHECK(spikes.n_spikes_a_sample == 4);
  CHECK(spikes.manifold_seeds ==
        std::vector<std::uint64_t>{1407639518939636932ULL, 5163590386780219894ULL,
                                   8087222774582268115ULL, 4122204982959224423ULL,
                                   8817350276967689401ULL, 710123494352685591ULL});
  CHECK(spikes.steps == std::vector<std::int32_t>{3,  8,  31, 0,  0,  0,  49, 0,  29, 49, 0,  48,
                                                  0,  0,  0,  49, 49, 49, 0,  49, 28, 2,  49, 0,
                                                  49, 49, 49, 35, 49, 19, 0,  49, 0,  0,  34, 42});
  CHECK(spikes.labels == std::vector<std::int32_t>{0, 2, 2, 0, 1, 1, 0, 2, 1});
}

TEST_CASE("randman: unshuffled, another alpha, the largest seed") {
  RandmanConfig config;
  config.n_classes = 2;
  config.n_units = 3;
  config.dim_manifold = 1;
  config.n_steps = 50;
  config.n_samples_per_class = 4;
  config.alpha = 3.0;
  config.seed = 4294967295;
  config.n_spikes = 3;
  config.step_fraction = 0.75;
  config.shuffle = false;
  const RandmanSpikes spikes = make_randman_spikes(config);
  CHECK(spikes.steps == std::vector<std::int32_t>{
                            6,  15, 21, 26, 36, 1,  6,  26, 31, 37, 37, 0,  0,  0,  11, 37, 0,  0,
                            0,  0,  7,  21, 10, 37, 0,  37, 37, 9,  18, 37, 37, 37, 0,  9,  24, 28,
                            0,  0,  37, 37, 37, 37, 37, 0,  4,  26, 37, 0,  18, 10, 0,  0,  28, 37,
                            32, 28, 4,  4,  4,  9,  14, 34, 30, 37, 8,  11, 0,  0,  17, 37, 37, 0});
  CHECK(spikes.labels == std::vector<std::int32_t>{0, 0, 0, 0, 1, 1, 1, 1});
}

TEST_CASE("randman: the roughest manifolds use 1000 frequencies") {
  RandmanConfig config;
  config.n_classes = 2;
  config.n_units = 4;
  config.dim_manifold = 2;
  config.n_steps = 60;
  config.n_samples_per_class = 5;
  config.alpha = 1.0;
  config.seed = 5;
  const RandmanSpikes spikes = make_randman_spikes(config);
  CHECK(spikes.steps == std::vector<std::int32_t>{37, 8,  59, 41, 0,  21, 26, 59, 43, 59,
                                                  23, 33, 0,  50, 0,  59, 51, 0,  58, 0,
                                                  28, 37, 59, 59, 59, 0,  40, 59, 59, 59,
                                                  0,  52, 37, 50, 7,  0,  57, 9,  33, 40});
  CHECK(spikes.labels == std::vector<std::int32_t>{0, 0, 1, 1, 0, 1, 1, 0, 1, 0});
}

TEST_CASE("randman: no step lies outside the trial, whatever the options") {
  for (const double alpha : {0.2, 0.9, 2.0, 50.0}) {
    for (const int dim : {1, 3}) {
      RandmanConfig config = small_config();
      config.alpha = alpha;
      config.dim_manifold = dim;
      config.n_samples_per_class = 40;
      for (const double fraction : {0.01, 0.3, 1.0}) {
        config.step_fraction = fraction;
        const RandmanSpikes spikes = make_randman_spikes(config);
        CHECK(*std::min_element(spikes.steps.begin(), spikes.steps.end()) == 0);
        const int last = *std::max_element(spikes.steps.begin(), spikes.steps.end());
        CHECK(last <= std::min(99.0, 100.0 * fraction));
        if (alpha < 50.0) CHECK(last >= 100.0 * fraction - 1.0);
      }
    }
  }
  // one sample a class, one class, one unit, one step: nothing to scale by
  RandmanConfig config = small_config();
  config.n_classes = config.n_units = config.n_samples_per_class = config.n_steps = 1;
  config.n_spikes = 1;
  CHECK(make_randman_spikes(config).steps == std::vector<std::int32_t>{0});
}

TEST_CASE("randman: events hold each spike once, in order, and the last samples are held out") {
  RandmanConfig config = small_config();
  config.n_steps = 6;  // so few that two spikes of a unit meet
  config.n_test = 4;
  const RandmanSpikes spikes = make_randman_spikes(config);
  const TaskData data = make_randman(config);
  CHECK(data.n_classes == 3);
  REQUIRE(data.train.n_samples == 5);
  REQUIRE(data.test.n_samples == 4);
  bool has_met = false;
  for (const Dataset* part : {&data.train, &data.test}) {
    CHECK(!part->is_dense);
    CHECK(part->n_steps == 6);
    CHECK(part->n_inputs == 2);
    CHECK(part->values.empty());
    REQUIRE(part->offsets.size() == static_cast<std::size_t>(part->n_samples) + 1);
    const int first = part == &data.train ? 0 : 5;
    std::vector<std::vector<int>> expected;
    for (int sample = 0; sample < part->n_samples; ++sample) {
      CHECK(part->labels[sample] == spikes.labels[first + sample]);
      std::set<std::vector<int>> of_sample;
      for (int k = 0; k < 4; ++k) {
        of_sample.insert({sample, spikes.steps[(first + sample) * 4 + k], k % 2});
      }
      has_met = has_met || of_sample.size() < 4;
      expected.insert(expected.end(), of_sample.begin(), of_sample.end());
    }
    CHECK(events_of(*part) == expected);
  }
  CHECK(has_met);

  config.n_test = 0;
  const TaskData all = make_randman(config);
  CHECK(all.train.n_samples == 9);
  CHECK(events_of(all.train) == events_of(all.test));
  CHECK(all.train.labels == all.test.labels);
}

TEST_SUITE("golden") {
  TEST_CASE("golden: randman sets are the original's, bit for bit") {
    if (test::golden_is_missing()) return;
    const auto folder = test::golden_folder() / "randman";
    std::ifstream in(folder / "params.json");
    REQUIRE(in);
    const auto sets = nlohmann::json::parse(in).at("sets");
    REQUIRE(!sets.empty());
    for (const auto& set : sets) {
      const std::string name = set.at("name");
      INFO(name);
      RandmanConfig config;
      config.n_classes = set.at("classes");
      config.n_units = set.at("units");
      config.dim_manifold = set.at("dim");
      config.n_steps = set.at("steps");
      config.n_samples_per_class = set.at("samples_per_class");
      config.alpha = set.at("alpha");
      config.seed = set.at("seed");
      config.n_test = 0;
      const RandmanSpikes spikes = make_randman_spikes(config);
      const auto steps = test::read_npy(folder / (name + "_steps.npy"));
      const auto labels = test::read_npy(folder / (name + "_labels.npy"));
      CHECK(steps.shape == std::vector<long>{spikes.n_samples, spikes.n_spikes_a_sample});
      // not CHECK(a == b): a failure would print 100,000 numbers
      const bool has_steps = steps.as<std::int32_t>() == spikes.steps;
      const bool has_labels = labels.as<std::int32_t>() == spikes.labels;
      CHECK(has_steps);
      CHECK(has_labels);
      REQUIRE(set.at("manifold_seeds").size() == spikes.manifold_seeds.size());
      for (std::size_t i = 0; i < spikes.manifold_seeds.size(); ++i) {
        CHECK(set.at("manifold_seeds")[i] == std::to_string(spikes.manifold_seeds[i]));
      }
    }
  }
}

}  // namespace spikelane
