#include "engine/learning/gradient.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

#include "engine/learning/sums.h"

namespace spikelane {

namespace {

// sums in double live only for so many parameters at a time: 16 KB of stack
constexpr std::int64_t kParametersAtOnce = 2048;

}  // namespace

GradientEstimate::GradientEstimate(std::span<const double> shaped, bool antithetic,
                                   std::uint64_t seed, std::uint32_t update, bool is_sign)
    : coefficients_(shaped.begin(), shaped.end()),
      n_members_(static_cast<int>(shaped.size())),
      draws_per_block_(static_cast<int>(antithetic ? kSumBlock / 2 : kSumBlock)),
      seed_(seed),
      update_(update),
      is_sign_(is_sign) {
  assert(!shaped.empty());
  if (!antithetic) return;
  assert(shaped.size() % 2 == 0);
  coefficients_.resize(shaped.size() / 2);
  for (std::size_t d = 0; d < coefficients_.size(); ++d)
    coefficients_[d] = shaped[2 * d] - shaped[2 * d + 1];
}

GradientView GradientEstimate::view() const {
  return {coefficients_.data(),
          static_cast<int>(coefficients_.size()),
          draws_per_block_,
          seed_,
          update_,
          is_sign_};
}

void GradientEstimate::write(
    const std::function<void(const GradientView&, std::int64_t, std::int64_t, double*)>& accumulate,
    std::int64_t begin, std::int64_t end, float sigma, std::span<float> gradient) const {
  assert(0 <= begin && begin <= end && static_cast<std::size_t>(end) <= gradient.size());
  const double divisor = static_cast<double>(n_members_) * static_cast<double>(sigma);
  double sum[kParametersAtOnce];
  for (std::int64_t first = begin; first < end; first += kParametersAtOnce) {
    const std::int64_t last = std::min(end, first + kParametersAtOnce);
    accumulate(view(), first, last, sum);
    for (std::int64_t i = first; i < last; ++i)
      gradient[static_cast<std::size_t>(i)] = static_cast<float>(sum[i - first] / divisor);
  }
}

void GradientEstimate::write_low_rank(AccumulateLowRank accumulate, const FactorView& factors,
                                      int first_row, int n_rows, float sigma,
                                      float* gradient) const {
  assert(n_rows <= kFactorRows && factors.rank <= kMostNoiseRank);
  const double divisor =
      static_cast<double>(n_members_) * static_cast<double>(sigma) * std::sqrt(factors.rank);
  accumulate(view(), factors, first_row, n_rows, divisor, gradient);
}

double gradient_norm(std::span<const float> gradient, std::span<const ParameterRange> searched) {
  double total = 0.0;
  for (const ParameterRange& range : searched)
    total +=
        tree_sum_blocks_of_8(static_cast<std::size_t>(range.end - range.begin), [&](std::size_t i) {
          const double g = gradient[static_cast<std::size_t>(range.begin) + i];
          return g * g;
        });
  return std::sqrt(total);
}

}  // namespace spikelane
