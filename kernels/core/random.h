// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC11), uniforms and
// normals.
//
// A value is a pure function of (seed, step, update, stream, member, index): nothing depends on
// who draws first, on how many are drawn together, or on the instruction set. Value i is word
// i mod 4 of the block with the counter (i / 4, step, update, stream << 24 | member) under the key
// seed. A uniform is the word's upper 24 bits times 2^-24, in [0, 1). Normals come in pairs by Box
// and Muller's method: words (w0, w1) or (w2, w3) give r = sqrt(-2 log(((w0 >> 8) + 1) 2^-24)) and
// the angle 2 pi w1 2^-32; the first value is r cos, the second r sin. Magnitudes end at 5.77.
//
// Signs are single bits: number i is +1 where bit i mod 32 of word i / 32 is set, else -1.
//
// The word, uniform, normal and sign of one index are for the twin, CUDA and small needs; the
// draw_* functions fill arrays with the same values, many at a time.
#pragma once

#include <stdint.h>

#include "kernels/core/isa.h"
#include "kernels/core/math.h"

namespace spikelane {

/// What random numbers are for; each purpose has numbers of its own. The values are part of the
/// format: they may be added to, never changed.
enum class Stream : uint32_t {
  kInit = 0,
  kNoise = 1,
  kInput = 2,
  kShuffle = 3,
  kEnvironment = 4,
  kPerturbation = 5,
  kFeedback = 6,
  kTestEnvironment = 7,
};

/// Names a sequence of random numbers. `update` is the epoch for inputs; `member` may also count
/// pairs or samples and must be below 2^24 (the caller checks it).
struct RandomKey {
  uint64_t seed;
  uint32_t step;
  uint32_t update;
  Stream stream;
  uint32_t member;
};

/// One block of Philox words, or 16 of them where Int is IntLanes.
template <class Int>
struct PhiloxWords {
  Int w0, w1, w2, w3;
};

namespace SPIKELANE_ISA {

/// The ten rounds of Philox4x32 on the counter (c0, c1, c2, c3).
template <class Int>
SPIKELANE_HD SPIKELANE_INLINE PhiloxWords<Int> philox4(Int c0, Int c1, Int c2, Int c3,
                                                       uint64_t seed) {
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
#if defined(__clang__) || defined(__CUDACC__)
#pragma unroll
#else
#pragma GCC unroll 10
#endif
  for (int round = 0; round < 10; ++round) {
    Int high0, low0, high1, low1;
    mul_wide(c0, Int(0xd2511f53u), high0, low0);
    mul_wide(c2, Int(0xcd9e8d57u), high1, low1);
    c0 = high1 ^ c1 ^ Int(k0);
    c1 = low1;
    c2 = high0 ^ c3 ^ Int(k1);
    c3 = low0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return {c0, c1, c2, c3};
}

/// The words of a block (of 16 blocks, where `block` is IntLanes).
template <class Int>
SPIKELANE_HD SPIKELANE_INLINE PhiloxWords<Int> philox_block(Int block, const RandomKey& key) {
  const uint32_t purpose = static_cast<uint32_t>(key.stream) << 24 | key.member;
  return philox4<Int>(block, Int(key.step), Int(key.update), Int(purpose), key.seed);
}

/// A word's upper 24 bits as a number in [0, 1).
template <class F>
SPIKELANE_HD SPIKELANE_INLINE F uniform01(IntOf<F> word) {
  return to_float(word >> 8) * F(0x1p-24f);
}

/// Two independent standard normals from two words.
template <class F>
SPIKELANE_HD SPIKELANE_INLINE void normal_pair(IntOf<F> w0, IntOf<F> w1, F& first, F& second) {
  const F u = to_float((w0 >> 8) + IntOf<F>(1u)) * F(0x1p-24f);
  const F r = sqrt(log_of_normal(u) * F(-2.0f));
  F sine, cosine;
  sin_cos_of_word<F>(w1, sine, cosine);
  first = r * cosine;
  second = r * sine;
}

/// Word number `index` of the key; 0 <= index < 2^34 in all functions below.
SPIKELANE_HD SPIKELANE_INLINE uint32_t random_word(int64_t index, const RandomKey& key) {
  const PhiloxWords<uint32_t> b = philox_block(static_cast<uint32_t>(index >> 2), key);
  const uint32_t low = (index & 1) != 0 ? b.w1 : b.w0;
  const uint32_t high = (index & 1) != 0 ? b.w3 : b.w2;
  return (index & 2) != 0 ? high : low;
}

/// Uniform number `index` of the key, in [0, 1).
SPIKELANE_HD SPIKELANE_INLINE float random_uniform(int64_t index, const RandomKey& key) {
  return uniform01<float>(random_word(index, key));
}

/// Standard normal number `index` of the key.
SPIKELANE_HD SPIKELANE_INLINE float random_normal(int64_t index, const RandomKey& key) {
  const PhiloxWords<uint32_t> b = philox_block(static_cast<uint32_t>(index >> 2), key);
  const bool is_second_pair = (index & 2) != 0;
  float first, second;
  normal_pair(is_second_pair ? b.w2 : b.w0, is_second_pair ? b.w3 : b.w1, first, second);
  return (index & 1) != 0 ? second : first;
}

/// Sign number `index` of the key: +1 or -1.
SPIKELANE_HD SPIKELANE_INLINE float random_sign(int64_t index, const RandomKey& key) {
  return (random_word(index >> 5, key) >> (index & 31) & 1u) != 0 ? 1.0f : -1.0f;
}

}  // namespace SPIKELANE_ISA
}  // namespace spikelane

#if !defined(__CUDACC__)
#include "kernels/core/random_bulk.h"
#endif
