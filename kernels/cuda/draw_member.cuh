// A member's parameters, drawn by a block of threads: the values of Members::fill
// (engine/learning), each from its own index, so nothing depends on who draws it.
#pragma once

#include "kernels/core/noise_block.h"
#include "kernels/cuda/cuda_functions.h"

namespace spikelane::SPIKELANE_ISA {

/// This thread's part of n_workers: every n_workers-th random block.
__device__ __forceinline__ void draw_tensor(const TensorDrawView& tensor,
                                            const MemberDrawView& members, int member,
                                            int64_t worker, int64_t n_workers, float* block) {
  const bool is_second = members.is_antithetic && member % 2 == 1;
  const auto draw = static_cast<uint32_t>(members.is_antithetic ? member / 2 : member);
  const bool is_factor = tensor.draw == TensorDraw::kFactor;
  const bool is_noise = tensor.draw == TensorDraw::kPerturbed || is_factor;
  const RandomKey key = is_noise ? RandomKey{members.seed, is_factor ? kFactorStep : 0,
                                             members.update, Stream::kNoise, draw}
                                 : RandomKey{members.seed, 0, members.update + 1, Stream::kInit,
                                             static_cast<uint32_t>(member) + 1};
  const float scale = is_second ? -tensor.scale : tensor.scale;
  const bool is_uniform = tensor.draw == TensorDraw::kUniform;
  const bool has_mean = tensor.draw == TensorDraw::kPerturbed || tensor.draw == TensorDraw::kMean;
  // a random block is four values: a thread takes one
  for (int64_t quad = tensor.begin / 4 + worker; quad * 4 < tensor.end; quad += n_workers) {
    float v[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    if (is_uniform) {
      const auto words = philox_block(static_cast<uint32_t>(quad), key);
      v[0] = uniform01<float>(words.w0);
      v[1] = uniform01<float>(words.w1);
      v[2] = uniform01<float>(words.w2);
      v[3] = uniform01<float>(words.w3);
    } else if (is_noise || tensor.draw == TensorDraw::kNormal) {
      noise_block(is_noise && members.is_sign, static_cast<uint32_t>(quad), key, v);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int64_t i = quad * 4 + k;
      if (i < tensor.begin || i >= tensor.end) continue;
      float value = has_mean ? members.mean[i] : tensor.base;
      switch (tensor.draw) {
        case TensorDraw::kMean:
        case TensorDraw::kConstant:
          break;
        case TensorDraw::kPerturbed:
          value = value + scale * v[k];
          break;
        case TensorDraw::kNormal:
        case TensorDraw::kUniform:
          value = value + tensor.scale * v[k];
          break;
        case TensorDraw::kFactor:
          value = v[k];
          break;
        case TensorDraw::kFactorScale:
          value = scale;
          break;
      }
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
    draw_tensor(members.tensors[i], members, member, threadIdx.x, blockDim.x, block);
}

}  // namespace spikelane::SPIKELANE_ISA
