// A member's parameters, drawn by a block of threads: the values of Members::fill
// (engine/learning), each from its own index, so nothing depends on who draws it.
#pragma once

#include "kernels/core/random.h"
#include "kernels/cuda/cuda_functions.h"

namespace spikelane::SPIKELANE_ISA {

__device__ __forceinline__ void draw_tensor(const TensorDrawView& tensor,
                                            const MemberDrawView& members, int member,
                                            float* block) {
  const bool is_second = members.is_antithetic && member % 2 == 1;
  const auto draw = static_cast<uint32_t>(members.is_antithetic ? member / 2 : member);
  const bool is_noise = tensor.draw == TensorDraw::kPerturbed;
  const RandomKey key = is_noise ? RandomKey{members.seed, 0, members.update, Stream::kNoise, draw}
                                 : RandomKey{members.seed, 0, members.update + 1, Stream::kInit,
                                             static_cast<uint32_t>(member) + 1};
  const float scale = is_noise && is_second ? -tensor.scale : tensor.scale;
  const bool is_uniform = tensor.draw == TensorDraw::kUniform;
  const bool draws = is_noise || is_uniform || tensor.draw == TensorDraw::kNormal;
  // a random block is four values: a thread takes one
  for (int64_t quad = tensor.begin / 4 + threadIdx.x; quad * 4 < tensor.end; quad += blockDim.x) {
    float v[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    if (draws) {
      const auto words = philox_block(static_cast<uint32_t>(quad), key);
      if (is_uniform) {
        v[0] = uniform01<float>(words.w0);
        v[1] = uniform01<float>(words.w1);
        v[2] = uniform01<float>(words.w2);
        v[3] = uniform01<float>(words.w3);
      } else {
        normal_pair(words.w0, words.w1, v[0], v[1]);
        normal_pair(words.w2, words.w3, v[2], v[3]);
      }
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int64_t i = quad * 4 + k;
      if (i < tensor.begin || i >= tensor.end) continue;
      const bool has_mean = is_noise || tensor.draw == TensorDraw::kMean;
      float value = has_mean ? members.mean[i] : tensor.base;
      if (draws) value = value + scale * v[k];
      const int64_t at = i - tensor.begin;
      block[tensor.block_begin + at / tensor.n_columns * tensor.block_stride +
            at % tensor.n_columns] = value;
    }
  }
}

/// The block's threads write one member's parameters; padding becomes 0. The caller syncs.
__device__ __forceinline__ void draw_member(const MemberDrawView& members, int member,
                                            int64_t n_block_floats, float* block) {
  for (int64_t i = threadIdx.x; i < n_block_floats; i += blockDim.x) block[i] = 0.0f;
  __syncthreads();
  for (int i = 0; i < members.n_tensors; ++i)
    draw_tensor(members.tensors[i], members, member, block);
}

}  // namespace spikelane::SPIKELANE_ISA
