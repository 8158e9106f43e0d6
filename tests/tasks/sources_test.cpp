// The sources crossing, rate and cue, against their definitions written the slow way.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "tasks/sources/crossing.h"
#include "tasks/sources/cue.h"
#include "tasks/sources/rate.h"

namespace spikelane {
namespace {

using Events = std::vector<std::pair<int, int>>;
using Series = std::vector<std::uint8_t>;

Events pairs(const std::vector<InputEvent>& events) {
  Events list;
  for (const InputEvent& event : events) list.emplace_back(event.step, event.unit);
  return list;
}

Events crossings(const Series& series) {
  std::vector<InputEvent> events;
  append_crossing_events(series, events);
  return pairs(events);
}

// the published recipe: float32 values against linspace(0, 1, 40)
Events crossings_as_published(const Series& series) {
  Events events;
  const auto is_above = [&](std::size_t t, int k) {
    return static_cast<double>(static_cast<float>(series[t]) * static_cast<float>(1.0 / 255.0)) >=
           k * (1.0 / 39.0);
  };
  for (std::size_t t = 0; t < series.size(); ++t) {
    const int step = static_cast<int>(t);
    for (int k = 0; t + 1 < series.size() && k < 39; ++k) {
      if (!is_above(t, k) && is_above(t + 1, k)) events.emplace_back(step, 2 * k);
      if (is_above(t, k) && !is_above(t + 1, k)) events.emplace_back(step, 2 * k + 1);
    }
    if (series[t] == 255) events.emplace_back(step, 78);
  }
  return events;
}

Events rate_events(const Series& series, int n_units, const RateKey& key) {
  std::vector<InputEvent> events;
  append_rate_events(series, n_units, key, events);
  return pairs(events);
}

}  // namespace

TEST_CASE("crossing: every step from one value to another, as in the published recipe") {
  for (int from = 0; from < 256; ++from) {
    Series series;
    for (int to = 0; to < 256; ++to) {
      series.push_back(static_cast<std::uint8_t>(from));
      series.push_back(static_cast<std::uint8_t>(to));
    }
    CAPTURE(from);
    CHECK((crossings(series) == crossings_as_published(series)));
  }
}

TEST_CASE("crossing: by hand") {
  // thresholds 1 and 2 lie at 6.54 and 13.08; 85 is threshold 13 itself
  CHECK((crossings({0, 6, 7, 14, 6}) == Events{{1, 2}, {2, 4}, {3, 3}, {3, 5}}));
  CHECK((crossings({84, 85, 84}) == Events{{0, 26}, {1, 27}}));
  CHECK(crossings({255, 255}) == Events{{0, 78}, {1, 78}});
  CHECK(crossings({255}) == Events{{0, 78}});
  CHECK(crossings({3}).empty());
  CHECK(crossings({}).empty());
  const Events fall = crossings({255, 0});
  CHECK(fall.size() == 39);  // 38 thresholds above 0, and the touch
  CHECK(fall.front() == std::pair(0, 3));
  CHECK(fall.back() == std::pair(0, 78));
}

TEST_CASE("crossing and cue append") {
  std::vector<InputEvent> events{{7, 7}};
  append_crossing_events(Series{0, 7}, events);
  append_cue_events(2, 3, 79, events);
  CHECK((pairs(events) == Events{{7, 7}, {0, 2}, {2, 79}, {3, 79}, {4, 79}}));
  append_cue_events(2, 0, 79, events);
  CHECK(events.size() == 5);
}

TEST_CASE("rate: the events that a second program makes") {
  // Philox4x32-10 and the rule, written again in Python from the header's text
  const Events expected{{1, 0}, {1, 1}, {2, 0}, {2, 1}, {2, 2}, {2, 3}, {2, 4}, {2, 5},
                        {4, 2}, {4, 4}, {4, 5}, {5, 0}, {5, 2}, {5, 3}, {5, 4}, {5, 5}};
  const RateKey key{0x123456789abcdef, 5, 70001};
  CHECK((rate_events({0, 128, 255, 1, 40, 200}, 6, key) == expected));
}

TEST_CASE("rate: 0 never fires, 255 always does, all between in proportion") {
  constexpr int kUnits = 80, kSteps = 2000;
  const RateKey key{1, 0, 3};
  CHECK(rate_events(Series(kSteps, 0), kUnits, key).empty());
  CHECK(rate_events(Series(kSteps, 255), kUnits, key).size() == kUnits * kSteps);
  for (const int value : {1, 2, 17, 128, 254}) {
    CAPTURE(value);
    const auto events = rate_events(Series(kSteps, static_cast<std::uint8_t>(value)), kUnits, key);
    const double p = value / 255.0, n = kUnits * kSteps;
    CHECK(std::abs(static_cast<double>(events.size()) - n * p) < 4.5 * std::sqrt(n * p * (1 - p)));
  }
}

TEST_CASE("rate: units, steps, samples, epochs and seeds are independent") {
  constexpr int kUnits = 40, kSteps = 1000;
  const Series series(kSteps, 128);
  const auto field = [&](const RateKey& key) {
    std::vector<double> z(kUnits * kSteps, -128 / 255.0);
    for (const auto& [step, unit] : rate_events(series, kUnits, key)) z[step * kUnits + unit] += 1;
    return z;
  };
  const auto z = field({1, 0, 0});
  // the product of two fields has mean 0 and, each factor having variance p (1 - p), this deviation
  const auto product_in_deviations = [&](const std::vector<double>& other, int shift) {
    double sum = 0;
    const int n = kUnits * kSteps - shift;
    for (int i = 0; i < n; ++i) sum += z[i] * other[i + shift];
    return std::abs(sum) / (0.25 * std::sqrt(n));
  };
  for (const int shift : {1, 2, 4, kUnits}) CHECK(product_in_deviations(z, shift) < 4.5);
  for (const RateKey& key : {RateKey{1, 0, 1}, RateKey{1, 1, 0}, RateKey{2, 0, 0},
                             RateKey{1, 0, 0xffffff}, RateKey{1ULL << 32 | 1, 0, 0}})
    CHECK(product_in_deviations(field(key), 0) < 4.5);
  CHECK(product_in_deviations(field({1, 0, 0}), 0) > 100);
}

TEST_CASE("rate: a unit's train does not hang on how many units there are") {
  Series series;
  for (int t = 0; t < 200; ++t) series.push_back(static_cast<std::uint8_t>(t));
  const RateKey key{9, 2, 77};
  const Events all = rate_events(series, 100, key);
  for (const int n_units : {1, 3, 4, 15, 16, 17, 80}) {
    Events expected;
    for (const auto& event : all)
      if (event.second < n_units) expected.push_back(event);
    CAPTURE(n_units);
    CHECK((rate_events(series, n_units, key) == expected));
  }
}

}  // namespace spikelane
