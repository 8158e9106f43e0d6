// Our own exp, log, pow, tanh, sine and cosine in double: for constants of the plan, losses,
// environments and data sets.
//
// Only + - * / comparison, selection and 64-bit integer add, shift and logic are used: no fma
// (x86-64-v2 has none) and no conversion between int64 and double (AVX2 has none), so a loop over
// these functions is vectorised by g++ on AVX2 and AVX-512, and gives the same bits everywhere.
// Errors against long double, as tests/kernels/double_math.cpp measures them:
//
//   own_exp(x)        0.9 ulp; subnormal results 1.5 ulp
//   own_log(x)        0.9 ulp
//   own_pow(x, y)     1.0 ulp; the special cases of C's pow
//   own_tanh(x)       3.0 ulp
//   own_sin, own_cos  0.8 ulp for |x| <= 2^20; NaN beyond, rather than a wrong value
//   sin_rounded(x)    the sine rounded to float: the nearest float but for about one argument in
//                     a hundred million
//
// NaN gives NaN, except pow(NaN, 0) = pow(1, NaN) = 1.
#pragma once

#include <stdint.h>

#include "kernels/core/isa.h"

namespace spikelane::SPIKELANE_ISA {

SPIKELANE_HD SPIKELANE_INLINE uint64_t double_bits(double x) {
#if defined(__CUDA_ARCH__)
  return static_cast<uint64_t>(__double_as_longlong(x));
#else
  return __builtin_bit_cast(uint64_t, x);
#endif
}

SPIKELANE_HD SPIKELANE_INLINE double double_from_bits(uint64_t b) {
#if defined(__CUDA_ARCH__)
  return __longlong_as_double(static_cast<long long>(b));
#else
  return __builtin_bit_cast(double, b);
#endif
}

SPIKELANE_HD SPIKELANE_INLINE double own_abs(double x) {
  return double_from_bits(double_bits(x) & 0x7fffffffffffffffull);
}

/// The square root, rounded correctly (IEEE).
SPIKELANE_HD SPIKELANE_INLINE double own_sqrt(double x) {
#if defined(__CUDA_ARCH__)
  return __dsqrt_rn(x);
#else
  return __builtin_sqrt(x);
#endif
}

// adding 1.5 * 2^52 rounds to an integer, which then sits in the low bits
inline constexpr double kRoundDouble = 6755399441055744.0;

// the parts of log 2 have 32, 32 and 53 bits: an exponent times the first two is exact
inline constexpr double kLog2A = 0x1.62e42fee00000p-1;
inline constexpr double kLog2B = 0x1.a39ef35600000p-33;
inline constexpr double kLog2C = 0x1.93c7673007e5fp-65;

/// An unevaluated sum: value + rest, |rest| at most half an ulp of value.
struct DoublePair {
  double value, rest;
};

// Knuth's and Dekker's exact sum and product
SPIKELANE_HD SPIKELANE_INLINE DoublePair exact_sum(double a, double b) {
  const double s = a + b;
  const double z = s - a;
  return {s, (a - (s - z)) + (b - z)};
}
SPIKELANE_HD SPIKELANE_INLINE DoublePair exact_product(double a, double b) {
  const double p = a * b;
  const double ta = 134217729.0 * a, tb = 134217729.0 * b;
  const double ah = ta - (ta - a), bh = tb - (tb - b);
  const double al = a - ah, bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

/// exp(x + tail) for a tail of at most an ulp of x.
SPIKELANE_HD SPIKELANE_INLINE double exp_with_tail(double x, double tail) {
  double y = x > 710.0 ? 710.0 : x;
  y = y < -746.0 ? -746.0 : y;
  const double extra = y == x ? tail : 0.0;
  const double k = (y * 0x1.71547652b82fep+0 + kRoundDouble) - kRoundDouble;
  // y - k log 2 as r + c; the first difference is exact
  const double high = y - k * kLog2A;
  const double low = k * 0x1.a39ef35793c76p-33;
  const double r0 = high - low;
  const double c0 = ((high - r0) - low) + extra;
  const double r = r0 + c0;
  const double c = (r0 - r) + c0;
  // Taylor to r^13: |r| <= 0.347, the next term is below 2^-57
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = 1.0 + (r + (c + p * (r * r)));
  // 2^k in two factors, so that only the last product is rounded when it is subnormal
  const double kBias = kRoundDouble + 1023.0;
  const double half = k * 0.5 + kBias;
  const double rest = (k - (half - kBias)) + kBias;
  return (p * double_from_bits(double_bits(half) << 52)) *
         double_from_bits(double_bits(rest) << 52);
}

/// e to the x.
SPIKELANE_HD SPIKELANE_INLINE double own_exp(double x) { return exp_with_tail(x, 0.0); }

/// The hyperbolic tangent: +-1 from 19.1 on.
SPIKELANE_HD SPIKELANE_INLINE double own_tanh(double x) {
  const double y = 2.0 * own_abs(x);
  // e^y - 1 for small y by Taylor to y^18: y <= 0.7, the next term is below 2^-62 of the sum
  double p = 1.0 / 6402373705728000.0;
  p = p * y + 1.0 / 355687428096000.0;
  p = p * y + 1.0 / 20922789888000.0;
  p = p * y + 1.0 / 1307674368000.0;
  p = p * y + 1.0 / 87178291200.0;
  p = p * y + 1.0 / 6227020800.0;
  p = p * y + 1.0 / 479001600.0;
  p = p * y + 1.0 / 39916800.0;
  p = p * y + 1.0 / 3628800.0;
  p = p * y + 1.0 / 362880.0;
  p = p * y + 1.0 / 40320.0;
  p = p * y + 1.0 / 5040.0;
  p = p * y + 1.0 / 720.0;
  p = p * y + 1.0 / 120.0;
  p = p * y + 1.0 / 24.0;
  p = p * y + 1.0 / 6.0;
  p = p * y + 0.5;
  p = y + (y * y) * p;
  const double small = p / (p + 2.0);
  const double large = 1.0 - 2.0 / (own_exp(y) + 1.0);
  double r = y < 0.7 ? small : large;
  r = x == x ? r : x;
  return double_from_bits(double_bits(r) | (double_bits(x) & 0x8000000000000000ull));
}

/// x = 2^exponent * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for positive finite x.
struct LogReduction {
  double f, exponent;
};

SPIKELANE_HD SPIKELANE_INLINE LogReduction reduce_for_log(double x) {
  const bool is_subnormal = x < 0x1p-1022;
  const uint64_t b = double_bits(is_subnormal ? x * 0x1p+54 : x);
  const uint64_t kOne = 1023ull << 52;
  const uint64_t biased = (b - 0x3fe6a09e667f3bcdull + kOne) >> 52;
  const double exponent = double_from_bits(biased | 0x4330000000000000ull) - (0x1p+52 + 1023.0);
  return {double_from_bits(b - (biased << 52) + kOne) - 1.0,
          is_subnormal ? exponent - 54.0 : exponent};
}

/// The natural logarithm: -inf at 0, NaN below.
SPIKELANE_HD SPIKELANE_INLINE double own_log(double x) {
  const LogReduction a = reduce_for_log(x);
  // log(1 + f) = 2 atanh(s), s = f / (2 + f), s^2 < 0.0295: Taylor to s^21
  const double s = a.f / (2.0 + a.f);
  const double z = s * s;
  double p = 2.0 / 21.0;
  p = p * z + 2.0 / 19.0;
  p = p * z + 2.0 / 17.0;
  p = p * z + 2.0 / 15.0;
  p = p * z + 2.0 / 13.0;
  p = p * z + 2.0 / 11.0;
  p = p * z + 2.0 / 9.0;
  p = p * z + 2.0 / 7.0;
  p = p * z + 2.0 / 5.0;
  p = p * z + 2.0 / 3.0;
  // 2 s = f - s f, and s f = f^2/2 - s f^2/2: the large terms are exact or nearly so
  const double h = 0.5 * a.f * a.f;
  const double low = s * (h + p * z) + a.exponent * 0x1.a39ef35793c76p-33;
  const double y = a.exponent * kLog2A + (a.f - (h - low));
  const double kInfinity = __builtin_inf();
  const double finite = x < kInfinity ? y : x;
  const double positive = x > 0.0 ? finite : -kInfinity;
  return x >= 0.0 ? positive : (x < 0.0 ? __builtin_nan("") : x);
}

/// The logarithm of a positive finite x to about 70 bits, for pow.
SPIKELANE_HD SPIKELANE_INLINE DoublePair log_pair(double x) {
  const LogReduction a = reduce_for_log(x);
  // s = f / (2 + f) with its remainder
  const double d = 2.0 + a.f;
  const double d_rest = (2.0 - d) + a.f;
  const double s = a.f / d;
  const DoublePair sd = exact_product(s, d);
  const double s_rest = (((a.f - sd.value) - sd.rest) - s * d_rest) / d;
  // s^3 (2/3 + 2/5 s^2 + ...): the first coefficient is a pair, the others are small enough
  const DoublePair z = exact_product(s, s);
  const double z_rest = z.rest + 2.0 * (s * s_rest);
  double p = 2.0 / 23.0;
  p = p * z.value + 2.0 / 21.0;
  p = p * z.value + 2.0 / 19.0;
  p = p * z.value + 2.0 / 17.0;
  p = p * z.value + 2.0 / 15.0;
  p = p * z.value + 2.0 / 13.0;
  p = p * z.value + 2.0 / 11.0;
  p = p * z.value + 2.0 / 9.0;
  p = p * z.value + 2.0 / 7.0;
  p = p * z.value + 2.0 / 5.0;
  const DoublePair q = exact_sum(2.0 / 3.0, p * z.value);
  const double q_rest = q.rest + 0x1.5555555555555p-55;
  const DoublePair cube = exact_product(s, z.value);
  const double cube_rest = cube.rest + (s * z_rest + s_rest * z.value);
  const DoublePair t = exact_product(cube.value, q.value);
  const double t_rest = t.rest + (cube.value * q_rest + cube_rest * q.value);
  // sum, largest first
  const DoublePair s1 = exact_sum(a.exponent * kLog2A, 2.0 * s);
  const DoublePair s2 = exact_sum(s1.value, a.exponent * kLog2B);
  const DoublePair s3 = exact_sum(s2.value, t.value);
  const double rest =
      (((s1.rest + s2.rest) + s3.rest) + a.exponent * kLog2C) + (2.0 * s_rest + t_rest);
  return exact_sum(s3.value, rest);
}

/// x to the power y, with the special cases of C's pow.
SPIKELANE_HD SPIKELANE_INLINE double own_pow(double x, double y) {
  const double kInfinity = __builtin_inf();
  const double magnitude = own_abs(x);
  // beyond 2^70 every power of a number other than 1 is 0 or infinite
  double e = y > 0x1p+70 ? 0x1p+70 : y;
  e = e < -0x1p+70 ? -0x1p+70 : e;
  const DoublePair l = log_pair(magnitude);
  const DoublePair p = exact_product(e, l.value);
  const DoublePair t = exact_sum(p.value, p.rest + e * l.rest);
  const double power = exp_with_tail(t.value, t.rest);

  // an integer of 2^53 and more is even
  const double n = own_abs(y), half_n = n * 0.5;
  const double n_rounded = (n + 0x1p+52) - 0x1p+52;
  const double half_rounded = (half_n + 0x1p+52) - 0x1p+52;
  const bool is_integer = n >= 0x1p+52 ? true : n_rounded == n;
  const bool is_even = half_n >= 0x1p+52 ? true : half_rounded == half_n;
  const bool is_odd = is_integer & !is_even;

  const double at_zero = y > 0.0 ? 0.0 : kInfinity;
  const double at_infinity = y > 0.0 ? kInfinity : 0.0;
  double r = magnitude == 0.0 ? at_zero : power;
  r = magnitude == kInfinity ? at_infinity : r;
  r = magnitude == 1.0 ? 1.0 : r;
  const bool is_negative = (double_bits(x) >> 63) != 0;
  r = (is_negative & is_odd) ? -r : r;
  const bool has_no_power = (x < 0.0) & (x > -kInfinity) & !is_integer;
  r = has_no_power ? __builtin_nan("") : r;
  r = x == x ? r : x;
  r = y == y ? r : y;
  return ((x == 1.0) | (y == 0.0)) ? 1.0 : r;
}

/// The distance of x from the nearest multiple of pi/2, and the multiple in the low two bits.
struct QuarterReduction {
  double r, r_rest;
  uint64_t quarters;
};

SPIKELANE_HD SPIKELANE_INLINE QuarterReduction reduce_quarters(double x) {
  const double shifted = x * 0x1.45f306dc9c883p-1 + kRoundDouble;
  const double n = shifted - kRoundDouble;
  // parts of 33, 33 and 53 bits: n < 2^20 times the first two is exact, and so is a
  const double a = x - n * 0x1.921fb54400000p+0;
  const DoublePair b = exact_sum(a, -(n * 0x1.0b4611a600000p-34));
  const DoublePair c = exact_sum(b.value, b.rest - n * 0x1.3198a2e037073p-69);
  return {c.value, c.rest, double_bits(shifted)};
}

// Taylor on |r| <= pi/4; the rest of the argument enters to first order
SPIKELANE_HD SPIKELANE_INLINE double sin_kernel(double r, double r_rest) {
  const double z = r * r;
  double p = 1.0 / 355687428096000.0;
  p = p * z - 1.0 / 1307674368000.0;
  p = p * z + 1.0 / 6227020800.0;
  p = p * z - 1.0 / 39916800.0;
  p = p * z + 1.0 / 362880.0;
  p = p * z - 1.0 / 5040.0;
  p = p * z + 1.0 / 120.0;
  p = p * z - 1.0 / 6.0;
  return r + (p * (z * r) + r_rest * (1.0 - 0.5 * z));
}
SPIKELANE_HD SPIKELANE_INLINE double cos_kernel(double r, double r_rest) {
  const double z = r * r;
  double p = 1.0 / 6402373705728000.0;
  p = 1.0 / 20922789888000.0 - p * z;
  p = 1.0 / 87178291200.0 - p * z;
  p = 1.0 / 479001600.0 - p * z;
  p = 1.0 / 3628800.0 - p * z;
  p = 1.0 / 40320.0 - p * z;
  p = 1.0 / 720.0 - p * z;
  p = 1.0 / 24.0 - p * z;
  const double h = 0.5 * z;
  const double w = 1.0 - h;
  return w + (((1.0 - w) - h) + (p * (z * z) - r * r_rest));
}

/// sin(x + quarters * pi/2), the common part of sine and cosine.
SPIKELANE_HD SPIKELANE_INLINE double sin_of_quarters(double x, uint64_t quarters) {
  const QuarterReduction a = reduce_quarters(x);
  const uint64_t q = a.quarters + quarters;
  const double s = sin_kernel(a.r, a.r_rest), c = cos_kernel(a.r, a.r_rest);
  const double y = (q & 1) != 0 ? c : s;
  const double signed_y = double_from_bits(double_bits(y) ^ ((q & 2) << 62));
  return own_abs(x) <= 0x1p+20 ? signed_y : __builtin_nan("");
}

/// The sine of x (radians).
SPIKELANE_HD SPIKELANE_INLINE double own_sin(double x) {
  return x == 0.0 ? x : sin_of_quarters(x, 0);
}

/// The cosine of x (radians).
SPIKELANE_HD SPIKELANE_INLINE double own_cos(double x) { return sin_of_quarters(x, 1); }

/// The sine of x (radians) rounded to float from double.
SPIKELANE_HD SPIKELANE_INLINE float sin_rounded(float x) {
  return static_cast<float>(own_sin(static_cast<double>(x)));
}

}  // namespace spikelane::SPIKELANE_ISA
