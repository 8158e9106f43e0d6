// The pieces of C that an exported file is put together from (c_source.cpp). Words in capitals are
// replaced. The operations and their order are those of kernels/reference/twin.cpp.
#pragma once

namespace spikelane {

inline constexpr const char* kCHead = R"( *
 *   void NAME_reset(void);                                as before the first step; starts that way
 *   void NAME_step(const float *x, float *y);             x: INPUT_COUNT inputs, y: OUTPUT_COUNT outputs
 *   int NAME_self_check(void);                            1 where this machine computes the bits
 *
 * C99, static memory only, nothing from a library. Compile with -ffp-contract=off and without
 * -ffast-math; the same spikes, to the bit, as the engine's. Not for two threads at once.
 */

#define MACRO_N_INPUTS INPUT_COUNT
#define MACRO_N_OUTPUTS OUTPUT_COUNT
)";

inline constexpr const char* kCPrelude = R"(
#include <float.h>
#include <stdint.h>

#if !defined(FLT_EVAL_METHOD) || FLT_EVAL_METHOD != 0
#error "floats must be computed as floats (FLT_EVAL_METHOD 0); on 32-bit x86: -msse2 -mfpmath=sse"
#endif
#ifdef __FAST_MATH__
#error "-ffast-math changes the network's numbers"
#endif
/* a*b + c is two roundings everywhere here; -ffp-contract=off says so to compilers that do not
 * listen to this, and NAME_self_check tells */
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

void NAME_reset(void);
void NAME_step(const float *x, float *y);
int NAME_self_check(void);

/* a*b + c, rounded once: the instruction where there is one; else in double, where the product is
 * exact and the sum is rounded to odd, so that the rounding to float is the only one that counts */
static float NAME_fma(float a, float b, float c) {
#if defined(__GNUC__) && defined(__FP_FAST_FMAF)
  return __builtin_fmaf(a, b, c);
#else
  union {
    double value;
    uint64_t bits;
  } sum;
  const double p = (double)a * (double)b, d = (double)c;
  double z, error;
  sum.value = p + d;
  z = sum.value - p;
  error = (p - (sum.value - z)) + (d - z);
  if ((error > 0.0 || error < 0.0) && (sum.bits & 1u) == 0) {
    if ((error > 0.0) == (sum.value > 0.0))
      sum.bits += 1;
    else
      sum.bits -= 1;
  }
  return (float)sum.value;
#endif
}

/* steps since the reset, modulo 16 where it counts: after every 16th step what is smaller than
 * 2^-80 becomes 0 */
static uint32_t NAME_t;

static float NAME_clear(float v) {
  return NAME_t % 16 == 15 && v < 0x1p-80f && v > -0x1p-80f ? 0.0f : v;
}

/* ---- constants ---- */
)";

// terms in ascending order of the presynaptic neuron; silent ones change nothing
inline constexpr const char* kCInputSum = R"(
  for (i = 0; i < N_POST; ++i) SUM[i] = 0.0f;
  for (j = 0; j < N_PRE; ++j) {
    if (x[j] == 0.0f) continue;
    for (i = 0; i < N_POST; ++i) SUM[i] = NAME_fma(x[j], WEIGHTS[j][i], SUM[i]);
  }
)";

inline constexpr const char* kCSpikeSum = R"(
  for (i = 0; i < N_POST; ++i) SUM[i] = 0.0f;
  for (j = 0; j < N_PRE; ++j) {
    if (!SPIKES[j]) continue;
    for (i = 0; i < N_POST; ++i) SUM[i] = SUM[i] + WEIGHTS[j][i];
  }
)";

inline constexpr const char* kCDrive = R"(
  for (i = 0; i < N_POST; ++i) {
    SUM[i] = DELTA * DRIVE[i] + SUM[i];
    DRIVE[i] = NAME_clear(SUM[i]);
  }
)";

inline constexpr const char* kCLeaky = R"(
  for (i = 0; i < N_POST; ++i) {
    const float theta = THRESHOLD;
    float v = ID_v[i];
    const int r = v > theta;
    int s;
    STEP
    s = v > theta;
    UNDELAYED
    ID_s[i] = (uint8_t)s;
    ID_v[i] = NAME_clear(v);
  }
)";
inline constexpr const char* kCLeakySubtract = R"(    v = BETA * v + current[i];
    if (r) v = v - theta;
)";
inline constexpr const char* kCLeakyZero = R"(    v = BETA * (r ? v * 0.0f : v) + current[i];
)";
inline constexpr const char* kCLeakyNone = R"(    (void)r;
    v = BETA * v + current[i];
)";
inline constexpr const char* kCUndelayedSubtract = R"(    if (s && !r) v = v - theta;
    if (r && !s) v = v + theta;
)";
inline constexpr const char* kCUndelayedZero = R"(    if (s && !r) v = v - v;
    if (r && !s) v = v + v;
)";

inline constexpr const char* kCAlif = R"(
  for (i = 0; i < N_POST; ++i) {
    float v = ID_v[i], threshold;
    int is_eligible, s;
    ELIGIBLE
    if (is_eligible) v = ALPHA * v + INPUT_GAIN * current[i];
    THRESHOLD
    s = is_eligible && v >= threshold;
    RESET
    ADAPT
    REST
    TRACE
    ID_s[i] = (uint8_t)s;
    ID_v[i] = NAME_clear(v);
  }
)";
inline constexpr const char* kCAlifEligible = R"(    is_eligible = ID_refractory[i] < 1.0f;
)";
inline constexpr const char* kCAlifAlways = R"(    is_eligible = 1;
)";
inline constexpr const char* kCAlifAdaptive = R"(    threshold = B_ZERO + ADAPTATION * ID_b[i];
)";
inline constexpr const char* kCAlifFixed = R"(    threshold = B_ZERO;
)";
inline constexpr const char* kCAlifSubtract = R"(    if (s) v = v - threshold;
)";
inline constexpr const char* kCAlifReset = R"(    if (s) v = V_RESET;
)";
inline constexpr const char* kCAlifAdapt = R"(    {
      float b = RHO * ID_b[i];
      if (s) b = b + B_GAIN;
      ID_b[i] = NAME_clear(b);
    }
)";
inline constexpr const char* kCAlifRest = R"(    {
      float left = ID_refractory[i] - 1.0f;
      if (!(left > 0.0f)) left = 0.0f;
      if (s) left = left + T_REFRACTORY;
      ID_refractory[i] = left;
    }
)";
inline constexpr const char* kCAlifTrace = R"(    {
      float trace = DELTA * ID_trace[i];
      if (s) trace = trace + 1.0f;
      ID_trace[i] = NAME_clear(trace);
    }
)";

inline constexpr const char* kCTrace = R"(
  for (j = 0; j < N_PRE; ++j) Z[j] = NAME_clear(KAPPA * Z[j] + SIGNAL);
)";
inline constexpr const char* kCReadoutSum = R"(  for (j = 0; j < N_PRE; ++j) {
    if (Z[j] == 0.0f) continue;
    for (i = 0; i < N_POST; ++i) sum[i] = NAME_fma(Z[j], WEIGHTS[j][i], sum[i]);
  }
)";
inline constexpr const char* kCReadoutSumOf = R"(  for (j = 0; j < N_PRE; ++j) {
    if (Z[j] == 0.0f) continue;
    for (i = 0; i < N_POST; ++i)
      if (READS[i]) sum[i] = NAME_fma(Z[j], WEIGHTS[j][i], sum[i]);
  }
)";
inline constexpr const char* kCBias = R"(
  for (i = 0; i < N_POST; ++i) {
    ID_bias_trace[i] = NAME_clear(KAPPA * ID_bias_trace[i] + 1.0f);
    value[i] = value[i] + BIAS[i] * ID_bias_trace[i];
  }
)";

inline constexpr const char* kCCheck = R"(
static uint32_t NAME_fold(uint32_t hash, const float *values, uint32_t n) {
  uint32_t i;
  for (i = 0; i < n; ++i) {
    union {
      float value;
      uint32_t bits;
    } x;
    x.value = values[i];
    hash = (hash ^ x.bits) * 16777619u;
  }
  return hash;
}

int NAME_self_check(void) {
  /* read at run time, so that nothing is computed by the compiler */
  static volatile float one = 1.0f, small = 0x1p-12f, half = 0.5f;
  const float a = one + small, c = one + 2.0f * small;
  uint32_t hash = 2166136261u;
  (void)NAME_fold;
  if (a * a - c != 0.0f) return 0;                       /* contracted, or in more than float */
  if (NAME_fma(a, a, -c) != 0x1p-24f) return 0;          /* fma is exact */
  if (one + 0x1p-24f * one != one) return 0;             /* to nearest, ties to even */
  if (one + 0x1.8p-24f * one != 0x1.000002p0f) return 0; /* not towards zero */
  if (FLT_MIN * half * one == 0.0f) return 0;            /* subnormals are kept */
  /* just below a tie, by less than double can hold: rounded twice it would go up */
  if (NAME_fma(0x1.000002p0f * one, 0x1.fffffcp-25f, 0x1.000002p0f) != 0x1.000002p0f) return 0;
  FOLDS
  return hash == EXPECTED; /* the constants are what they were */
}
)";

}  // namespace spikelane
