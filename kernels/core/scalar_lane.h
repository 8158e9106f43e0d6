// The functions of lanes.h for one lane: float, bool and uint32_t.
//
// Element functions are templates over F = float or Lanes; the reference twin and CUDA use float.
// A template writes `!m` (never `~m`, which is wrong for bool) and declares its masks as
// MaskOf<F>. On the host `fma` is one instruction where there is one and else the C library's,
// which IEEE 754 leaves no freedom; lanes tests compare it with our own exact form.
#pragma once

#include <stdint.h>

#include "kernels/core/isa.h"

namespace spikelane::SPIKELANE_ISA {

/// The integer and mask types that belong to a value type, and how many values it holds.
template <class F>
struct LaneTraits;

template <>
struct LaneTraits<float> {
  using Int = uint32_t;
  using Mask = bool;
  static constexpr int kWidth = 1;
};

template <class F>
using IntOf = typename LaneTraits<F>::Int;
template <class F>
using MaskOf = typename LaneTraits<F>::Mask;

/// Reads LaneTraits<F>::kWidth consecutive floats; no alignment is needed.
template <class F>
SPIKELANE_HD SPIKELANE_INLINE F load_as(const float* p);

template <>
SPIKELANE_HD SPIKELANE_INLINE float load_as<float>(const float* p) {
  return *p;
}

SPIKELANE_HD SPIKELANE_INLINE void store(float* p, float a) { *p = a; }
SPIKELANE_HD SPIKELANE_INLINE void storeu(float* p, float a) { *p = a; }

SPIKELANE_HD SPIKELANE_INLINE float fma(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

SPIKELANE_HD SPIKELANE_INLINE float sqrt(float a) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(a);
#else
  return __builtin_sqrtf(a);
#endif
}

SPIKELANE_HD SPIKELANE_INLINE uint32_t bit_cast_int(float a) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(a);
#else
  return __builtin_bit_cast(uint32_t, a);
#endif
}

SPIKELANE_HD SPIKELANE_INLINE float bit_cast_float(uint32_t a) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(a);
#else
  return __builtin_bit_cast(float, a);
#endif
}

SPIKELANE_HD SPIKELANE_INLINE float min(float a, float b) { return a < b ? a : b; }
SPIKELANE_HD SPIKELANE_INLINE float max(float a, float b) { return a > b ? a : b; }
SPIKELANE_HD SPIKELANE_INLINE float abs(float a) {
  return bit_cast_float(bit_cast_int(a) & 0x7fffffffu);
}
SPIKELANE_HD SPIKELANE_INLINE bool not_finite(float a) {
  return (bit_cast_int(a) & 0x7f800000u) == 0x7f800000u;
}

SPIKELANE_HD SPIKELANE_INLINE float select(bool m, float a, float b) { return m ? a : b; }
SPIKELANE_HD SPIKELANE_INLINE uint32_t select(bool m, uint32_t a, uint32_t b) { return m ? a : b; }
SPIKELANE_HD SPIKELANE_INLINE float add_where(bool m, float a, float b) { return m ? a + b : a; }
SPIKELANE_HD SPIKELANE_INLINE float sub_where(bool m, float a, float b) { return m ? a - b : a; }
SPIKELANE_HD SPIKELANE_INLINE bool any(bool m) { return m; }
SPIKELANE_HD SPIKELANE_INLINE bool all(bool m) { return m; }
SPIKELANE_HD SPIKELANE_INLINE uint32_t bits(bool m) { return m ? 1u : 0u; }

SPIKELANE_HD SPIKELANE_INLINE float to_float(uint32_t a) {
  return static_cast<float>(static_cast<int32_t>(a));
}
SPIKELANE_HD SPIKELANE_INLINE bool has_bits(uint32_t a, uint32_t b) { return (a & b) != 0; }
SPIKELANE_HD SPIKELANE_INLINE void mul_wide(uint32_t a, uint32_t b, uint32_t& high, uint32_t& low) {
  const uint64_t product = static_cast<uint64_t>(a) * b;
  high = static_cast<uint32_t>(product >> 32);
  low = static_cast<uint32_t>(product);
}
SPIKELANE_HD SPIKELANE_INLINE uint32_t mul_high(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>((static_cast<uint64_t>(a) * b) >> 32);
}

}  // namespace spikelane::SPIKELANE_ISA
