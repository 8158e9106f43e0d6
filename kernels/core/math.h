// Our own exp, log, sine and cosine in float32, for float and Lanes alike, and (double_math.h) in
// double.
//
// No result depends on a C library: only + - * / sqrt fma, comparison, selection and integer
// operations are used, in one written order, so float and Lanes give the same bits on every
// instruction set and on CUDA. Polynomials are minimax fits of our own (weighted least squares to
// equal ripple). Errors over all arguments (tests/kernels/math.cpp measures a part of them
// against long double):
//
//   own_exp(x)        1.02 ulp, subnormal results included; +inf above 88.73, 0 below -103.98
//   own_log(x)        1.04 ulp, subnormal arguments included; -inf at 0, NaN below
//   sin_cos_2pi(u)    1.6 ulp (sine) for |u| <= 1/8; 1e-7 absolute for |u| < 2^20
//
// NaN gives NaN.
#pragma once

#include "kernels/core/double_math.h"
#include "kernels/core/isa.h"
#include "kernels/core/scalar_lane.h"
#if !defined(__CUDACC__)
#include "kernels/core/lanes.h"
#endif

namespace spikelane::SPIKELANE_ISA {

/// e to the x.
template <class F>
SPIKELANE_HD SPIKELANE_INLINE F own_exp(F x) {
  // the order of the operands lets NaN through
  const F y = max(F(-104.0f), min(F(89.0f), x));
  // adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits
  const F kRound = F(12582912.0f);
  const F k = fma(y, F(0x1.715476p+0f), kRound) - kRound;
  F r = fma(k, F(-0x1.62e430p-1f), y);
  r = fma(k, F(0x1.05c610p-29f), r);
  F p = F(0x1.6a5132p-10f);
  p = fma(p, r, F(0x1.12397cp-7f));
  p = fma(p, r, F(0x1.5558acp-5f));
  p = fma(p, r, F(0x1.555492p-3f));
  p = fma(p, r, F(0x1.fffffcp-2f));
  p = fma(p * r, r, r) + F(1.0f);
  // 2^k in two factors, so that only the last product is rounded when it is subnormal
  const F kBias = F(12582912.0f + 127.0f);
  const F half = fma(k, F(0.5f), kBias);
  const F rest = (k - (half - kBias)) + kBias;
  return (p * bit_cast_float(bit_cast_int(half) << 23)) * bit_cast_float(bit_cast_int(rest) << 23);
}

/// The logarithm of a positive normal number; anything else gives a meaningless value.
template <class F>
SPIKELANE_HD SPIKELANE_INLINE F log_of_normal(F x) {
  using Int = IntOf<F>;
  // x = 2^e * (1 + f) with 1 + f in [2/3, 4/3); `e` keeps its place in the exponent field
  const Int e = (bit_cast_int(x) - Int(0x3f2aaaabu)) & Int(0xff800000u);
  const F f = bit_cast_float(bit_cast_int(x) - e) - F(1.0f);
  F p = F(-0x1.07c48ap-3f);
  p = fma(p, f, F(0x1.1e6ccap-3f));
  p = fma(p, f, F(-0x1.f332b8p-4f));
  p = fma(p, f, F(0x1.1ed562p-3f));
  p = fma(p, f, F(-0x1.559c66p-3f));
  p = fma(p, f, F(0x1.99d050p-3f));
  p = fma(p, f, F(-0x1.fffefap-3f));
  p = fma(p, f, F(0x1.555506p-2f));
  p = fma(p, f, F(-0.5f));
  p = fma(p, f * f, f);
  return fma(to_float(e), F(0x1.62e430p-24f), p);
}

/// The natural logarithm.
template <class F>
SPIKELANE_HD SPIKELANE_INLINE F own_log(F x) {
  const F kInfinity = bit_cast_float(IntOf<F>(0x7f800000u));
  const MaskOf<F> is_subnormal = x < F(0x1p-126f);
  const F scaled = select(is_subnormal, x * F(0x1p+24f), x);
  const F shift = select(is_subnormal, F(-0x1.0a2b24p+4f), F(0.0f));  // -24 log 2
  F y = log_of_normal(scaled);
  y = select(is_subnormal, y + shift, y);
  y = select(x < kInfinity, y, x);
  y = select(x == F(0.0f), -kInfinity, y);
  return select(x < F(0.0f), bit_cast_float(IntOf<F>(0x7fc00000u)), y);
}

/// Sine and cosine of 2 pi t for |t| <= 1/8.
template <class F>
SPIKELANE_HD SPIKELANE_INLINE void sin_cos_2pi_octant(F t, F& sine, F& cosine) {
  const F z = t * t;
  F p = F(-0x1.33198ep+6f);
  p = fma(p, z, F(0x1.4680a4p+6f));
  p = fma(p, z, F(-0x1.4abc24p+5f));
  p = fma(p, z, F(0x1.921fb6p+2f));
  sine = p * t;
  F q = F(0x1.d4f47ap+5f);
  q = fma(q, z, F(-0x1.55b2b2p+6f));
  q = fma(q, z, F(0x1.03c1b0p+6f));
  q = fma(q, z, F(-0x1.3bd3ccp+4f));
  cosine = fma(q, z, F(1.0f));
}

/// Turns (sine, cosine) by `quarters` quarter turns; only the low two bits count.
template <class F>
SPIKELANE_HD SPIKELANE_INLINE void turn_by_quarters(IntOf<F> quarters, F& sine, F& cosine) {
  using Int = IntOf<F>;
  const MaskOf<F> is_odd = has_bits(quarters, Int(1u));
  const F s = select(is_odd, cosine, sine);
  const F c = select(is_odd, sine, cosine);
  // the sign bits: sine is negative for 2 and 3 quarters, cosine for 1 and 2
  sine = bit_cast_float(bit_cast_int(s) ^ ((quarters << 30) & Int(0x80000000u)));
  cosine = bit_cast_float(bit_cast_int(c) ^ (((quarters + Int(1u)) << 30) & Int(0x80000000u)));
}

/// Sine and cosine of 2 pi u for |u| < 2^20 (u in turns; the reduction is exact).
template <class F>
SPIKELANE_HD SPIKELANE_INLINE void sin_cos_2pi(F u, F& sine, F& cosine) {
  const F kRound = F(12582912.0f);
  const F shifted = fma(u, F(4.0f), kRound);
  const F t = fma(shifted - kRound, F(-0.25f), u);
  sin_cos_2pi_octant(t, sine, cosine);
  turn_by_quarters<F>(bit_cast_int(shifted), sine, cosine);
}

/// Sine and cosine of the angle 2 pi w / 2^32, for random words.
template <class F>
SPIKELANE_HD SPIKELANE_INLINE void sin_cos_of_word(IntOf<F> w, F& sine, F& cosine) {
  using Int = IntOf<F>;
  // the low 30 bits read as signed are the distance from the nearest quarter turn
  sin_cos_2pi_octant(to_float(w << 2) * F(0x1p-34f), sine, cosine);
  turn_by_quarters<F>((w + Int(0x20000000u)) >> 30, sine, cosine);
}

}  // namespace spikelane::SPIKELANE_ISA
