// Errors of the float functions of kernels/core/math.h against long double, in ulp.
#include "kernels/core/math.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tests/kernels/ulp.h"

namespace spikelane::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// every `stride`-th bit pattern from low to high, both positive
template <class Check>
void for_floats(float low, float high, uint32_t stride, Check check) {
  const uint32_t last = std::bit_cast<uint32_t>(high);
  for (uint64_t b = std::bit_cast<uint32_t>(low); b <= last; b += stride) {
    check(std::bit_cast<float>(static_cast<uint32_t>(b)));
  }
}

TEST_CASE("own_exp of float") {
  double worst = 0.0;
  for_floats(0.0f, 104.5f, 1511, [&](float x) {
    worst = std::max(worst, ulp_error(own_exp(x), std::exp(static_cast<long double>(x))));
    worst = std::max(worst, ulp_error(own_exp(-x), std::exp(-static_cast<long double>(x))));
  });
  MESSAGE("own_exp(float): ", worst, " ulp");
  CHECK(worst <= 1.05);
  CHECK(own_exp(0.0f) == 1.0f);
  CHECK(own_exp(-0.0f) == 1.0f);
  CHECK(own_exp(88.75f) == kInfinity);
  CHECK(own_exp(3e38f) == kInfinity);
  CHECK(own_exp(kInfinity) == kInfinity);
  CHECK(own_exp(-104.0f) == 0.0f);
  CHECK(own_exp(-kInfinity) == 0.0f);
  CHECK(std::isnan(own_exp(kNan)));
}

TEST_CASE("own_log of float") {
  double worst = 0.0;
  auto measure = [&](float x) {
    worst = std::max(worst, ulp_error(own_log(x), std::log(static_cast<long double>(x))));
  };
  for_floats(0x1p-149f, std::numeric_limits<float>::max(), 3001, measure);
  for_floats(0.5f, 2.0f, 13, measure);
  MESSAGE("own_log(float): ", worst, " ulp");
  CHECK(worst <= 1.05);
  CHECK(own_log(1.0f) == 0.0f);
  CHECK(own_log(0.0f) == -kInfinity);
  CHECK(own_log(-0.0f) == -kInfinity);
  CHECK(own_log(kInfinity) == kInfinity);
  CHECK(std::isnan(own_log(-1.0f)));
  CHECK(std::isnan(own_log(-kInfinity)));
  CHECK(std::isnan(own_log(kNan)));
}

TEST_CASE("sin_cos_2pi of float") {
  const long double two_pi = 6.283185307179586476925286766559L;
  double worst_ulp = 0.0, worst_absolute = 0.0;
  auto measure = [&](float u, bool is_octant) {
    float sine, cosine;
    sin_cos_2pi(u, sine, cosine);
    const long double turns = static_cast<long double>(u) - std::floor(static_cast<long double>(u));
    const long double s = is_octant ? std::sin(two_pi * u) : std::sin(two_pi * turns);
    const long double c = std::cos(two_pi * turns);
    worst_absolute = std::max(worst_absolute, static_cast<double>(std::abs(sine - s)));
    worst_absolute = std::max(worst_absolute, static_cast<double>(std::abs(cosine - c)));
    if (is_octant) worst_ulp = std::max({worst_ulp, ulp_error(sine, s), ulp_error(cosine, c)});
  };
  for_floats(0x1p-100f, 0.125f, 2003, [&](float u) { measure(u, true), measure(-u, true); });
  for_floats(0x1p-10f, 0x1p+20f, 1009, [&](float u) { measure(u, false), measure(-u, false); });
  MESSAGE("sin_cos_2pi(float): ", worst_ulp, " ulp, ", worst_absolute, " absolute");
  CHECK(worst_ulp <= 2.0);
  CHECK(worst_absolute <= 1.5e-7);
  // quarter turns are exact
  for (int quarters = -9; quarters <= 9; ++quarters) {
    float sine, cosine;
    sin_cos_2pi(0.25f * static_cast<float>(quarters), sine, cosine);
    const int q = ((quarters % 4) + 4) % 4;
    CHECK(sine == (q == 1 ? 1.0f : q == 3 ? -1.0f : 0.0f));
    CHECK(cosine == (q == 0 ? 1.0f : q == 2 ? -1.0f : 0.0f));
  }
  float sine, cosine;
  sin_cos_2pi(kNan, sine, cosine);
  CHECK(std::isnan(sine));
  CHECK(std::isnan(cosine));
}

TEST_CASE("the angle of a word is the word") {
  // words and turns agree, in every quadrant
  double worst = 0.0;
  for (uint64_t w = 0; w < (1ull << 32); w += 65521) {
    float sine, cosine;
    sin_cos_of_word<float>(static_cast<uint32_t>(w), sine, cosine);
    const long double angle = 6.283185307179586476925286766559L * w / 4294967296.0L;
    worst = std::max(worst, static_cast<double>(std::abs(sine - std::sin(angle))));
    worst = std::max(worst, static_cast<double>(std::abs(cosine - std::cos(angle))));
  }
  CHECK(worst <= 1.5e-7);
}

}  // namespace
}  // namespace spikelane::test
