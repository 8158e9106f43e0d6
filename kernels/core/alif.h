// One adaptive leaky integrate-and-fire neuron, one step (exponential Euler, design section 5):
// values in, values out. F is a pack of lanes or a float; times count in steps.
//
//   e = [refractory < 1]
//   v' = e ? (alpha*v) + (input_gain*I) : v             input_gain = (1-alpha)*R_m
//   B = b0 + (beta*b);   s = e and [v' >= B];   v = s ? v_reset : v'      (or v' - B)
//   b = (rho*b) + b_gain*s                              b_gain = 1-rho, or 1 (LSNN papers)
//   refractory = max(refractory - 1, 0) + s*t_refractory
#pragma once

#include "kernels/core/lanes.h"
#include "kernels/core/math.h"
#include "kernels/core/models.h"

namespace spikelane::SPIKELANE_ISA {

template <class F>
struct AlifConstants {
  F alpha, input_gain, b0, beta, rho, b_gain, v_reset, t_refractory;
};

/// What changes, and what the step found on its way: v', B and b0 are what learning looks at.
template <class F>
struct AlifState {
  F v, b, refractory;
  F v_before_reset, threshold, base_threshold;
  MaskOf<F> is_eligible;
};

template <class F>
SPIKELANE_INLINE MaskOf<F> step_alif(const AlifConstants<F>& c, bool subtracts, F current,
                                     AlifState<F>& x) {
  const F zero(0.0f), one(1.0f);
  x.is_eligible = x.refractory < one;
  x.v_before_reset = select(x.is_eligible, c.alpha * x.v + c.input_gain * current, x.v);
  x.base_threshold = c.b0;
  x.threshold = c.b0 + c.beta * x.b;
  const MaskOf<F> s = x.is_eligible & (x.v_before_reset >= x.threshold);
  x.v = subtracts ? sub_where(s, x.v_before_reset, x.threshold)
                  : select(s, c.v_reset, x.v_before_reset);
  x.b = add_where(s, c.rho * x.b, c.b_gain);
  x.refractory = add_where(s, max(x.refractory - one, zero), c.t_refractory);
  return s;
}

/// h, 0 where not eligible; x = (v' - B)/B:
///   triangle        gamma * max(0, 1 - |x|)
///   exponential     gamma * exp(-|x|)
///   base_triangle   gamma * max(0, 1 - |v' - B|/b0)         (the e-prop paper's)
///   slope_triangle  gamma * max(0, 1 - |x|) * (b0/B)        (the derivative by v', in units of b0)
template <class F>
SPIKELANE_INLINE F pseudo_derivative(Surrogate surrogate, float gamma, F v_before_reset,
                                     F threshold, F base_threshold, MaskOf<F> is_eligible) {
  const F zero(0.0f);
  const F width = surrogate == Surrogate::kBaseTriangle ? base_threshold : threshold;
  const F distance = abs((v_before_reset - threshold) / width);
  F h = surrogate == Surrogate::kExponential ? F(gamma) * own_exp(-distance)
                                             : F(gamma) * max(zero, F(1.0f) - distance);
  if (surrogate == Surrogate::kSlopeTriangle) h = h * (base_threshold / threshold);
  return select(is_eligible, h, zero);
}

}  // namespace spikelane::SPIKELANE_ISA
