// Lanes: 16 floats that are computed together, on every instruction set.
//
// A `Lanes` is one AVX-512 register, two AVX2 registers or four 128-bit vectors (SSE4.2, NEON);
// `LaneMask` is 16 booleans and `IntLanes` 16 unsigned 32-bit integers. The functions are the same
// everywhere and give the same bits everywhere; scalar_lane.h has them for plain float, bool and
// uint32_t, so an element function that is a template over its value type F runs on either.
//
//   values    load, loadu, store, storeu (load and store: 64-byte aligned), broadcast, zero,
//             Lanes(float), + - * / unary -, fma (one rounding), sqrt, min, max, abs
//   masks     > >= < <= == !=, not_finite, & | ^ ~ !, any, all, bits (bit l = lane l),
//             mask_from_bits, list_lanes(to, bits, first) (writes first + l for each set bit l,
//             ascending, returns how many; `to` has room for 16), select(m, a, b), add_where(m, a,
//             b) = m ? a + b : a, sub_where(m, a, b) = m ? a - b : a
//   integers  load, loadu, store, storeu, IntLanes(uint32_t), broadcast_int, iota, + - * & | ^,
//             << >> (logical, the same count in all lanes), mul_high, mul_wide, == , has_bits,
//             select, to_float (reads the lanes as signed), bit_cast_int, bit_cast_float
//   tables    load_table16, load_table32 (64-byte aligned, must outlive the table), load_codes
//             (16 bytes), lookup(table, codes) (low 4 or 5 bits of each code), store_codes
//             (writes the bytes m0 + 2 m1 + 4 m2 + 8 m3)
//   blocks    block_order and interleave_blocks: 16 blocks of 4 values, one block a lane, to 64
//             consecutive values
//
// min(a, b) is a < b ? a : b and max(a, b) is a > b ? a : b, also for NaN and signed zeros.
#pragma once

#include "kernels/core/isa.h"

#if defined(SPIKELANE_FORCE_GENERIC_LANES)
#include "kernels/core/lanes_generic.h"
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
    defined(__AVX512DQ__)
#include "kernels/core/lanes_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__)
#include "kernels/core/lanes_avx2.h"
#else
#include "kernels/core/lanes_generic.h"
#endif

#include "kernels/core/scalar_lane.h"

namespace spikelane::SPIKELANE_ISA {

inline constexpr int kLaneWidth = 16;

template <>
struct LaneTraits<Lanes> {
  using Int = IntLanes;
  using Mask = LaneMask;
  static constexpr int kWidth = kLaneWidth;
};

template <>
SPIKELANE_INLINE Lanes load_as<Lanes>(const float* p) {
  return loadu(p);
}

// forms that follow from the others
SPIKELANE_INLINE LaneMask operator!(LaneMask m) { return ~m; }
SPIKELANE_INLINE Lanes& operator+=(Lanes& a, Lanes b) { return a = a + b; }
SPIKELANE_INLINE Lanes& operator-=(Lanes& a, Lanes b) { return a = a - b; }
SPIKELANE_INLINE Lanes& operator*=(Lanes& a, Lanes b) { return a = a * b; }
SPIKELANE_INLINE IntLanes mul_high(IntLanes a, IntLanes b) {
  IntLanes high, low;
  mul_wide(a, b, high, low);
  return high;
}

}  // namespace spikelane::SPIKELANE_ISA
