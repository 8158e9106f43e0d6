// One entry's step of an optimiser; the formulas stand in engine/learning/optimiser.h. One source
// for the CPU and for CUDA, whose bits are therefore the same.
#pragma once

#include <stdint.h>

#include "kernels/core/scalar_lane.h"

namespace spikelane {

enum class OptimiserFormula : int { kAdam, kSgd, kRmsPropInside, kRmsProp };

/// The constants of one tensor's step, computed in double and rounded; only those of its formula
/// are set.
struct OptimiserStep {
  OptimiserFormula formula;
  float weight_decay;  // added to the gradient; 0 leaves every bit alone
  int shrinks;         // AdamW: parameters are multiplied by `shrink` first
  float shrink;
  int is_small;  // Adam: 1-b1 < 1/2, and `lerp` is it; else (1-b1) - 1
  float lerp;
  float decay, new_share;  // of the mean square, and 1 - that
  float epsilon;
  float rate;        // with its sign where the formula adds
  float correction;  // Adam: of the root
  int has_momentum, is_first, is_nesterov;
  float momentum;
};

namespace SPIKELANE_ISA {

/// Steps p downhill. `first` and `second` are the entry's numbers in the state vectors, in the
/// order of OptimiserState; those that the optimiser has not got are not looked at.
template <OptimiserFormula kFormula>
SPIKELANE_HD SPIKELANE_INLINE void step_parameter(const OptimiserStep& o, float gradient, float* p,
                                                  float* first, float* second) {
  if (kFormula == OptimiserFormula::kAdam && o.shrinks) *p = *p * o.shrink;
  const float g = o.weight_decay == 0.0f ? gradient : fma(*p, o.weight_decay, gradient);
  if constexpr (kFormula == OptimiserFormula::kAdam) {
    *first = fma(g - *first, o.lerp, o.is_small ? *first : g);
    *second = fma(o.new_share * g, g, *second * o.decay);
    const float root = sqrt(*second) / o.correction + o.epsilon;
    *p = *p + (o.rate * *first) / root;
  } else if constexpr (kFormula == OptimiserFormula::kSgd) {
    float direction = g;
    if (o.has_momentum) {
      *first = o.is_first ? g : o.momentum * *first + g;
      direction = o.is_nesterov ? fma(*first, o.momentum, g) : *first;
    }
    *p = fma(direction, o.rate, *p);
  } else if constexpr (kFormula == OptimiserFormula::kRmsPropInside) {
    *first = *first + (g * g - *first) * o.new_share;
    float step = (o.rate * g) / sqrt(*first + o.epsilon);
    if (o.has_momentum) {
      step = *second * o.momentum + step;
      *second = step;
    }
    *p = *p - step;
  } else {
    *first = fma(o.new_share * g, g, *first * o.decay);
    const float root = sqrt(*first) + o.epsilon;
    if (o.has_momentum) {
      *second = *second * o.momentum + g / root;
      *p = fma(*second, o.rate, *p);
    } else {
      *p = *p + (o.rate * g) / root;
    }
  }
}

template <OptimiserFormula kFormula>
SPIKELANE_HD SPIKELANE_INLINE void step_entries(const OptimiserStep& o, const float* gradient,
                                                float* p, float* first, float* second,
                                                int64_t begin, int64_t end, int64_t stride) {
  for (int64_t i = begin; i < end; i += stride)
    step_parameter<kFormula>(o, gradient[i], p + i, first + i, second + i);
}

/// The entries begin, begin + stride, .. below end of arrays over all parameters. A state vector
/// that the optimiser has not got may be any pointer but null.
SPIKELANE_HD SPIKELANE_INLINE void step_entries(const OptimiserStep& o, const float* gradient,
                                                float* p, float* first, float* second,
                                                int64_t begin, int64_t end, int64_t stride) {
  using enum OptimiserFormula;
  switch (o.formula) {
    case kAdam:
      return step_entries<kAdam>(o, gradient, p, first, second, begin, end, stride);
    case kSgd:
      return step_entries<kSgd>(o, gradient, p, first, second, begin, end, stride);
    case kRmsPropInside:
      return step_entries<kRmsPropInside>(o, gradient, p, first, second, begin, end, stride);
    case kRmsProp:
      return step_entries<kRmsProp>(o, gradient, p, first, second, begin, end, stride);
  }
}

/// The step where no member was better than another: weight decay alone. AdamW's is all there is;
/// where decay is part of the gradient the optimiser makes its step with that; else nothing moves.
SPIKELANE_HD SPIKELANE_INLINE void decay_entries(const OptimiserStep& o, const float* gradient,
                                                 float* p, float* first, float* second,
                                                 int64_t begin, int64_t end, int64_t stride) {
  if (o.shrinks)
    for (int64_t i = begin; i < end; i += stride) p[i] = p[i] * o.shrink;
  else if (o.weight_decay != 0.0f)
    step_entries(o, gradient, p, first, second, begin, end, stride);
}

}  // namespace SPIKELANE_ISA
}  // namespace spikelane
