// Lanes on AVX2 and FMA: two registers. Included by lanes.h only; the functions are described
// there.
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "kernels/core/isa.h"

namespace spikelane::SPIKELANE_ISA {

struct Lanes {
  __m256 lo, hi;
  Lanes() = default;
  SPIKELANE_INLINE Lanes(__m256 l, __m256 h) : lo(l), hi(h) {}
  SPIKELANE_INLINE Lanes(float x) : lo(_mm256_set1_ps(x)), hi(lo) {}
};

// each boolean is 32 bits of ones or zeros
struct LaneMask {
  __m256 lo, hi;
};

struct IntLanes {
  __m256i lo, hi;
  IntLanes() = default;
  SPIKELANE_INLINE IntLanes(__m256i l, __m256i h) : lo(l), hi(h) {}
  SPIKELANE_INLINE IntLanes(uint32_t x) : lo(_mm256_set1_epi32(static_cast<int>(x))), hi(lo) {}
};

SPIKELANE_INLINE Lanes load(const float* p) { return {_mm256_load_ps(p), _mm256_load_ps(p + 8)}; }
SPIKELANE_INLINE Lanes loadu(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
SPIKELANE_INLINE void store(float* p, Lanes a) {
  _mm256_store_ps(p, a.lo);
  _mm256_store_ps(p + 8, a.hi);
}
SPIKELANE_INLINE void storeu(float* p, Lanes a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
SPIKELANE_INLINE Lanes broadcast(float x) { return Lanes(x); }
SPIKELANE_INLINE Lanes zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }

SPIKELANE_INLINE Lanes operator+(Lanes a, Lanes b) {
  return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE Lanes operator-(Lanes a, Lanes b) {
  return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE Lanes operator*(Lanes a, Lanes b) {
  return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE Lanes operator/(Lanes a, Lanes b) {
  return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE Lanes operator-(Lanes a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(a.lo, sign), _mm256_xor_ps(a.hi, sign)};
}
SPIKELANE_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
SPIKELANE_INLINE Lanes sqrt(Lanes a) { return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
SPIKELANE_INLINE Lanes min(Lanes a, Lanes b) {
  return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE Lanes max(Lanes a, Lanes b) {
  return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE Lanes abs(Lanes a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}

SPIKELANE_INLINE LaneMask operator>(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_GT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_GT_OQ)};
}
SPIKELANE_INLINE LaneMask operator>=(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_GE_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_GE_OQ)};
}
SPIKELANE_INLINE LaneMask operator<(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
}
SPIKELANE_INLINE LaneMask operator<=(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LE_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LE_OQ)};
}
SPIKELANE_INLINE LaneMask operator==(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ)};
}
SPIKELANE_INLINE LaneMask operator!=(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_NEQ_UQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_NEQ_UQ)};
}
// x - x is 0 for finite x and NaN otherwise
SPIKELANE_INLINE LaneMask not_finite(Lanes a) {
  const Lanes d = a - a;
  return d != d;
}

SPIKELANE_INLINE LaneMask operator&(LaneMask a, LaneMask b) {
  return {_mm256_and_ps(a.lo, b.lo), _mm256_and_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE LaneMask operator|(LaneMask a, LaneMask b) {
  return {_mm256_or_ps(a.lo, b.lo), _mm256_or_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE LaneMask operator^(LaneMask a, LaneMask b) {
  return {_mm256_xor_ps(a.lo, b.lo), _mm256_xor_ps(a.hi, b.hi)};
}
SPIKELANE_INLINE LaneMask operator~(LaneMask a) {
  const __m256 ones = _mm256_castsi256_ps(_mm256_set1_epi32(-1));
  return {_mm256_xor_ps(a.lo, ones), _mm256_xor_ps(a.hi, ones)};
}
SPIKELANE_INLINE uint32_t bits(LaneMask a) {
  return static_cast<uint32_t>(_mm256_movemask_ps(a.lo)) |
         static_cast<uint32_t>(_mm256_movemask_ps(a.hi)) << 8;
}
SPIKELANE_INLINE bool any(LaneMask a) { return _mm256_movemask_ps(_mm256_or_ps(a.lo, a.hi)) != 0; }
SPIKELANE_INLINE bool all(LaneMask a) {
  return _mm256_movemask_ps(_mm256_and_ps(a.lo, a.hi)) == 0xff;
}
SPIKELANE_INLINE LaneMask mask_from_bits(uint32_t b) {
  const __m256i all_bits = _mm256_set1_epi32(static_cast<int>(b));
  const __m256i lo = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i hi = _mm256_slli_epi32(lo, 8);
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(all_bits, lo), lo)),
          _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(all_bits, hi), hi))};
}
SPIKELANE_INLINE Lanes select(LaneMask m, Lanes a, Lanes b) {
  return {_mm256_blendv_ps(b.lo, a.lo, m.lo), _mm256_blendv_ps(b.hi, a.hi, m.hi)};
}
// x - (+0) is x for every x, also -0, so a masked operand replaces a select
SPIKELANE_INLINE Lanes sub_where(LaneMask m, Lanes a, Lanes b) {
  return {_mm256_sub_ps(a.lo, _mm256_and_ps(m.lo, b.lo)),
          _mm256_sub_ps(a.hi, _mm256_and_ps(m.hi, b.hi))};
}
SPIKELANE_INLINE Lanes add_where(LaneMask m, Lanes a, Lanes b) { return sub_where(m, a, -b); }

SPIKELANE_INLINE IntLanes loadu(const uint32_t* p) {
  const __m256i* q = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)};
}
SPIKELANE_INLINE IntLanes load(const uint32_t* p) {
  const __m256i* q = reinterpret_cast<const __m256i*>(p);
  return {_mm256_load_si256(q), _mm256_load_si256(q + 1)};
}
SPIKELANE_INLINE void storeu(uint32_t* p, IntLanes a) {
  __m256i* q = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(q, a.lo);
  _mm256_storeu_si256(q + 1, a.hi);
}
SPIKELANE_INLINE void store(uint32_t* p, IntLanes a) {
  __m256i* q = reinterpret_cast<__m256i*>(p);
  _mm256_store_si256(q, a.lo);
  _mm256_store_si256(q + 1, a.hi);
}
SPIKELANE_INLINE IntLanes broadcast_int(uint32_t x) { return IntLanes(x); }
SPIKELANE_INLINE IntLanes iota() {
  return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
          _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)};
}
SPIKELANE_INLINE IntLanes operator+(IntLanes a, IntLanes b) {
  return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
SPIKELANE_INLINE IntLanes operator-(IntLanes a, IntLanes b) {
  return {_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)};
}
SPIKELANE_INLINE IntLanes operator*(IntLanes a, IntLanes b) {
  return {_mm256_mullo_epi32(a.lo, b.lo), _mm256_mullo_epi32(a.hi, b.hi)};
}
SPIKELANE_INLINE IntLanes operator&(IntLanes a, IntLanes b) {
  return {_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)};
}
SPIKELANE_INLINE IntLanes operator|(IntLanes a, IntLanes b) {
  return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}
SPIKELANE_INLINE IntLanes operator^(IntLanes a, IntLanes b) {
  return {_mm256_xor_si256(a.lo, b.lo), _mm256_xor_si256(a.hi, b.hi)};
}
SPIKELANE_INLINE IntLanes operator<<(IntLanes a, int n) {
  return {(__m256i)((__v8su)a.lo << n), (__m256i)((__v8su)a.hi << n)};
}
SPIKELANE_INLINE IntLanes operator>>(IntLanes a, int n) {
  return {(__m256i)((__v8su)a.lo >> n), (__m256i)((__v8su)a.hi >> n)};
}
SPIKELANE_INLINE void mul_wide_half(__m256i a, __m256i b, __m256i& high, __m256i& low) {
  const __m256i even = _mm256_mul_epu32(a, b);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
SPIKELANE_INLINE void mul_wide(IntLanes a, IntLanes b, IntLanes& high, IntLanes& low) {
  IntLanes h, l;
  mul_wide_half(a.lo, b.lo, h.lo, l.lo);
  mul_wide_half(a.hi, b.hi, h.hi, l.hi);
  high = h;
  low = l;
}
SPIKELANE_INLINE LaneMask operator==(IntLanes a, IntLanes b) {
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.lo, b.lo)),
          _mm256_castsi256_ps(_mm256_cmpeq_epi32(a.hi, b.hi))};
}
SPIKELANE_INLINE LaneMask has_bits(IntLanes a, IntLanes b) {
  return ~((a & b) == IntLanes(uint32_t{0}));
}
SPIKELANE_INLINE Lanes bit_cast_float(IntLanes a) {
  return {_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)};
}
SPIKELANE_INLINE IntLanes bit_cast_int(Lanes a) {
  return {_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)};
}
SPIKELANE_INLINE IntLanes select(LaneMask m, IntLanes a, IntLanes b) {
  return bit_cast_int(select(m, bit_cast_float(a), bit_cast_float(b)));
}
SPIKELANE_INLINE Lanes to_float(IntLanes a) {
  return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)};
}

/// Which bits of a byte are set, ascending, then zeros.
struct ListedBits {
  alignas(64) uint8_t bits[256][8];
};
constexpr ListedBits list_bits_of_bytes() {
  ListedBits listed{};
  for (int byte = 0; byte < 256; ++byte)
    for (int bit = 0, n = 0; bit < 8; ++bit)
      if (byte >> bit & 1) listed.bits[byte][n++] = static_cast<uint8_t>(bit);
  return listed;
}
inline constexpr ListedBits kListedBits = list_bits_of_bytes();

// each byte's eight places are written, whatever of them is in use: a loop over the bits would
// leave at a place that no processor foresees
SPIKELANE_INLINE int list_lanes(int32_t* to, uint32_t lanes, int first) {
  const auto write = [&](uint32_t byte, int n, int from) {
    const __m128i bits = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kListedBits.bits[byte]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + n),
                        _mm256_add_epi32(_mm256_cvtepu8_epi32(bits), _mm256_set1_epi32(from)));
  };
  const uint32_t low = lanes & 0xffu, high = lanes >> 8 & 0xffu;
  const int n_low = __builtin_popcount(low);
  write(low, 0, first);
  write(high, n_low, first + 8);
  return n_low + __builtin_popcount(high);
}

struct Codes {
  __m256i lo, hi;
};
struct Table16 {
  __m256 part[2];
};
struct Table32 {
  __m256 part[4];
};

SPIKELANE_INLINE Codes load_codes(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
SPIKELANE_INLINE Table16 load_table16(const float* p) {
  return {{_mm256_load_ps(p), _mm256_load_ps(p + 8)}};
}
SPIKELANE_INLINE Table32 load_table32(const float* p) {
  return {
      {_mm256_load_ps(p), _mm256_load_ps(p + 8), _mm256_load_ps(p + 16), _mm256_load_ps(p + 24)}};
}
// a blend reads the sign bit only: bit 3 of a code is shifted there, and bit 4 likewise
SPIKELANE_INLINE __m256 lookup16_half(__m256 t0, __m256 t1, __m256i code) {
  return _mm256_blendv_ps(_mm256_permutevar8x32_ps(t0, code), _mm256_permutevar8x32_ps(t1, code),
                          _mm256_castsi256_ps(_mm256_slli_epi32(code, 28)));
}
SPIKELANE_INLINE __m256 lookup32_half(const Table32& t, __m256i code) {
  return _mm256_blendv_ps(lookup16_half(t.part[0], t.part[1], code),
                          lookup16_half(t.part[2], t.part[3], code),
                          _mm256_castsi256_ps(_mm256_slli_epi32(code, 27)));
}
SPIKELANE_INLINE Lanes lookup(Table16 t, Codes c) {
  return {lookup16_half(t.part[0], t.part[1], c.lo), lookup16_half(t.part[0], t.part[1], c.hi)};
}
SPIKELANE_INLINE Lanes lookup(Table32 t, Codes c) {
  return {lookup32_half(t, c.lo), lookup32_half(t, c.hi)};
}
SPIKELANE_INLINE __m256i code_half(__m256 m0, __m256 m1, __m256 m2, __m256 m3) {
  const __m256i c0 = _mm256_and_si256(_mm256_castps_si256(m0), _mm256_set1_epi32(1));
  const __m256i c1 = _mm256_and_si256(_mm256_castps_si256(m1), _mm256_set1_epi32(2));
  const __m256i c2 = _mm256_and_si256(_mm256_castps_si256(m2), _mm256_set1_epi32(4));
  const __m256i c3 = _mm256_and_si256(_mm256_castps_si256(m3), _mm256_set1_epi32(8));
  return _mm256_or_si256(_mm256_or_si256(c0, c1), _mm256_or_si256(c2, c3));
}
SPIKELANE_INLINE void store_codes(uint8_t* p, LaneMask m0, LaneMask m1, LaneMask m2, LaneMask m3) {
  const __m256i lo = code_half(m0.lo, m1.lo, m2.lo, m3.lo);
  const __m256i hi = code_half(m0.hi, m1.hi, m2.hi, m3.hi);
  const __m128i words0 =
      _mm_packus_epi32(_mm256_castsi256_si128(lo), _mm256_extracti128_si256(lo, 1));
  const __m128i words1 =
      _mm_packus_epi32(_mm256_castsi256_si128(hi), _mm256_extracti128_si256(hi, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words0, words1));
}

// lane 8h + 4q + s holds block 8h + 2s + q, so that unpacking leaves everything in place
SPIKELANE_INLINE IntLanes block_order() {
  return {_mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7),
          _mm256_setr_epi32(8, 10, 12, 14, 9, 11, 13, 15)};
}
SPIKELANE_INLINE void interleave_half(__m256 a, __m256 b, __m256 c, __m256 d, Lanes& first,
                                      Lanes& second) {
  const __m256d ab0 = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
  const __m256d ab1 = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
  const __m256d cd0 = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
  const __m256d cd1 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
  first.lo = _mm256_castpd_ps(_mm256_unpacklo_pd(ab0, cd0));
  first.hi = _mm256_castpd_ps(_mm256_unpackhi_pd(ab0, cd0));
  second.lo = _mm256_castpd_ps(_mm256_unpacklo_pd(ab1, cd1));
  second.hi = _mm256_castpd_ps(_mm256_unpackhi_pd(ab1, cd1));
}
SPIKELANE_INLINE void interleave_blocks(Lanes& a, Lanes& b, Lanes& c, Lanes& d) {
  const Lanes a0 = a, b0 = b, c0 = c, d0 = d;
  interleave_half(a0.lo, b0.lo, c0.lo, d0.lo, a, b);
  interleave_half(a0.hi, b0.hi, c0.hi, d0.hi, c, d);
}

}  // namespace spikelane::SPIKELANE_ISA
