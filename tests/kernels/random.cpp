// Philox against its known answers, and uniforms and normals: same bits in every form, moments,
// tails, independence.
#include "kernels/core/random.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tests/kernels/isa_under_test.h"
#include "tests/kernels/ulp.h"
#if __has_include(<Random123/philox.h>)
#include <Random123/philox.h>
#define SPIKELANE_HAS_RANDOM123 1
#endif

namespace spikelane::test {
namespace {

PhiloxWords<uint32_t> philox(const uint32_t (&c)[4], uint64_t key) {
  return philox4(c[0], c[1], c[2], c[3], key);
}

void check_words(const PhiloxWords<uint32_t>& w, const uint32_t (&expected)[4]) {
  CHECK(w.w0 == expected[0]);
  CHECK(w.w1 == expected[1]);
  CHECK(w.w2 == expected[2]);
  CHECK(w.w3 == expected[3]);
}

TEST_CASE("philox4x32-10 gives Random123's known answers") {
  // from kat_vectors of Random123: philox4x32 10
  check_words(philox({0, 0, 0, 0}, 0), {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  check_words(philox({0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu}, ~0ull),
              {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  check_words(philox({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, 0x299f31d0a4093822ull),
              {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

#if defined(SPIKELANE_HAS_RANDOM123)
TEST_CASE("philox4x32-10 equals Random123 on random counters") {
  std::mt19937_64 generator(1);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t a = generator(), b = generator(), key = generator();
    const uint32_t c[4] = {static_cast<uint32_t>(a), static_cast<uint32_t>(a >> 32),
                           static_cast<uint32_t>(b), static_cast<uint32_t>(b >> 32)};
    const r123::Philox4x32::ctr_type counter = {{c[0], c[1], c[2], c[3]}};
    const r123::Philox4x32::key_type k = {
        {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)}};
    const auto r = r123::Philox4x32()(counter, k);
    check_words(philox(c, key), {r[0], r[1], r[2], r[3]});
  }
}
#endif

TEST_CASE("a value's counter is (index / 4, step, update, stream << 24 | member)") {
  const RandomKey key = {0x123456789abcdef0ull, 17, 5, Stream::kPerturbation, 0xabcdef};
  const int64_t index = 4ll * 0x89abcdefll + 2;
  const PhiloxWords<uint32_t> w =
      philox({0x89abcdefu, 17, 5, 5u << 24 | 0xabcdefu}, 0x123456789abcdef0ull);
  CHECK(random_word(index - 2, key) == w.w0);
  CHECK(random_word(index - 1, key) == w.w1);
  CHECK(random_word(index, key) == w.w2);
  CHECK(random_word(index + 1, key) == w.w3);
  CHECK(random_uniform(index, key) == static_cast<float>(w.w2 >> 8) * 0x1p-24f);
  // Box and Muller in long double
  const long double u = ((w.w2 >> 8) + 1.0L) * 0x1p-24L;
  const long double r = std::sqrt(-2.0L * std::log(u));
  const long double angle = 6.283185307179586476925286766559L * w.w3 * 0x1p-32L;
  CHECK(random_normal(index, key) == doctest::Approx(double(r * std::cos(angle))).epsilon(1e-6));
  CHECK(random_normal(index + 1, key) ==
        doctest::Approx(double(r * std::sin(angle))).epsilon(1e-6));
}

TEST_CASE("arrays hold the same bits as single values, for any start and length") {
  const RandomKey key = {42, 3, 9, Stream::kNoise, 1234};
  for (const IsaUnderTest* isa : isas_under_test()) {
    CAPTURE(std::string(isa->name));
    int n_wrong = 0;
    for (int64_t first : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}, int64_t{63},
                          int64_t{1001}, (int64_t{1} << 34) - 300}) {
      for (int n : {0, 1, 2, 3, 15, 16, 61, 62, 63, 64, 65, 127, 128, 130, 200, 300}) {
        std::vector<float> out(static_cast<size_t>(n) + 2), mean(out.size());
        float* const values = out.data() + 1;
        auto check = [&](auto expected) {
          for (int i = 0; i < n; ++i) n_wrong += !same_value(values[i], expected(i));
          n_wrong += out.front() != -99.0f || out.back() != -99.0f;
        };
        for (int i = 0; i < n; ++i) mean[static_cast<size_t>(i)] = 0.37f * static_cast<float>(i);
        out.assign(out.size(), -99.0f);
        isa->draw_normals(values, first, n, key);
        check([&](int i) { return random_normal(first + i, key); });
        isa->draw_uniforms(values, first, n, key);
        check([&](int i) { return random_uniform(first + i, key); });
        auto perturbed = [&](int i) {
          const float step = -0.05f * random_normal(first + i, key);
          return mean[static_cast<size_t>(i)] + step;
        };
        isa->draw_perturbed(values, mean.data(), -0.05f, first, n, key);
        check(perturbed);
        // in place
        for (int i = 0; i < n; ++i) values[i] = mean[static_cast<size_t>(i)];
        isa->draw_perturbed(values, values, -0.05f, first, n, key);
        check(perturbed);
        isa->draw_signs(values, first, n, key);
        check([&](int i) { return random_sign(first + i, key); });
        isa->draw_sign_perturbed(values, mean.data(), -0.05f, first, n, key);
        check([&](int i) {
          return mean[static_cast<size_t>(i)] + -0.05f * random_sign(first + i, key);
        });
      }
    }
    CHECK(n_wrong == 0);
  }
}

// a change of this hash is a change of numerics: every result of every run changes
TEST_CASE("the first million normals have a known hash") {
  for (const IsaUnderTest* isa : isas_under_test()) {
    CAPTURE(std::string(isa->name));
    std::vector<float> values(1000000);
    isa->draw_normals(values.data(), 3, 1000000, {12345, 5, 3, Stream::kNoise, 7});
    uint64_t hash = 14695981039346656037ull;  // FNV-1a over words
    for (float v : values) hash = (hash ^ std::bit_cast<uint32_t>(v)) * 1099511628211ull;
    CHECK(hash == 7867615527922998869ull);
  }
}

TEST_CASE("signs are the bits of the words, both as often, and are the same on every ISA") {
  const RandomKey key = {12345, 5, 3, Stream::kNoise, 7};
  for (int64_t i : {int64_t{0}, int64_t{31}, int64_t{32}, int64_t{4097}, (int64_t{1} << 34) - 1}) {
    const bool is_set = (random_word(i / 32, key) >> i % 32 & 1u) != 0;
    CHECK(random_sign(i, key) == (is_set ? 1.0f : -1.0f));
  }
  for (const IsaUnderTest* isa : isas_under_test()) {
    CAPTURE(std::string(isa->name));
    // more than one bulk of 2048, from the middle of a word
    std::vector<float> values(1000000);
    isa->draw_signs(values.data(), 3, 1000000, key);
    double sum = 0.0;
    int n_wrong = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      sum += static_cast<double>(values[i]);
      n_wrong += values[i] != random_sign(static_cast<int64_t>(i) + 3, key);
    }
    CHECK(n_wrong == 0);
    CHECK(std::abs(sum) < 5.0 * 1000.0);
  }
}

TEST_CASE("keys differ in every field") {
  const RandomKey key = {7, 1, 2, Stream::kInit, 3};
  std::vector<RandomKey> others(6, key);
  others[0].seed ^= 1ull << 40;
  others[1].step += 1;
  others[2].update += 1;
  others[3].stream = Stream::kEnvironment;
  others[4].member += 1;
  std::vector<float> a(4096), b(4096);
  draw_normals(a.data(), 0, 4096, key);
  draw_normals(b.data(), 0, 4096, others[5]);
  CHECK(a == b);
  for (int k = 0; k < 5; ++k) {
    draw_normals(b.data(), 0, 4096, others[static_cast<size_t>(k)]);
    double product = 0.0;
    for (size_t i = 0; i < a.size(); ++i) product += static_cast<double>(a[i]) * b[i];
    CHECK(std::abs(product) < 5.0 * 64.0);
  }
}

TEST_CASE("normals have the moments, tails and independence of normals") {
  const int n = 1 << 21;
  std::vector<float> values(n);
  isas_under_test().isa[isas_under_test().n - 1]->draw_normals(values.data(), 0, n,
                                                               {1, 0, 0, Stream::kNoise, 0});
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0, pair = 0, next = 0, squares = 0;
  double beyond[5] = {};
  for (int i = 0; i < n; ++i) {
    const double x = values[static_cast<size_t>(i)];
    m1 += x, m2 += x * x, m3 += x * x * x, m4 += x * x * x * x;
    for (int k = 0; k < 5; ++k) beyond[k] += std::abs(x) > 0.5 + k ? 1 : 0;
    if (i + 2 < n) next += x * values[static_cast<size_t>(i) + 2];
    if (i % 2 == 0) {
      const double y = values[static_cast<size_t>(i) + 1];
      pair += x * y;
      squares += (x * x - 1) * (y * y - 1);
    }
  }
  // standard errors of the means: variances 1, 2, 15, 96, and those of products
  const double s = 5.0 / std::sqrt(n);
  CHECK(std::abs(m1 / n) < s);
  CHECK(std::abs(m2 / n - 1) < s * std::sqrt(2.0));
  CHECK(std::abs(m3 / n) < s * std::sqrt(15.0));
  CHECK(std::abs(m4 / n - 3) < s * std::sqrt(96.0));
  CHECK(std::abs(next / n) < s);
  CHECK(std::abs(pair / (n / 2)) < s * std::sqrt(2.0));
  CHECK(std::abs(squares / (n / 2)) < s * std::sqrt(2.0) * 2.0);
  for (int k = 0; k < 5; ++k) {
    const double p = std::erfc((0.5 + k) / std::sqrt(2.0));
    CHECK(std::abs(beyond[k] - n * p) < 5.0 * std::sqrt(n * p) + 1.0);
  }
}

TEST_CASE("uniforms are uniform, and stay below one") {
  const int n = 1 << 20, n_bins = 256;
  std::vector<float> values(n);
  draw_uniforms(values.data(), 0, n, {2, 0, 0, Stream::kInit, 0});
  std::vector<double> count(n_bins);
  int n_outside = 0;
  for (float v : values) {
    if (v < 0.0f || v >= 1.0f) {
      ++n_outside;
    } else {
      count[static_cast<size_t>(v * n_bins)] += 1;
    }
  }
  CHECK(n_outside == 0);
  double chi_squared = 0.0;
  for (double c : count) chi_squared += (c - n / n_bins) * (c - n / n_bins) / (n / n_bins);
  // 255 degrees of freedom: five standard deviations
  CHECK(std::abs(chi_squared - 255.0) < 5.0 * std::sqrt(2.0 * 255.0));
  CHECK(uniform01<float>(0xffffffffu) < 1.0f);
  CHECK(uniform01<float>(0xffu) == 0.0f);
}

TEST_CASE("the extreme words give finite normals") {
  for (uint32_t w0 : {0u, 0xffu, 0xffffffffu, 0xffffff00u, 0x80000000u}) {
    for (uint32_t w1 : {0u, 0x20000000u, 0x40000000u, 0x80000000u, 0xc0000000u, 0xffffffffu}) {
      float first, second;
      normal_pair(w0, w1, first, second);
      CHECK(std::abs(first) <= 5.78f);
      CHECK(std::abs(second) <= 5.78f);
    }
  }
}

}  // namespace
}  // namespace spikelane::test
