// Errors of kernels/core/double_math.h against long double, in ulp, and the special cases.
#include "kernels/core/double_math.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "tests/kernels/ulp.h"

namespace spikelane::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kSamples = 400000;

TEST_CASE("own_exp of double") {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> wide(-708.0, 709.78), narrow(-1.0, 1.0),
      subnormal(-745.0, -708.0);
  double worst = 0.0, worst_subnormal = 0.0;
  for (int i = 0; i < kSamples; ++i) {
    for (double x : {wide(generator), narrow(generator), std::ldexp(narrow(generator), -i % 60)}) {
      worst = std::max(worst, ulp_error(own_exp(x), std::exp(static_cast<long double>(x))));
    }
    const double x = subnormal(generator);
    worst_subnormal =
        std::max(worst_subnormal, ulp_error(own_exp(x), std::exp(static_cast<long double>(x))));
  }
  MESSAGE("own_exp(double): ", worst, " ulp, ", worst_subnormal, " ulp where subnormal");
  CHECK(worst <= 1.0);
  CHECK(worst_subnormal <= 1.5);
  CHECK(own_exp(0.0) == 1.0);
  CHECK(own_exp(709.8) == kInfinity);
  CHECK(own_exp(kInfinity) == kInfinity);
  CHECK(own_exp(-745.2) == 0.0);
  CHECK(own_exp(-kInfinity) == 0.0);
  CHECK(std::isnan(own_exp(kNan)));
}

TEST_CASE("own_log of double") {
  std::mt19937_64 generator(2);
  std::uniform_real_distribution<double> around_one(0.5, 2.0), tiny(-1.0, 1.0);
  double worst = 0.0;
  for (int i = 0; i < kSamples; ++i) {
    const double any = std::bit_cast<double>(generator() >> 1);
    for (double x : {any, around_one(generator), 1.0 + std::ldexp(tiny(generator), -i % 50)}) {
      if (!std::isfinite(x) || x <= 0.0) continue;
      worst = std::max(worst, ulp_error(own_log(x), std::log(static_cast<long double>(x))));
    }
  }
  MESSAGE("own_log(double): ", worst, " ulp");
  CHECK(worst <= 1.0);
  CHECK(own_log(1.0) == 0.0);
  CHECK(own_log(0.0) == -kInfinity);
  CHECK(own_log(-0.0) == -kInfinity);
  CHECK(ulp_error(own_log(5e-324), std::log(static_cast<long double>(5e-324))) <= 1.0);
  CHECK(own_log(kInfinity) == kInfinity);
  CHECK(std::isnan(own_log(-1.0)));
  CHECK(std::isnan(own_log(-kInfinity)));
  CHECK(std::isnan(own_log(kNan)));
}

TEST_CASE("own_pow") {
  std::mt19937_64 generator(3);
  std::uniform_real_distribution<double> decay(0.5, 1.0), exponent(-50.0, 50.0);
  std::uniform_real_distribution<double> logarithm(-700.0, 700.0);
  double worst = 0.0;
  auto measure = [&](double x, double y) {
    // long double has 11 bits more than double, and y log x up to 10 bits before the point: the
    // reference is good to about 1/64 ulp
    const long double exact = std::pow(static_cast<long double>(x), static_cast<long double>(y));
    if (std::abs(exact) < 1e-300L || std::abs(exact) > 1e300L) return;
    worst = std::max(worst, ulp_error(own_pow(x, y), exact));
  };
  for (int i = 0; i < kSamples / 2; ++i) {
    measure(decay(generator), std::floor(std::abs(exponent(generator)) * 40.0));
    measure(std::abs(exponent(generator)), exponent(generator));
    const double x = std::bit_cast<double>((generator() >> 2) | 1ull << 52);
    measure(x, logarithm(generator) / std::log(x));
  }
  for (int base = 1; base <= 20; ++base)
    for (int n = -30; n <= 30; ++n) measure(base, n);
  MESSAGE("own_pow: ", worst, " ulp");
  CHECK(worst <= 1.0);
  CHECK(own_pow(3.0, 4.0) == 81.0);
  CHECK(own_pow(-3.0, 3.0) == -27.0);
  CHECK(own_pow(2.0, -1074.0) == 5e-324);
}

TEST_CASE("own_pow has the special cases of pow") {
  const double values[] = {0.0,       0.5,     1.0,           1.5,     2.0,    3.0,
                           1e300,     0x1p+52, 0x1p+53 - 1.0, 0x1p+60, 5e-324, 0x1.fffffffffffffp-1,
                           kInfinity, kNan};
  for (double x : values) {
    for (double y : values) {
      for (int signs = 0; signs < 4; ++signs) {
        const double a = (signs & 1) != 0 ? -x : x, b = (signs & 2) != 0 ? -y : y;
        const double expected = std::pow(a, b), value = own_pow(a, b);
        CAPTURE(a);
        CAPTURE(b);
        if (std::isnan(expected) || std::isinf(expected) || expected == 0.0) {
          CHECK(same_value(value, expected));
        } else {
          CHECK(ulp_error(value, expected) <= 1.5);
        }
      }
    }
  }
}

TEST_CASE("own_tanh") {
  std::mt19937_64 generator(6);
  std::uniform_real_distribution<double> wide(-20.0, 20.0), narrow(-1.0, 1.0);
  double worst = 0.0;
  auto measure = [&](double x) {
    worst = std::max(worst, ulp_error(own_tanh(x), std::tanh(static_cast<long double>(x))));
  };
  for (int i = 0; i < kSamples; ++i) {
    measure(wide(generator));
    measure(narrow(generator));
    measure(std::ldexp(narrow(generator), -i % 100));
  }
  MESSAGE("own_tanh: ", worst, " ulp");
  CHECK(worst <= 3.0);
  CHECK(same_value(own_tanh(0.0), 0.0));
  CHECK(same_value(own_tanh(-0.0), -0.0));
  CHECK(own_tanh(kInfinity) == 1.0);
  CHECK(own_tanh(-kInfinity) == -1.0);
  CHECK(own_tanh(40.0) == 1.0);
  CHECK(std::isnan(own_tanh(kNan)));
}

TEST_CASE("own_sin and own_cos of double") {
  std::mt19937_64 generator(4);
  std::uniform_real_distribution<double> wide(-1048576.0, 1048576.0), turn(-6.3, 6.3);
  double worst = 0.0;
  auto measure = [&](double x) {
    worst = std::max(worst, ulp_error(own_sin(x), std::sin(static_cast<long double>(x))));
    worst = std::max(worst, ulp_error(own_cos(x), std::cos(static_cast<long double>(x))));
  };
  for (int i = 0; i < kSamples; ++i) {
    measure(wide(generator));
    measure(turn(generator));
    measure(std::ldexp(turn(generator), -i % 100));
  }
  // the neighbourhood of multiples of pi/2, where the argument's reduction cancels
  for (int n = 1; n <= 5000; ++n) measure(n * 1.57079632679489661923);
  MESSAGE("own_sin, own_cos: ", worst, " ulp");
  CHECK(worst <= 1.0);
  CHECK(same_value(own_sin(0.0), 0.0));
  CHECK(same_value(own_sin(-0.0), -0.0));
  CHECK(own_cos(0.0) == 1.0);
  for (double x : {1048577.0, -1e22, kInfinity, -kInfinity, kNan}) {
    CHECK(std::isnan(own_sin(x)));
    CHECK(std::isnan(own_cos(x)));
  }
}

TEST_CASE("sin_rounded is the nearest float") {
  std::mt19937 generator(5);
  std::uniform_real_distribution<float> turns(-100.0f, 100.0f);
  int n_different = 0;
  for (int i = 0; i < 2000000; ++i) {
    const float x = turns(generator);
    n_different += sin_rounded(x) != static_cast<float>(std::sin(static_cast<long double>(x)));
  }
  CHECK(n_different == 0);
}

}  // namespace
}  // namespace spikelane::test
