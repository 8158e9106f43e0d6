// The twin of KeRNL's regression: one sample's true net and noisy copy, float32, the same
// operations in the same order as the kernels (kernels/step/kernl_regression_view.h), one number at
// a time. The kernels are compared with it bit for bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/step/kernl_regression_view.h"

namespace spikelane::reference {

/// The sums of up to 8 samples, and what one sample's last step held; unpadded.
struct RegressionTwin {
  std::vector<float> target;                       // (N)
  std::vector<std::vector<float>> Theta, Gamma;    // (F), (N)
  std::vector<std::vector<float>> tensor, filter;  // (F): sums (N, N) and (N), without -2/n
  double loss = 0.0;                               // the sample's sum of squares
};

/// Noise psi of one neuron: index `i`, step `t` of sample `slot` of the batch.
float regression_noise(const RegressionView& rule, std::uint32_t update, std::uint32_t slot, int t,
                       int i);

/// Adds a sample to `sums` (empty vectors count as zeros) in the samples' order; `x` (T, I), `psi`
/// (T, N). `block` holds the weights as the plan places them.
void add_sample(const PlanView& plan, const float* block, const RegressionView& rule,
                std::span<const float> x, std::span<const float> psi, RegressionTwin& sums);

}  // namespace spikelane::reference
