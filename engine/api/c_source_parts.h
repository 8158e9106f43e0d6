// The pieces of C that an exported file is put together from (c_source.cpp). Words in capitals are
// replaced. The operations and their order are those of kernels/reference/twin.cpp.
#pragma once

namespace spikelane {

inline constexpr const char* kCHead = R"( *
 *   void NAME_reset(void);                                as before the first step; starts that way
 *   int NAME_step(const float *x, float *y);              x: INPUT_COUNT INPUTS, y: OUTPUT_COUNT OUTPUTS
 *   int NAME_self_check(void);                            1 where this machine computes the bits
 *
 * NAME_step returns 0 when it has stepped; 1 when a pointer is 0 or a number of x is not finite: nothing
 * has changed, y is not written; 2 when the state or the coded input has overflowed: y is not written, call
 * NAME_reset.
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

/* 16: where a processor has 16-bit floats, those alone are computed as such (ISO/IEC TS 18661-3) */
#if !defined(FLT_EVAL_METHOD) || (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16)
#error "floats must be computed as floats (FLT_EVAL_METHOD 0); on 32-bit x86: -msse2 -mfpmath=sse"
#endif
#ifdef __FAST_MATH__
#error "-ffast-math changes the network's numbers"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0
#error "-ffinite-math-only changes the network's numbers"
#endif
/* a*b + c is two roundings everywhere here; -ffp-contract=off says so to compilers that do not
 * listen to this, and NAME_self_check tells */
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

void NAME_reset(void);
int NAME_step(const float *x, float *y);
int NAME_self_check(void);

/* whether n numbers are all finite, read from their bits */
static int NAME_are_finite(const float *values, int n) {
  int i;
  for (i = 0; i < n; ++i) {
    union {
      float value;
      uint32_t bits;
    } x;
    x.value = values[i];
    if ((x.bits & 0x7f800000u) == 0x7f800000u) return 0;
  }
  return 1;
}

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

// ---- the codes of a control task (kernels/step/observation_code.h) ----

inline constexpr const char* kCExp = R"(
/* e to the x, as the engine's (kernels/core/math.h) */
static float NAME_exp(float x) {
  union {
    float value;
    uint32_t bits;
  } a, b;
  const float round = 12582912.0f, bias = 12582912.0f + 127.0f;
  const float y = x < -104.0f ? -104.0f : 89.0f < x ? 89.0f : x;
  const float k = NAME_fma(y, 0x1.715476p+0f, round) - round;
  float r = NAME_fma(k, -0x1.62e430p-1f, y), p = 0x1.6a5132p-10f;
  r = NAME_fma(k, 0x1.05c610p-29f, r);
  p = NAME_fma(p, r, 0x1.12397cp-7f);
  p = NAME_fma(p, r, 0x1.5558acp-5f);
  p = NAME_fma(p, r, 0x1.555492p-3f);
  p = NAME_fma(p, r, 0x1.fffffcp-2f);
  p = NAME_fma(p * r, r, r) + 1.0f;
  a.value = NAME_fma(k, 0.5f, bias);
  b.value = (k - (a.value - bias)) + bias;
  a.bits <<= 23;
  b.bits <<= 23;
  return (p * a.value) * b.value;
}
)";

inline constexpr const char* kCTanh = R"(
/* the hyperbolic tangent in double, as the engine's (kernels/core/double_math.h) */
static double NAME_exp_double(double x) {
  union {
    double value;
    uint64_t bits;
  } a, b;
  const double round = 6755399441055744.0, bias = 6755399441055744.0 + 1023.0;
  const double y = x > 710.0 ? 710.0 : x < -746.0 ? -746.0 : x;
  const double k = (y * 0x1.71547652b82fep+0 + round) - round;
  const double high = y - k * 0x1.62e42fee00000p-1, low = k * 0x1.a39ef35793c76p-33;
  const double r0 = high - low, c0 = ((high - r0) - low) + 0.0;
  const double r = r0 + c0, c = (r0 - r) + c0;
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
  a.value = k * 0.5 + bias;
  b.value = (k - (a.value - bias)) + bias;
  a.bits <<= 52;
  b.bits <<= 52;
  return (p * a.value) * b.value;
}

static double NAME_tanh(double x) {
  const double y = 2.0 * (x < 0.0 ? -x : x);
  double p = 1.0 / 6402373705728000.0, size;
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
  size = y < 0.7 ? p / (p + 2.0) : 1.0 - 2.0 / (NAME_exp_double(y) + 1.0);
  return x == 0.0 ? x : x < 0.0 ? -size : size;
}
)";

inline constexpr const char* kCClip = R"(
static float NAME_clip(float x, float low, float high) {
  return x < low ? low : x > high ? high : x;
}
)";

inline constexpr const char* kCEncodeGaussian = R"(
/* receptive fields: exp(-((observation - centre) / width)^2 / 2) */
static void NAME_encode(const float *observations, float *x) {
  int i, k;
  for (i = 0; i < N_OBSERVATIONS; ++i)
    for (k = 0; k < N_FIELDS; ++k) {
      const float d = (observations[i] - NAME_centre[i][k]) * NAME_inverse_scale[i];
      x[i * N_FIELDS + k] = NAME_exp((d * d) * -0.5f);
    }
}
)";
inline constexpr const char* kCEncodeRates = R"(
/* two inputs an observation: its positive and its negative part, each cut to 0 .. 1 */
static void NAME_encode(const float *observations, float *x) {
  int i;
  for (i = 0; i < N_OBSERVATIONS; ++i) {
    const float value = observations[i] * NAME_inverse_scale[i];
    x[2 * i] = NAME_clip(value, 0.0f, 1.0f);
    x[2 * i + 1] = NAME_clip(-value, 0.0f, 1.0f);
  }
}
)";
inline constexpr const char* kCEncodeDirect = R"(
/* observations in units of their scale */
static void NAME_encode(const float *observations, float *x) {
  int i;
  for (i = 0; i < N_OBSERVATIONS; ++i) x[i] = observations[i] * NAME_inverse_scale[i];
}
)";

inline constexpr const char* kCDecodeArgmax = R"(
/* the action whose readout is largest; of equal ones the lowest */
static void NAME_decode(const float *v, float *actions) {
  int best = 0, o;
  for (o = 1; o < N_READOUTS; ++o)
    if (v[o] > v[best]) best = o;
  actions[0] = (float)best;
}
)";
inline constexpr const char* kCDecodeTanh = R"(
static void NAME_decode(const float *v, float *actions) {
  int o;
  for (o = 0; o < N_READOUTS; ++o) actions[o] = (float)NAME_tanh((double)(v[o] * SCALE));
}
)";
inline constexpr const char* kCDecodeClip = R"(
static void NAME_decode(const float *v, float *actions) {
  int o;
  for (o = 0; o < N_READOUTS; ++o) actions[o] = NAME_clip(v[o] * SCALE, -1.0f, 1.0f);
}
)";

inline constexpr const char* kCControlStep = R"(
int NAME_step(const float *x, float *y) {
  static float inputs[N_INPUTS];
  int k;
  if (x == 0 || y == 0 || !NAME_are_finite(x, N_OBSERVATIONS)) return 1;
  NAME_encode(x, inputs);
  /* finite numbers that the code's scale makes infinite */
  if (!NAME_are_finite(inputs, N_INPUTS)) return 2;
  for (k = 0; k < CONTROL_STEPS; ++k) NAME_step_network(inputs);
  if (!NAME_state_is_finite()) return 2;
  NAME_decode(OUTPUT_v, y);
  return 0;
}
)";

inline constexpr const char* kCRawStep = R"(
int NAME_step(const float *x, float *y) {
  int i;
  if (x == 0 || y == 0 || !NAME_are_finite(x, N_INPUTS)) return 1;
  NAME_step_network(x);
  if (!NAME_state_is_finite()) return 2;
  for (i = 0; i < N_OUTPUTS; ++i) y[i] = VALUE[i];
  return 0;
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
