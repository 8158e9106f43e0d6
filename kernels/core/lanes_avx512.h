// Lanes on AVX-512: one register. Included by lanes.h only; the functions are described there.
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "kernels/core/isa.h"

namespace spikelane::SPIKELANE_ISA {

struct Lanes {
  __m512 v;
  Lanes() = default;
  SPIKELANE_INLINE Lanes(__m512 x) : v(x) {}
  SPIKELANE_INLINE Lanes(float x) : v(_mm512_set1_ps(x)) {}
};

struct LaneMask {
  __mmask16 v;
};

struct IntLanes {
  __m512i v;
  IntLanes() = default;
  SPIKELANE_INLINE IntLanes(__m512i x) : v(x) {}
  SPIKELANE_INLINE IntLanes(uint32_t x) : v(_mm512_set1_epi32(static_cast<int>(x))) {}
};

SPIKELANE_INLINE Lanes load(const float* p) { return _mm512_load_ps(p); }
SPIKELANE_INLINE Lanes loadu(const float* p) { return _mm512_loadu_ps(p); }
SPIKELANE_INLINE void store(float* p, Lanes a) { _mm512_store_ps(p, a.v); }
SPIKELANE_INLINE void storeu(float* p, Lanes a) { _mm512_storeu_ps(p, a.v); }
SPIKELANE_INLINE Lanes broadcast(float x) { return Lanes(x); }
SPIKELANE_INLINE Lanes zero() { return _mm512_setzero_ps(); }

SPIKELANE_INLINE Lanes operator+(Lanes a, Lanes b) { return _mm512_add_ps(a.v, b.v); }
SPIKELANE_INLINE Lanes operator-(Lanes a, Lanes b) { return _mm512_sub_ps(a.v, b.v); }
SPIKELANE_INLINE Lanes operator*(Lanes a, Lanes b) { return _mm512_mul_ps(a.v, b.v); }
SPIKELANE_INLINE Lanes operator/(Lanes a, Lanes b) { return _mm512_div_ps(a.v, b.v); }
SPIKELANE_INLINE Lanes operator-(Lanes a) { return _mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f)); }
SPIKELANE_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
SPIKELANE_INLINE Lanes sqrt(Lanes a) { return _mm512_maskz_sqrt_ps(0xffff, a.v); }
SPIKELANE_INLINE Lanes min(Lanes a, Lanes b) { return _mm512_maskz_min_ps(0xffff, a.v, b.v); }
SPIKELANE_INLINE Lanes max(Lanes a, Lanes b) { return _mm512_maskz_max_ps(0xffff, a.v, b.v); }
SPIKELANE_INLINE Lanes abs(Lanes a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v); }

SPIKELANE_INLINE LaneMask operator>(Lanes a, Lanes b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)};
}
SPIKELANE_INLINE LaneMask operator>=(Lanes a, Lanes b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)};
}
SPIKELANE_INLINE LaneMask operator<(Lanes a, Lanes b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
SPIKELANE_INLINE LaneMask operator<=(Lanes a, Lanes b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
SPIKELANE_INLINE LaneMask operator==(Lanes a, Lanes b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
SPIKELANE_INLINE LaneMask operator!=(Lanes a, Lanes b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)};
}
// quiet NaN, signalling NaN and both infinities
SPIKELANE_INLINE LaneMask not_finite(Lanes a) { return {_mm512_fpclass_ps_mask(a.v, 0x99)}; }

SPIKELANE_INLINE LaneMask operator&(LaneMask a, LaneMask b) {
  return {static_cast<__mmask16>(a.v & b.v)};
}
SPIKELANE_INLINE LaneMask operator|(LaneMask a, LaneMask b) {
  return {static_cast<__mmask16>(a.v | b.v)};
}
SPIKELANE_INLINE LaneMask operator^(LaneMask a, LaneMask b) {
  return {static_cast<__mmask16>(a.v ^ b.v)};
}
SPIKELANE_INLINE LaneMask operator~(LaneMask a) { return {static_cast<__mmask16>(~a.v)}; }
SPIKELANE_INLINE bool any(LaneMask a) { return a.v != 0; }
SPIKELANE_INLINE bool all(LaneMask a) { return a.v == 0xffff; }
SPIKELANE_INLINE uint32_t bits(LaneMask a) { return a.v; }
SPIKELANE_INLINE LaneMask mask_from_bits(uint32_t b) { return {static_cast<__mmask16>(b)}; }
SPIKELANE_INLINE Lanes select(LaneMask m, Lanes a, Lanes b) {
  return _mm512_mask_blend_ps(m.v, b.v, a.v);
}
SPIKELANE_INLINE Lanes add_where(LaneMask m, Lanes a, Lanes b) {
  return _mm512_mask_add_ps(a.v, m.v, a.v, b.v);
}
SPIKELANE_INLINE Lanes sub_where(LaneMask m, Lanes a, Lanes b) {
  return _mm512_mask_sub_ps(a.v, m.v, a.v, b.v);
}

SPIKELANE_INLINE IntLanes load(const uint32_t* p) { return _mm512_load_si512(p); }
SPIKELANE_INLINE IntLanes loadu(const uint32_t* p) { return _mm512_loadu_si512(p); }
SPIKELANE_INLINE void store(uint32_t* p, IntLanes a) { _mm512_store_si512(p, a.v); }
SPIKELANE_INLINE void storeu(uint32_t* p, IntLanes a) { _mm512_storeu_si512(p, a.v); }
SPIKELANE_INLINE IntLanes broadcast_int(uint32_t x) { return IntLanes(x); }
SPIKELANE_INLINE IntLanes iota() {
  return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
SPIKELANE_INLINE IntLanes operator+(IntLanes a, IntLanes b) { return _mm512_add_epi32(a.v, b.v); }
SPIKELANE_INLINE IntLanes operator-(IntLanes a, IntLanes b) { return _mm512_sub_epi32(a.v, b.v); }
SPIKELANE_INLINE IntLanes operator*(IntLanes a, IntLanes b) { return _mm512_mullo_epi32(a.v, b.v); }
SPIKELANE_INLINE IntLanes operator&(IntLanes a, IntLanes b) { return _mm512_and_si512(a.v, b.v); }
SPIKELANE_INLINE IntLanes operator|(IntLanes a, IntLanes b) { return _mm512_or_si512(a.v, b.v); }
SPIKELANE_INLINE IntLanes operator^(IntLanes a, IntLanes b) { return _mm512_xor_si512(a.v, b.v); }
SPIKELANE_INLINE IntLanes operator<<(IntLanes a, int n) { return (__m512i)((__v16su)a.v << n); }
SPIKELANE_INLINE IntLanes operator>>(IntLanes a, int n) { return (__m512i)((__v16su)a.v >> n); }
// products of the even and of the odd lanes, each 64 bits wide; the masked duplicates put their
// halves into place
SPIKELANE_INLINE void mul_wide(IntLanes a, IntLanes b, IntLanes& high, IntLanes& low) {
  const __m512i a_odd =
      _mm512_castps_si512(_mm512_maskz_movehdup_ps(0xffff, _mm512_castsi512_ps(a.v)));
  const __m512i b_odd =
      _mm512_castps_si512(_mm512_maskz_movehdup_ps(0xffff, _mm512_castsi512_ps(b.v)));
  const __m512 even = _mm512_castsi512_ps(_mm512_maskz_mul_epu32(0xff, a.v, b.v));
  const __m512 odd = _mm512_castsi512_ps(_mm512_maskz_mul_epu32(0xff, a_odd, b_odd));
  low = _mm512_castps_si512(_mm512_mask_moveldup_ps(even, 0xaaaa, odd));
  high = _mm512_castps_si512(_mm512_mask_movehdup_ps(odd, 0x5555, even));
}
SPIKELANE_INLINE LaneMask operator==(IntLanes a, IntLanes b) {
  return {_mm512_cmpeq_epi32_mask(a.v, b.v)};
}
SPIKELANE_INLINE LaneMask has_bits(IntLanes a, IntLanes b) {
  return {_mm512_test_epi32_mask(a.v, b.v)};
}
SPIKELANE_INLINE IntLanes select(LaneMask m, IntLanes a, IntLanes b) {
  return _mm512_mask_blend_epi32(m.v, b.v, a.v);
}
SPIKELANE_INLINE Lanes to_float(IntLanes a) { return _mm512_maskz_cvtepi32_ps(0xffff, a.v); }
SPIKELANE_INLINE Lanes bit_cast_float(IntLanes a) { return _mm512_castsi512_ps(a.v); }
SPIKELANE_INLINE IntLanes bit_cast_int(Lanes a) { return _mm512_castps_si512(a.v); }

// the upper part of the compressed lanes is written too: `to` has room for 16
SPIKELANE_INLINE int list_lanes(int32_t* to, uint32_t lanes, int first) {
  const auto m = static_cast<__mmask16>(lanes);
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(m, (iota() + IntLanes(first)).v));
  return __builtin_popcount(lanes);
}

struct Codes {
  __m512i v;
};
struct Table16 {
  __m512 v;
};
struct Table32 {
  __m512 low, high;
};

SPIKELANE_INLINE Codes load_codes(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_maskz_cvtepu8_epi32(0xffff, bytes)};
}
SPIKELANE_INLINE Table16 load_table16(const float* p) { return {_mm512_load_ps(p)}; }
SPIKELANE_INLINE Table32 load_table32(const float* p) {
  return {_mm512_load_ps(p), _mm512_load_ps(p + 16)};
}
SPIKELANE_INLINE Lanes lookup(Table16 t, Codes c) {
  return _mm512_maskz_permutexvar_ps(0xffff, c.v, t.v);
}
SPIKELANE_INLINE Lanes lookup(Table32 t, Codes c) {
  return _mm512_permutex2var_ps(t.low, c.v, t.high);
}
SPIKELANE_INLINE void store_codes(uint8_t* p, LaneMask m0, LaneMask m1, LaneMask m2, LaneMask m3) {
  __m128i code = _mm_maskz_mov_epi8(m0.v, _mm_set1_epi8(1));
  code = _mm_mask_add_epi8(code, m1.v, code, _mm_set1_epi8(2));
  code = _mm_mask_add_epi8(code, m2.v, code, _mm_set1_epi8(4));
  code = _mm_mask_add_epi8(code, m3.v, code, _mm_set1_epi8(8));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), code);
}

// lane 4q + s holds block 4s + q, so that two rounds of unpacking leave everything in place
SPIKELANE_INLINE IntLanes block_order() {
  return _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}
SPIKELANE_INLINE void interleave_blocks(Lanes& a, Lanes& b, Lanes& c, Lanes& d) {
  const __m512d ab0 = _mm512_castps_pd(_mm512_maskz_unpacklo_ps(0xffff, a.v, b.v));
  const __m512d ab1 = _mm512_castps_pd(_mm512_maskz_unpackhi_ps(0xffff, a.v, b.v));
  const __m512d cd0 = _mm512_castps_pd(_mm512_maskz_unpacklo_ps(0xffff, c.v, d.v));
  const __m512d cd1 = _mm512_castps_pd(_mm512_maskz_unpackhi_ps(0xffff, c.v, d.v));
  a = _mm512_castpd_ps(_mm512_maskz_unpacklo_pd(0xff, ab0, cd0));
  b = _mm512_castpd_ps(_mm512_maskz_unpackhi_pd(0xff, ab0, cd0));
  c = _mm512_castpd_ps(_mm512_maskz_unpacklo_pd(0xff, ab1, cd1));
  d = _mm512_castpd_ps(_mm512_maskz_unpackhi_pd(0xff, ab1, cd1));
}

}  // namespace spikelane::SPIKELANE_ISA
