// Every operation on Lanes, on every instruction set that runs here, against the scalar one.
#include "kernels/core/lanes.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/kernels/isa_under_test.h"
#include "tests/kernels/ulp.h"

namespace spikelane::test {
namespace {

using F = float;
using I = uint32_t;

template <class T>
T first_normal(I w0, I w1) {
  T first, second;
  normal_pair(w0, w1, first, second);
  return first;
}
template <class T>
T second_normal(I w0, I w1) {
  T first, second;
  normal_pair(w0, w1, first, second);
  return second;
}
float sine_of_turns(float turns) {
  float sine, cosine;
  sin_cos_2pi(turns, sine, cosine);
  return sine;
}

const char* const kFloatCaseNames[] = {
#define SPIKELANE_NAME(name, expression) #name,
    SPIKELANE_FLOAT_CASES(SPIKELANE_NAME)};
const char* const kIntCaseNames[] = {SPIKELANE_INT_CASES(SPIKELANE_NAME)};
#undef SPIKELANE_NAME

#define SPIKELANE_CASE(name, expression) \
  case FloatCase::name:                  \
    return expression;
float scalar_float(FloatCase which, float a, float b, float c) {
  switch (which) {
    SPIKELANE_FLOAT_CASES(SPIKELANE_CASE)
    default:
      return a;
  }
}
#undef SPIKELANE_CASE
#define SPIKELANE_CASE(name, expression) \
  case IntCase::name:                    \
    return expression;
uint32_t scalar_int(IntCase which, uint32_t a, uint32_t b) {
  switch (which) {
    SPIKELANE_INT_CASES(SPIKELANE_CASE)
    default:
      return a;
  }
}
#undef SPIKELANE_CASE

// values at the edges of the format, with both signs
std::vector<float> special_values() {
  using L = std::numeric_limits<float>;
  std::vector<float> v = {0.0f,
                          L::denorm_min(),
                          0x1.fffffcp-127f,
                          L::min(),
                          0x1p-75f,
                          0x1p-80f,
                          0.5f,
                          0x1.fffffep-1f,
                          1.0f,
                          0x1.000002p+0f,
                          1.5f,
                          3.0f,
                          88.7f,
                          103.9f,
                          0x1p+23f,
                          0x1p+24f,
                          0x1p+75f,
                          L::max(),
                          L::infinity(),
                          L::quiet_NaN()};
  const size_t n = v.size();
  for (size_t i = 0; i < n; ++i) v.push_back(-v[i]);
  return v;
}

struct Triple {
  float a, b, c;
};

// all triples of special values, random bit patterns, and sums that nearly cancel or lie near the
// middle between two floats, where a second rounding would show
const std::vector<Triple>& triples() {
  static const std::vector<Triple> kTriples = [] {
    std::vector<Triple> t;
    const std::vector<float> special = special_values();
    for (float a : special)
      for (float b : special)
        for (float c : special) t.push_back({a, b, c});
    std::mt19937 generator(1);
    auto bits_of = [&] { return std::bit_cast<float>(static_cast<uint32_t>(generator())); };
    for (int i = 0; i < 20000; ++i) t.push_back({bits_of(), bits_of(), bits_of()});
    std::uniform_real_distribution<float> around(-2.0f, 2.0f);
    std::uniform_int_distribution<int> exponent(-150, 127), close(-30, 30);
    for (int i = 0; i < 20000; ++i) {
      const float a = around(generator), b = around(generator);
      const float shift = std::ldexp(1.0f, exponent(generator) / 2);
      t.push_back({a * shift, b * shift, -a * b * shift * shift});
      t.push_back({a, b, std::ldexp(around(generator), close(generator))});
      // few bits in each: many exact ties
      const float d = std::round(a * 64) * shift, e = std::round(b * 2048) * shift;
      t.push_back({d, e, std::ldexp(std::round(around(generator) * 8), close(generator))});
    }
    while (t.size() % 16 != 0) t.push_back({1.0f, 2.0f, 3.0f});
    return t;
  }();
  return kTriples;
}

TEST_CASE("every instruction set of this machine is tested") {
  const IsaList list = isas_under_test();
  for (const IsaUnderTest* isa : list)
    MESSAGE(std::string(isa->name), " with lanes of ", std::string(isa->lanes));
  CHECK(list.n >= 1);
#if defined(SPIKELANE_HAS_ALL_ISAS)
  CHECK(list.n == list.n_supported);
#endif
}

TEST_CASE("float operations on lanes equal the scalar ones") {
  const std::vector<Triple>& t = triples();
  for (const IsaUnderTest* isa : isas_under_test()) {
    for (int which = 0; which < static_cast<int>(FloatCase::kCount); ++which) {
      int n_different = 0;
      for (size_t i = 0; i < t.size(); i += 16) {
        alignas(64) float a[16], b[16], c[16], out[16];
        for (size_t l = 0; l < 16; ++l) a[l] = t[i + l].a, b[l] = t[i + l].b, c[l] = t[i + l].c;
        isa->float_case(static_cast<FloatCase>(which), a, b, c, out);
        for (int l = 0; l < 16; ++l) {
          const float expected = scalar_float(static_cast<FloatCase>(which), a[l], b[l], c[l]);
          if (same_value(out[l], expected)) continue;
          if (n_different++ == 0) {
            MESSAGE(std::string(kFloatCaseNames[which]), " of ", a[l], " ", b[l], " ", c[l],
                    " gives ", out[l], ", not ", expected);
          }
        }
      }
      CAPTURE(std::string(isa->name));
      CAPTURE(std::string(kFloatCaseNames[which]));
      CHECK(n_different == 0);
    }
  }
}

TEST_CASE("scalar fma is rounded once") {
  // the exact sum of product and addend as two doubles decides between neighbouring floats
  for (const Triple& t : triples()) {
    const float r = fma(t.a, t.b, t.c);
    const double product = static_cast<double>(t.a) * static_cast<double>(t.b);
    const DoublePair exact = exact_sum(product, static_cast<double>(t.c));
    if (!std::isfinite(exact.value)) {
      CHECK(same_value(r, static_cast<float>(exact.value)));
      continue;
    }
    // the distance of the exact sum from a float, and from its neighbours
    auto distance = [&](float x) {
      return std::abs((static_cast<long double>(exact.value) - x) + exact.rest);
    };
    if (std::isinf(r)) {
      CHECK(std::abs(exact.value) >= 0x1.fffffefffffffp+127);
      continue;
    }
    const long double d = distance(r);
    const float up = std::nextafter(r, std::numeric_limits<float>::infinity());
    const float down = std::nextafter(r, -std::numeric_limits<float>::infinity());
    const bool is_nearest =
        (std::isinf(up) || d <= distance(up)) && (std::isinf(down) || d <= distance(down));
    if (!is_nearest) {
      CAPTURE(t.a);
      CAPTURE(t.b);
      CAPTURE(t.c);
      CHECK(is_nearest);
    }
  }
  // a tie that the addend's last bit decides: rounding to double first would go the other way
  CHECK(fma(0x1.000002p+0f, 0x1.000002p+0f, -0x1.000004p+0f) == 0x1p-46f);
  CHECK(fma(0x1p-100f, 0x1p-100f, 0x1.000001p+0f) == 0x1.000001p+0f);
  CHECK(fma(0x1p-24f, 1.0f + 0x1p-23f, 1.0f) == 0x1.000002p+0f);
  CHECK(fma(0x1p-75f, 0x1.8p-75f, 0.0f) == 0x1p-149f);
}

TEST_CASE("integer operations on lanes equal the scalar ones") {
  std::mt19937 generator(2);
  const uint32_t special[] = {0u,          1u,          2u,          0x7fffffffu,
                              0x80000000u, 0xffffffffu, 0x1fffffffu, 0x20000000u,
                              0x3fffffffu, 0x40000000u, 0xffu,       0x100u};
  std::vector<uint32_t> as, bs;
  for (uint32_t a : special)
    for (uint32_t b : special) as.push_back(a), bs.push_back(b);
  while (as.size() < 16384) as.push_back(generator()), bs.push_back(generator());
  for (const IsaUnderTest* isa : isas_under_test()) {
    for (int which = 0; which < static_cast<int>(IntCase::kCount); ++which) {
      int n_different = 0;
      for (size_t i = 0; i < as.size(); i += 16) {
        alignas(64) uint32_t a[16], b[17], out[17];
        std::memcpy(a, &as[i], sizeof a);
        std::memcpy(b + 1, &bs[i], sizeof a);
        isa->int_case(static_cast<IntCase>(which), a, b + 1, out + 1);
        for (int l = 0; l < 16; ++l) {
          n_different += out[l + 1] != scalar_int(static_cast<IntCase>(which), a[l], b[l + 1]);
        }
      }
      CAPTURE(std::string(isa->name));
      CAPTURE(std::string(kIntCaseNames[which]));
      CHECK(n_different == 0);
    }
  }
}

TEST_CASE("masks as bits, any and all") {
  for (const IsaUnderTest* isa : isas_under_test()) {
    CAPTURE(std::string(isa->name));
    int n_wrong = 0;
    for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
      alignas(64) float a[16], b[16];
      for (int l = 0; l < 16; ++l) {
        a[l] = (pattern >> l & 1) != 0 ? 1.0f : -1.0f;
        b[l] = 0.0f;
      }
      const MaskResults m = isa->mask_case(a, b, pattern);
      n_wrong += m.bits != pattern || m.bits_of_not != (pattern ^ 0xffffu) ||
                 m.bits_from_bits != pattern || m.any != (pattern != 0) ||
                 m.all != (pattern == 0xffff);
    }
    CHECK(n_wrong == 0);
  }
}

TEST_CASE("loads, stores, iota") {
  for (const IsaUnderTest* isa : isas_under_test()) {
    CAPTURE(std::string(isa->name));
    alignas(64) float aligned[16], aligned_out[16], buffer[17], buffer_out[18];
    for (int l = 0; l < 16; ++l) aligned[l] = 3.0f + l, buffer[l + 1] = 100.0f + l;
    buffer_out[0] = buffer_out[17] = -7.0f;
    isa->move_case(aligned, buffer + 1, aligned_out, buffer_out + 1, 0.5f);
    alignas(64) uint32_t counted[16];
    isa->iota_case(counted, 1000u);
    for (int l = 0; l < 16; ++l) {
      CHECK(aligned_out[l] == 100.5f + l);
      CHECK(buffer_out[l + 1] == 3.0f + l);
      CHECK(counted[l] == 1000u + static_cast<uint32_t>(l));
    }
    CHECK(buffer_out[0] == -7.0f);
    CHECK(buffer_out[17] == -7.0f);
  }
}

TEST_CASE("codes and table lookups") {
  std::mt19937 generator(3);
  alignas(64) float table[32];
  for (int k = 0; k < 32; ++k) table[k] = std::bit_cast<float>(0x3f800000u + 977u * k);
  for (const IsaUnderTest* isa : isas_under_test()) {
    CAPTURE(std::string(isa->name));
    int n_wrong = 0;
    for (int repeat = 0; repeat < 200; ++repeat) {
      alignas(64) float signs[64], out[16];
      uint8_t codes[18] = {99};
      codes[17] = 99;
      for (float& s : signs) s = (generator() & 1) != 0 ? 1.0f : -1.0f;
      isa->code_case(signs, codes + 1);
      for (int l = 0; l < 16; ++l) {
        int expected = 0;
        for (int k = 0; k < 4; ++k) expected += signs[16 * k + l] > 0 ? 1 << k : 0;
        n_wrong += codes[l + 1] != expected;
      }
      n_wrong += codes[0] != 99 || codes[17] != 99;
      isa->lookup_case(table, false, codes + 1, out);
      for (int l = 0; l < 16; ++l) n_wrong += out[l] != table[codes[l + 1]];
      for (int l = 0; l < 16; ++l) codes[l + 1] = static_cast<uint8_t>(generator() & 31);
      isa->lookup_case(table, true, codes + 1, out);
      for (int l = 0; l < 16; ++l) n_wrong += out[l] != table[codes[l + 1]];
    }
    CHECK(n_wrong == 0);
  }
}

TEST_CASE("interleaved blocks come out in order") {
  for (const IsaUnderTest* isa : isas_under_test()) {
    CAPTURE(std::string(isa->name));
    alignas(64) float values[64];
    isa->interleave_case(values);
    for (int i = 0; i < 64; ++i) CHECK(values[i] == static_cast<float>(i));
  }
}

TEST_CASE("double functions give the same bits in vector loops") {
  std::mt19937_64 generator(4);
  std::normal_distribution<double> normal;
  std::vector<double> as, bs;
  for (double x :
       {0.0, 1.0, 0.5, 700.0, 745.2, 1e-310, 5e-324, 1e308, 1048576.0, 1048577.0,
        std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    for (double y : {0.0, -1.0, 2.0, 3.0, 0.5, 1e300, -std::numeric_limits<double>::infinity()}) {
      as.push_back(x), bs.push_back(y);
      as.push_back(-x), bs.push_back(y);
    }
  }
  for (int i = 0; i < 3000; ++i) {
    as.push_back(std::bit_cast<double>(generator())), bs.push_back(normal(generator));
    as.push_back(normal(generator) * 300), bs.push_back(normal(generator) * 100);
  }
  const int n = static_cast<int>(as.size());
  std::vector<double> out(as.size());
  for (const IsaUnderTest* isa : isas_under_test()) {
    CAPTURE(std::string(isa->name));
#define SPIKELANE_CHECK(name, expression)                                                \
  {                                                                                      \
    isa->double_case(DoubleCase::name, as.data(), bs.data(), out.data(), n);             \
    int n_different = 0;                                                                 \
    for (int i = 0; i < n; ++i) {                                                        \
      const auto value = [](double a, [[maybe_unused]] double b) { return expression; }; \
      n_different += !same_value(out[i], value(as[i], bs[i]));                           \
    }                                                                                    \
    CAPTURE(std::string(#name));                                                         \
    CHECK(n_different == 0);                                                             \
  }
    SPIKELANE_DOUBLE_CASES(SPIKELANE_CHECK)
#undef SPIKELANE_CHECK
  }
}

}  // namespace
}  // namespace spikelane::test
