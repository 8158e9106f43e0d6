// The four normals of one random block: how a thread that has a few parameters draws their noise.
#pragma once

#include "kernels/core/random.h"

namespace spikelane::SPIKELANE_ISA {

SPIKELANE_HD SPIKELANE_INLINE void normal_block(uint32_t block, const RandomKey& key, float* out) {
  const PhiloxWords<uint32_t> words = philox_block(block, key);
  normal_pair(words.w0, words.w1, out[0], out[1]);
  normal_pair(words.w2, words.w3, out[2], out[3]);
}

}  // namespace spikelane::SPIKELANE_ISA
