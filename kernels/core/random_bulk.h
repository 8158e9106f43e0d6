// Arrays of random numbers on Lanes: the bulk form of random.h, which includes this file.
//
// All functions fill out[i], 0 <= i < n, from value number first_index + i of the key; any n and
// any first_index in 0 .. 2^34 - n will do, and `out` needs no alignment. Reading a range in
// pieces gives the same values as reading it at once; pieces whose first_index is a multiple of 4
// and whose n is one of 64 are the fast ones.
#pragma once

#include <stdint.h>

#include "kernels/core/isa.h"
#include "kernels/core/lanes.h"
#include "kernels/core/random.h"

namespace spikelane::SPIKELANE_ISA {

/// 64 consecutive values: 16 Philox blocks, one a lane, put into order.
struct Batch {
  Lanes part[4];
};

struct NormalBatch {
  SPIKELANE_INLINE static Batch draw(uint32_t first_block, const RandomKey& key) {
    const PhiloxWords<IntLanes> b = philox_block(block_order() + IntLanes(first_block), key);
    Batch v;
    normal_pair(b.w0, b.w1, v.part[0], v.part[1]);
    normal_pair(b.w2, b.w3, v.part[2], v.part[3]);
    interleave_blocks(v.part[0], v.part[1], v.part[2], v.part[3]);
    return v;
  }
};

struct UniformBatch {
  SPIKELANE_INLINE static Batch draw(uint32_t first_block, const RandomKey& key) {
    const PhiloxWords<IntLanes> b = philox_block(block_order() + IntLanes(first_block), key);
    Batch v = {{uniform01<Lanes>(b.w0), uniform01<Lanes>(b.w1), uniform01<Lanes>(b.w2),
                uniform01<Lanes>(b.w3)}};
    interleave_blocks(v.part[0], v.part[1], v.part[2], v.part[3]);
    return v;
  }
};

// what is written for the value at position i; F is Lanes or, at the ends, float
struct AsDrawn {
  template <class F>
  SPIKELANE_INLINE F at(int64_t, F value) const {
    return value;
  }
};

struct AroundMean {
  const float* mean;
  float scale;
  template <class F>
  SPIKELANE_INLINE F at(int64_t i, F value) const {
    return load_as<F>(mean + i) + F(scale) * value;
  }
};

template <class Source, class Finish>
SPIKELANE_INLINE void draw_batches(float* out, int64_t first_index, int64_t n, const RandomKey& key,
                                   Finish finish) {
  int64_t i = 0;
  while (i < n) {
    const int64_t index = first_index + i;
    const Batch v = Source::draw(static_cast<uint32_t>(index >> 2), key);
    const int64_t skip = index & 3;
    if (skip == 0 && n - i >= 64) {
      for (int k = 0; k < 4; ++k) storeu(out + i + 16 * k, finish.at(i + 16 * k, v.part[k]));
      i += 64;
    } else {
      // the ends, and at most one batch that starts within a block
      alignas(64) float values[64];
      for (int k = 0; k < 4; ++k) store(values + 16 * k, v.part[k]);
      const int64_t n_taken = n - i < 64 - skip ? n - i : 64 - skip;
      for (int64_t j = 0; j < n_taken; ++j) out[i + j] = finish.at(i + j, values[skip + j]);
      i += n_taken;
    }
  }
}

/// Standard normals.
inline void draw_normals(float* out, int64_t first_index, int64_t n, const RandomKey& key) {
  draw_batches<NormalBatch>(out, first_index, n, key, AsDrawn{});
}

/// Uniforms in [0, 1), multiples of 2^-24.
inline void draw_uniforms(float* out, int64_t first_index, int64_t n, const RandomKey& key) {
  draw_batches<UniformBatch>(out, first_index, n, key, AsDrawn{});
}

/// out[i] = mean[i] + scale * normal(first_index + i): multiply, then add. `scale` is sigma, or
/// -sigma for the second of an antithetic pair; `out` may be `mean` itself, but not overlap it
/// otherwise.
inline void draw_perturbed(float* out, const float* mean, float scale, int64_t first_index,
                           int64_t n, const RandomKey& key) {
  draw_batches<NormalBatch>(out, first_index, n, key, AroundMean{mean, scale});
}

// 16 Philox blocks hold 2048 signs; whole groups of 16 are made from their bits at once
template <class Finish>
SPIKELANE_INLINE void draw_sign_batches(float* out, int64_t first_index, int64_t n,
                                        const RandomKey& key, Finish finish) {
  alignas(64) uint32_t words[4][16];  // word w of block l at [w][l]
  int64_t i = 0;
  while (i < n) {
    const int64_t block = (first_index + i) >> 7;
    const PhiloxWords<IntLanes> b =
        philox_block(iota() + IntLanes(static_cast<uint32_t>(block)), key);
    store(words[0], b.w0);
    store(words[1], b.w1);
    store(words[2], b.w2);
    store(words[3], b.w3);
    // `at` counts from the first of the 2048
    int at = static_cast<int>(first_index + i - (block << 7));
    const int end = n - i < 2048 - at ? at + static_cast<int>(n - i) : 2048;
    const auto bits_from = [&](int k) { return words[k >> 5 & 3][k >> 7] >> (k & 31); };
    const auto one = [&](int k) { return (bits_from(k) & 1u) != 0 ? 1.0f : -1.0f; };
    for (; at < end && (at & 15) != 0; ++at, ++i) out[i] = finish.at(i, one(at));
    for (; at + 16 <= end; at += 16, i += 16)
      storeu(out + i, finish.at(i, select(mask_from_bits(bits_from(at) & 0xffffu), Lanes(1.0f),
                                          Lanes(-1.0f))));
    for (; at < end; ++at, ++i) out[i] = finish.at(i, one(at));
  }
}

/// Signs: +1 or -1.
inline void draw_signs(float* out, int64_t first_index, int64_t n, const RandomKey& key) {
  draw_sign_batches(out, first_index, n, key, AsDrawn{});
}

/// out[i] = mean[i] + scale * sign(first_index + i), as draw_perturbed.
inline void draw_sign_perturbed(float* out, const float* mean, float scale, int64_t first_index,
                                int64_t n, const RandomKey& key) {
  draw_sign_batches(out, first_index, n, key, AroundMean{mean, scale});
}

}  // namespace spikelane::SPIKELANE_ISA
