// The functions of kernels/core as each instruction set compiles them, behind plain pointers, so
// that one test can run them all.
#pragma once

#include <stdint.h>

#include "kernels/core/random.h"

// expressions that mean the same for F = float and F = Lanes
#define SPIKELANE_FLOAT_CASES(X)                    \
  X(add, a + b)                                     \
  X(subtract, a - b)                                \
  X(multiply, a* b)                                 \
  X(divide, a / b)                                  \
  X(negate, -a)                                     \
  X(fma, fma(a, b, c))                              \
  X(sqrt, sqrt(a))                                  \
  X(min, min(a, b))                                 \
  X(max, max(a, b))                                 \
  X(abs, abs(a))                                    \
  X(greater, select(a > b, c, a))                   \
  X(greater_equal, select(a >= b, c, a))            \
  X(less, select(a < b, c, a))                      \
  X(less_equal, select(a <= b, c, a))               \
  X(equal, select(a == b, c, a))                    \
  X(not_equal, select(a != b, c, a))                \
  X(not_finite, select(not_finite(a), b, c))        \
  X(mask_and, select((a > b) & (b > c), a, c))      \
  X(mask_or, select((a > b) | (b > c), a, c))       \
  X(mask_xor, select((a > b) ^ (b > c), a, c))      \
  X(mask_not, select(!(a > b), a, c))               \
  X(add_where, add_where(a > b, a, c))              \
  X(sub_where, sub_where(a > b, a, c))              \
  X(add_where_value, add_where(b > c, a, b))        \
  X(bits_and_back, bit_cast_float(bit_cast_int(a))) \
  X(own_exp, own_exp(a))                            \
  X(own_log, own_log(a))                            \
  X(log_of_normal, log_of_normal(max(abs(a), F(1.0f))))

#define SPIKELANE_INT_CASES(X)                        \
  X(add, a + b)                                       \
  X(subtract, a - b)                                  \
  X(multiply, a* b)                                   \
  X(bit_and, a& b)                                    \
  X(bit_or, a | b)                                    \
  X(bit_xor, a ^ b)                                   \
  X(left, a << 7)                                     \
  X(right, a >> 9)                                    \
  X(mul_high, mul_high(a, b))                         \
  X(equal, select(a == b, a, b ^ I(1u)))              \
  X(has_bits, select(has_bits(a, b), a, b))           \
  X(to_float, bit_cast_int(to_float(a)))              \
  X(uniform, bit_cast_int(uniform01<F>(a)))           \
  X(normal_cos, bit_cast_int(first_normal<F>(a, b)))  \
  X(normal_sin, bit_cast_int(second_normal<F>(a, b))) \
  X(sine, bit_cast_int(sine_of_turns(to_float(a) * F(0x1p-14f))))

// double functions, as loops that are vectorised
#define SPIKELANE_DOUBLE_CASES(X) \
  X(own_exp, own_exp(a))          \
  X(own_log, own_log(a))          \
  X(own_sin, own_sin(a))          \
  X(own_cos, own_cos(a))          \
  X(own_sqrt, own_sqrt(a))        \
  X(own_pow, own_pow(a, b))

namespace spikelane::test {

#define SPIKELANE_NAME(name, expression) name,
enum class FloatCase { SPIKELANE_FLOAT_CASES(SPIKELANE_NAME) kCount };
enum class IntCase { SPIKELANE_INT_CASES(SPIKELANE_NAME) kCount };
enum class DoubleCase { SPIKELANE_DOUBLE_CASES(SPIKELANE_NAME) kCount };
#undef SPIKELANE_NAME

struct MaskResults {
  uint32_t bits, bits_of_not, bits_from_bits;
  bool any, all;
};

/// Arrays have 16 values and are aligned to 64 bytes, but for the bulk functions.
struct IsaUnderTest {
  const char* name;
  const char* lanes;  // which of the lanes_*.h was compiled
  void (*float_case)(FloatCase which, const float* a, const float* b, const float* c, float* out);
  void (*int_case)(IntCase which, const uint32_t* a, const uint32_t* b, uint32_t* out);
  void (*double_case)(DoubleCase which, const double* a, const double* b, double* out, int n);
  MaskResults (*mask_case)(const float* a, const float* b, uint32_t from_bits);
  void (*move_case)(const float* aligned, const float* unaligned, float* aligned_out,
                    float* unaligned_out, float x);
  void (*code_case)(const float* signs, uint8_t* codes);  // signs (4, 16) -> codes (16)
  void (*lookup_case)(const float* table, bool is_table32, const uint8_t* codes, float* out);
  void (*iota_case)(uint32_t* out, uint32_t x);  // iota() + x
  void (*interleave_case)(float* values);        // values (4, 16): value w of lane l
  void (*draw_normals)(float* out, int64_t first, int64_t n, const RandomKey& key);
  void (*draw_uniforms)(float* out, int64_t first, int64_t n, const RandomKey& key);
  void (*draw_perturbed)(float* out, const float* mean, float scale, int64_t first, int64_t n,
                         const RandomKey& key);
  void (*draw_signs)(float* out, int64_t first, int64_t n, const RandomKey& key);
  void (*draw_sign_perturbed)(float* out, const float* mean, float scale, int64_t first, int64_t n,
                              const RandomKey& key);
};

/// Null where it was not compiled for its instruction set.
const IsaUnderTest* isa_generic_under_test();
const IsaUnderTest* isa_v2_under_test();
const IsaUnderTest* isa_v3_under_test();
const IsaUnderTest* isa_v4_under_test();

/// Those of the above that run here.
struct IsaList {
  const IsaUnderTest* isa[4];
  int n;            // compiled and supported by this machine
  int n_supported;  // by this machine
  const IsaUnderTest* const* begin() const { return isa; }
  const IsaUnderTest* const* end() const { return isa + n; }
};
IsaList isas_under_test();

}  // namespace spikelane::test
