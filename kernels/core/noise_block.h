// Four numbers of noise at a time: how a thread that has a few parameters draws theirs.
#pragma once

#include "kernels/core/random.h"

namespace spikelane::SPIKELANE_ISA {

/// Normals number 4 * quad .. 4 * quad + 3.
SPIKELANE_HD SPIKELANE_INLINE void normal_block(uint32_t quad, const RandomKey& key, float* out) {
  const PhiloxWords<uint32_t> words = philox_block(quad, key);
  normal_pair(words.w0, words.w1, out[0], out[1]);
  normal_pair(words.w2, words.w3, out[2], out[3]);
}

/// Signs number 4 * quad .. 4 * quad + 3: four bits of one word.
SPIKELANE_HD SPIKELANE_INLINE void sign_block(uint32_t quad, const RandomKey& key, float* out) {
  const uint32_t bits = random_word(quad >> 3, key) >> (quad & 7) * 4;
  for (int k = 0; k < 4; ++k) out[k] = (bits >> k & 1u) != 0 ? 1.0f : -1.0f;
}

/// Either of the two.
SPIKELANE_HD SPIKELANE_INLINE void noise_block(bool is_sign, uint32_t quad, const RandomKey& key,
                                               float* out) {
  if (is_sign)
    sign_block(quad, key, out);
  else
    normal_block(quad, key, out);
}

}  // namespace spikelane::SPIKELANE_ISA
