// Lanes on 128-bit vectors: four of them, in GCC's vector extension (x86-64-v2, NEON, anything
// else). Included by lanes.h only; the functions are described there.
#pragma once

#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "kernels/core/isa.h"

namespace spikelane::SPIKELANE_ISA {

typedef float Float4 __attribute__((vector_size(16)));
typedef int32_t Int4 __attribute__((vector_size(16)));
typedef uint32_t Uint4 __attribute__((vector_size(16)));
typedef double Double2 __attribute__((vector_size(16)));
typedef int64_t Long2 __attribute__((vector_size(16)));
typedef uint64_t Ulong2 __attribute__((vector_size(16)));

struct Lanes {
  Float4 v[4];
  Lanes() = default;
  SPIKELANE_INLINE Lanes(Float4 a, Float4 b, Float4 c, Float4 d) : v{a, b, c, d} {}
  SPIKELANE_INLINE Lanes(float x) : v{Float4{x, x, x, x}, v[0], v[0], v[0]} {}
};

// each boolean is 32 bits of ones or zeros
struct LaneMask {
  Int4 v[4];
};

struct IntLanes {
  Uint4 v[4];
  IntLanes() = default;
  SPIKELANE_INLINE IntLanes(Uint4 a, Uint4 b, Uint4 c, Uint4 d) : v{a, b, c, d} {}
  SPIKELANE_INLINE IntLanes(uint32_t x) : v{Uint4{x, x, x, x}, v[0], v[0], v[0]} {}
};

SPIKELANE_INLINE Float4 load_float4(const float* p) {
  Float4 a;
  __builtin_memcpy(&a, p, sizeof a);
  return a;
}
SPIKELANE_INLINE Uint4 load_uint4(const uint32_t* p) {
  Uint4 a;
  __builtin_memcpy(&a, p, sizeof a);
  return a;
}
SPIKELANE_INLINE Lanes loadu(const float* p) {
  return {load_float4(p), load_float4(p + 4), load_float4(p + 8), load_float4(p + 12)};
}
SPIKELANE_INLINE Lanes load(const float* p) { return loadu(p); }
SPIKELANE_INLINE void storeu(float* p, Lanes a) { __builtin_memcpy(p, a.v, sizeof a.v); }
SPIKELANE_INLINE void store(float* p, Lanes a) { storeu(p, a); }
SPIKELANE_INLINE Lanes broadcast(float x) { return Lanes(x); }
SPIKELANE_INLINE Lanes zero() { return Lanes(0.0f); }

// the same expression for the four vectors
#define SPIKELANE_LANES_BINARY(result, name, type, op)                               \
  SPIKELANE_INLINE result name(type a, type b) {                                     \
    return {a.v[0] op b.v[0], a.v[1] op b.v[1], a.v[2] op b.v[2], a.v[3] op b.v[3]}; \
  }
SPIKELANE_LANES_BINARY(Lanes, operator+, Lanes, +)
SPIKELANE_LANES_BINARY(Lanes, operator-, Lanes, -)
SPIKELANE_LANES_BINARY(Lanes, operator*, Lanes, *)
SPIKELANE_LANES_BINARY(Lanes, operator/, Lanes, /)
SPIKELANE_LANES_BINARY(IntLanes, operator+, IntLanes, +)
SPIKELANE_LANES_BINARY(IntLanes, operator-, IntLanes, -)
SPIKELANE_LANES_BINARY(IntLanes, operator*, IntLanes, *)
SPIKELANE_LANES_BINARY(IntLanes, operator&, IntLanes, &)
SPIKELANE_LANES_BINARY(IntLanes, operator|, IntLanes, |)
SPIKELANE_LANES_BINARY(IntLanes, operator^, IntLanes, ^)
#undef SPIKELANE_LANES_BINARY

#define SPIKELANE_LANES_MASK(name, type, op)                                               \
  SPIKELANE_INLINE LaneMask name(type a, type b) {                                         \
    return {{(Int4)(a.v[0] op b.v[0]), (Int4)(a.v[1] op b.v[1]), (Int4)(a.v[2] op b.v[2]), \
             (Int4)(a.v[3] op b.v[3])}};                                                   \
  }
SPIKELANE_LANES_MASK(operator>, Lanes, >)
SPIKELANE_LANES_MASK(operator>=, Lanes, >=)
SPIKELANE_LANES_MASK(operator<, Lanes, <)
SPIKELANE_LANES_MASK(operator<=, Lanes, <=)
SPIKELANE_LANES_MASK(operator==, Lanes, ==)
SPIKELANE_LANES_MASK(operator!=, Lanes, !=)
SPIKELANE_LANES_MASK(operator==, IntLanes, ==)
SPIKELANE_LANES_MASK(operator&, LaneMask, &)
SPIKELANE_LANES_MASK(operator|, LaneMask, |)
SPIKELANE_LANES_MASK(operator^, LaneMask, ^)
#undef SPIKELANE_LANES_MASK

SPIKELANE_INLINE Lanes operator-(Lanes a) { return {-a.v[0], -a.v[1], -a.v[2], -a.v[3]}; }
SPIKELANE_INLINE LaneMask operator~(LaneMask a) { return {{~a.v[0], ~a.v[1], ~a.v[2], ~a.v[3]}}; }
SPIKELANE_INLINE IntLanes operator<<(IntLanes a, int n) {
  return {a.v[0] << n, a.v[1] << n, a.v[2] << n, a.v[3] << n};
}
SPIKELANE_INLINE IntLanes operator>>(IntLanes a, int n) {
  return {a.v[0] >> n, a.v[1] >> n, a.v[2] >> n, a.v[3] >> n};
}

// the product of two floats is exact in double; its sum with c is rounded to odd there, and 53
// bits are enough (at least 24 + 2) for the second rounding to be the right one, also where the
// result is subnormal. s = fl(p + c) and t its exact error (Knuth): where they differ in sign the
// magnitude of s was rounded up and steps back, then the last bit says that something was lost.
// NaN and infinity make t NaN, which leaves s alone. t s neither overflows nor underflows.
// The conversions are intrinsics: g++ 12 drops the rounding of a float vector that is put together
// from converted doubles and taken apart again (-fno-tree-slp-vectorize hides it).
SPIKELANE_INLINE Double2 fma_to_odd(Double2 a, Double2 b, Double2 c) {
  const Double2 p = a * b;
  const Double2 s = p + c;
  const Double2 z = s - p;
  const Double2 t = (p - (s - z)) + (c - z);
  const Double2 side = t * s;
  const Long2 too_large = (Long2)(side < 0.0);  // -1 where true
  const Long2 inexact = too_large | (Long2)(side > 0.0);
  return (Double2)(((Long2)s + too_large) | (inexact & 1));
}

SPIKELANE_INLINE Float4 fma_4(Float4 a, Float4 b, Float4 c) {
#if defined(__FMA__)
  return _mm_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
  return vfmaq_f32(c, a, b);
#elif defined(__SSE2__)
  const Double2 lo = fma_to_odd(_mm_cvtps_pd(a), _mm_cvtps_pd(b), _mm_cvtps_pd(c));
  const Double2 hi =
      fma_to_odd(_mm_cvtps_pd(_mm_movehl_ps(a, a)), _mm_cvtps_pd(_mm_movehl_ps(b, b)),
                 _mm_cvtps_pd(_mm_movehl_ps(c, c)));
  return _mm_movelh_ps(_mm_cvtpd_ps(lo), _mm_cvtpd_ps(hi));
#else
  return Float4{__builtin_fmaf(a[0], b[0], c[0]), __builtin_fmaf(a[1], b[1], c[1]),
                __builtin_fmaf(a[2], b[2], c[2]), __builtin_fmaf(a[3], b[3], c[3])};
#endif
}
SPIKELANE_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {fma_4(a.v[0], b.v[0], c.v[0]), fma_4(a.v[1], b.v[1], c.v[1]),
          fma_4(a.v[2], b.v[2], c.v[2]), fma_4(a.v[3], b.v[3], c.v[3])};
}

SPIKELANE_INLINE Float4 sqrt_4(Float4 a) {
#if defined(__SSE2__)
  return _mm_sqrt_ps(a);
#elif defined(__aarch64__)
  return vsqrtq_f32(a);
#else
  return Float4{__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]),
                __builtin_sqrtf(a[3])};
#endif
}
SPIKELANE_INLINE Lanes sqrt(Lanes a) {
  return {sqrt_4(a.v[0]), sqrt_4(a.v[1]), sqrt_4(a.v[2]), sqrt_4(a.v[3])};
}

SPIKELANE_INLINE Float4 select_4(Int4 m, Float4 a, Float4 b) {
  return (Float4)((m & (Int4)a) | (~m & (Int4)b));
}
SPIKELANE_INLINE Lanes select(LaneMask m, Lanes a, Lanes b) {
  return {select_4(m.v[0], a.v[0], b.v[0]), select_4(m.v[1], a.v[1], b.v[1]),
          select_4(m.v[2], a.v[2], b.v[2]), select_4(m.v[3], a.v[3], b.v[3])};
}
SPIKELANE_INLINE Lanes min(Lanes a, Lanes b) { return select(a < b, a, b); }
SPIKELANE_INLINE Lanes max(Lanes a, Lanes b) { return select(a > b, a, b); }

SPIKELANE_INLINE Lanes bit_cast_float(IntLanes a) {
  return {(Float4)a.v[0], (Float4)a.v[1], (Float4)a.v[2], (Float4)a.v[3]};
}
SPIKELANE_INLINE IntLanes bit_cast_int(Lanes a) {
  return {(Uint4)a.v[0], (Uint4)a.v[1], (Uint4)a.v[2], (Uint4)a.v[3]};
}
SPIKELANE_INLINE Lanes abs(Lanes a) {
  return bit_cast_float(bit_cast_int(a) & IntLanes(0x7fffffffu));
}
// x - x is 0 for finite x and NaN otherwise
SPIKELANE_INLINE LaneMask not_finite(Lanes a) {
  const Lanes d = a - a;
  return d != d;
}

SPIKELANE_INLINE uint32_t bits_4(Int4 m) {
#if defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_ps((Float4)m));
#else
  const Int4 b = m & Int4{1, 2, 4, 8};
  return static_cast<uint32_t>(b[0] | b[1] | b[2] | b[3]);
#endif
}
SPIKELANE_INLINE uint32_t bits(LaneMask a) {
  return bits_4(a.v[0]) | bits_4(a.v[1]) << 4 | bits_4(a.v[2]) << 8 | bits_4(a.v[3]) << 12;
}
SPIKELANE_INLINE bool any(LaneMask a) { return bits_4((a.v[0] | a.v[1]) | (a.v[2] | a.v[3])) != 0; }
SPIKELANE_INLINE bool all(LaneMask a) {
  return bits_4((a.v[0] & a.v[1]) & (a.v[2] & a.v[3])) == 15;
}
SPIKELANE_INLINE Int4 mask_from_bits_4(uint32_t b) {
  const int32_t x = static_cast<int32_t>(b);
  return (Int4{x, x, x, x} & Int4{1, 2, 4, 8}) != 0;
}
SPIKELANE_INLINE LaneMask mask_from_bits(uint32_t b) {
  return {{mask_from_bits_4(b), mask_from_bits_4(b >> 4), mask_from_bits_4(b >> 8),
           mask_from_bits_4(b >> 12)}};
}
// x - (+0) is x for every x, also -0, so a masked operand replaces a select
SPIKELANE_INLINE Float4 sub_where_4(Int4 m, Float4 a, Float4 b) {
  return a - (Float4)(m & (Int4)b);
}
SPIKELANE_INLINE Lanes sub_where(LaneMask m, Lanes a, Lanes b) {
  return {sub_where_4(m.v[0], a.v[0], b.v[0]), sub_where_4(m.v[1], a.v[1], b.v[1]),
          sub_where_4(m.v[2], a.v[2], b.v[2]), sub_where_4(m.v[3], a.v[3], b.v[3])};
}
SPIKELANE_INLINE Lanes add_where(LaneMask m, Lanes a, Lanes b) { return sub_where(m, a, -b); }

SPIKELANE_INLINE IntLanes loadu(const uint32_t* p) {
  return {load_uint4(p), load_uint4(p + 4), load_uint4(p + 8), load_uint4(p + 12)};
}
SPIKELANE_INLINE IntLanes load(const uint32_t* p) { return loadu(p); }
SPIKELANE_INLINE void storeu(uint32_t* p, IntLanes a) { __builtin_memcpy(p, a.v, sizeof a.v); }
SPIKELANE_INLINE void store(uint32_t* p, IntLanes a) { storeu(p, a); }
SPIKELANE_INLINE IntLanes broadcast_int(uint32_t x) { return IntLanes(x); }
SPIKELANE_INLINE IntLanes iota() {
  return {Uint4{0, 1, 2, 3}, Uint4{4, 5, 6, 7}, Uint4{8, 9, 10, 11}, Uint4{12, 13, 14, 15}};
}
SPIKELANE_INLINE void mul_wide_4(Uint4 a, Uint4 b, Uint4& high, Uint4& low) {
  const Ulong2 even = ((Ulong2)a & 0xffffffffu) * ((Ulong2)b & 0xffffffffu);
  const Ulong2 odd = ((Ulong2)a >> 32) * ((Ulong2)b >> 32);
  low = (Uint4)((even & 0xffffffffu) | (odd << 32));
  high = (Uint4)((even >> 32) | (odd & 0xffffffff00000000u));
}
SPIKELANE_INLINE void mul_wide(IntLanes a, IntLanes b, IntLanes& high, IntLanes& low) {
  IntLanes h, l;
  mul_wide_4(a.v[0], b.v[0], h.v[0], l.v[0]);
  mul_wide_4(a.v[1], b.v[1], h.v[1], l.v[1]);
  mul_wide_4(a.v[2], b.v[2], h.v[2], l.v[2]);
  mul_wide_4(a.v[3], b.v[3], h.v[3], l.v[3]);
  high = h;
  low = l;
}
SPIKELANE_INLINE LaneMask has_bits(IntLanes a, IntLanes b) {
  return ~((a & b) == IntLanes(uint32_t{0}));
}
SPIKELANE_INLINE IntLanes select(LaneMask m, IntLanes a, IntLanes b) {
  return bit_cast_int(select(m, bit_cast_float(a), bit_cast_float(b)));
}
SPIKELANE_INLINE Lanes to_float(IntLanes a) {
  return {
      __builtin_convertvector((Int4)a.v[0], Float4), __builtin_convertvector((Int4)a.v[1], Float4),
      __builtin_convertvector((Int4)a.v[2], Float4), __builtin_convertvector((Int4)a.v[3], Float4)};
}

// without a register permutation tables stay in memory
SPIKELANE_INLINE int list_lanes(int32_t* to, uint32_t lanes, int first) {
  int n = 0;
  for (uint32_t left = lanes; left != 0; left &= left - 1) to[n++] = first + __builtin_ctz(left);
  return n;
}

struct Codes {
  uint8_t v[16];
};
struct Table16 {
  const float* v;
};
struct Table32 {
  const float* v;
};

SPIKELANE_INLINE Codes load_codes(const uint8_t* p) {
  Codes c;
  __builtin_memcpy(c.v, p, sizeof c.v);
  return c;
}
SPIKELANE_INLINE Table16 load_table16(const float* p) { return {p}; }
SPIKELANE_INLINE Table32 load_table32(const float* p) { return {p}; }
SPIKELANE_INLINE Float4 lookup_4(const float* t, const uint8_t* c, int mask) {
  return Float4{t[c[0] & mask], t[c[1] & mask], t[c[2] & mask], t[c[3] & mask]};
}
SPIKELANE_INLINE Lanes lookup(Table16 t, const Codes& c) {
  return {lookup_4(t.v, c.v, 15), lookup_4(t.v, c.v + 4, 15), lookup_4(t.v, c.v + 8, 15),
          lookup_4(t.v, c.v + 12, 15)};
}
SPIKELANE_INLINE Lanes lookup(Table32 t, const Codes& c) {
  return {lookup_4(t.v, c.v, 31), lookup_4(t.v, c.v + 4, 31), lookup_4(t.v, c.v + 8, 31),
          lookup_4(t.v, c.v + 12, 31)};
}
SPIKELANE_INLINE void store_codes(uint8_t* p, LaneMask m0, LaneMask m1, LaneMask m2, LaneMask m3) {
  typedef uint8_t Byte4 __attribute__((vector_size(4)));
  for (int i = 0; i < 4; ++i) {
    const Int4 code = (m0.v[i] & 1) | (m1.v[i] & 2) | (m2.v[i] & 4) | (m3.v[i] & 8);
    const Byte4 bytes = __builtin_convertvector(code, Byte4);
    __builtin_memcpy(p + 4 * i, &bytes, sizeof bytes);
  }
}

SPIKELANE_INLINE IntLanes block_order() { return iota(); }
// the transpose of four 4 x 4 squares
SPIKELANE_INLINE Lanes transpose_4(Float4 a, Float4 b, Float4 c, Float4 d) {
  const Float4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Float4 ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Float4 cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Float4 cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  return {
      __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5), __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7),
      __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5), __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7)};
}
SPIKELANE_INLINE void interleave_blocks(Lanes& a, Lanes& b, Lanes& c, Lanes& d) {
  const Lanes a0 = a, b0 = b, c0 = c, d0 = d;
  a = transpose_4(a0.v[0], b0.v[0], c0.v[0], d0.v[0]);
  b = transpose_4(a0.v[1], b0.v[1], c0.v[1], d0.v[1]);
  c = transpose_4(a0.v[2], b0.v[2], c0.v[2], d0.v[2]);
  d = transpose_4(a0.v[3], b0.v[3], c0.v[3], d0.v[3]);
}

}  // namespace spikelane::SPIKELANE_ISA
