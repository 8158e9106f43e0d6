// The definitions behind IsaUnderTest, compiled once per instruction set by isa_*.cpp.
#pragma once

#include "kernels/core/lanes.h"
#include "kernels/core/random.h"
#include "tests/kernels/isa_under_test.h"

namespace spikelane::SPIKELANE_ISA {
namespace {

using test::DoubleCase;
using test::FloatCase;
using test::IntCase;

template <class F>
F first_normal(IntOf<F> w0, IntOf<F> w1) {
  F first, second;
  normal_pair(w0, w1, first, second);
  return first;
}
template <class F>
F second_normal(IntOf<F> w0, IntOf<F> w1) {
  F first, second;
  normal_pair(w0, w1, first, second);
  return second;
}
template <class F>
F sine_of_turns(F turns) {
  F sine, cosine;
  sin_cos_2pi(turns, sine, cosine);
  return sine;
}

template <class F>
F float_value(FloatCase which, F a, F b, F c) {
#define SPIKELANE_CASE(name, expression) \
  case FloatCase::name:                  \
    return expression;
  switch (which) {
    SPIKELANE_FLOAT_CASES(SPIKELANE_CASE)
    default:
      return a;
  }
#undef SPIKELANE_CASE
}

template <class F, class I>
I int_value(IntCase which, I a, I b) {
#define SPIKELANE_CASE(name, expression) \
  case IntCase::name:                    \
    return expression;
  switch (which) {
    SPIKELANE_INT_CASES(SPIKELANE_CASE)
    default:
      return a;
  }
#undef SPIKELANE_CASE
}

void float_case(FloatCase which, const float* a, const float* b, const float* c, float* out) {
  store(out, float_value<Lanes>(which, load(a), load(b), load(c)));
}
void int_case(IntCase which, const uint32_t* a, const uint32_t* b, uint32_t* out) {
  storeu(out, int_value<Lanes, IntLanes>(which, load(a), loadu(b)));
}
void double_case(DoubleCase which, const double* as, const double* bs, double* out, int n) {
#define SPIKELANE_CASE(name, expression)       \
  case DoubleCase::name:                       \
    for (int i = 0; i < n; ++i) {              \
      [[maybe_unused]] const double a = as[i]; \
      [[maybe_unused]] const double b = bs[i]; \
      out[i] = expression;                     \
    }                                          \
    break;
  switch (which) {
    SPIKELANE_DOUBLE_CASES(SPIKELANE_CASE)
    default:
      break;
  }
#undef SPIKELANE_CASE
}
test::MaskResults mask_case(const float* a, const float* b, uint32_t from_bits) {
  const LaneMask m = load(a) > load(b);
  return {bits(m), bits(~m), bits(mask_from_bits(from_bits)), any(m), all(m)};
}
void move_case(const float* aligned, const float* unaligned, float* aligned_out,
               float* unaligned_out, float x) {
  store(aligned_out, loadu(unaligned) + broadcast(x));
  storeu(unaligned_out, load(aligned) + zero());
}
void code_case(const float* signs, uint8_t* codes) {
  store_codes(codes, load(signs) > 0.0f, load(signs + 16) > 0.0f, load(signs + 32) > 0.0f,
              load(signs + 48) > 0.0f);
}
void lookup_case(const float* table, bool is_table32, const uint8_t* codes, float* out) {
  const Codes c = load_codes(codes);
  store(out, is_table32 ? lookup(load_table32(table), c) : lookup(load_table16(table), c));
}
void iota_case(uint32_t* out, uint32_t x) { store(out, iota() + broadcast_int(x)); }
void interleave_case(float* values) {
  // lane l of vector w becomes 4 * (its block) + w
  Lanes v[4];
  for (uint32_t w = 0; w < 4; ++w) v[w] = to_float((block_order() << 2) + IntLanes(w));
  interleave_blocks(v[0], v[1], v[2], v[3]);
  for (int k = 0; k < 4; ++k) store(values + 16 * k, v[k]);
}

#if defined(SPIKELANE_FORCE_GENERIC_LANES) || !defined(__AVX2__)
constexpr const char* kLanesName = "generic";
#elif defined(__AVX512F__)
constexpr const char* kLanesName = "avx512";
#else
constexpr const char* kLanesName = "avx2";
#endif

constexpr test::IsaUnderTest under_test(const char* name) {
  return {name,          kLanesName,     float_case,      int_case,
          double_case,   mask_case,      move_case,       code_case,
          lookup_case,   iota_case,      interleave_case, draw_normals,
          draw_uniforms, draw_perturbed, draw_signs,      draw_sign_perturbed};
}

}  // namespace
}  // namespace spikelane::SPIKELANE_ISA
