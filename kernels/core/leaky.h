// One leaky neuron, one step (snnTorch's Leaky): values in, values out. F is a pack of lanes or a
// float.
//
//   r = [v > theta]
//   subtract  v = ((beta*v) + I) - (r*theta)      zero  v = (beta*((1-r)*v)) + I      none  v =
//   (beta*v) + I s = [v > theta]
// and, when the reset is not delayed, v loses (s - r)*theta or (s - r)*v after that: s minus the r
// already applied, so theta is given back where r = 1 and s = 0.
#pragma once

#include "kernels/core/lanes.h"
#include "kernels/core/models.h"

namespace spikelane::SPIKELANE_ISA {

template <class F, class Mask>
SPIKELANE_INLINE void step_leaky(Reset reset, bool is_delayed, F beta, F threshold, F current, F& v,
                                 Mask& s) {
  const Mask r = v > threshold;
  if (reset == Reset::kSubtract) {
    v = sub_where(r, beta * v + current, threshold);
  } else if (reset == Reset::kZero) {
    v = beta * (select(r, v * F(0.0f), v)) + current;
  } else {
    v = beta * v + current;
  }
  s = v > threshold;
  if (is_delayed) return;
  const Mask gained = s & !r, lost = r & !s;
  if (reset == Reset::kSubtract) v = add_where(lost, sub_where(gained, v, threshold), threshold);
  if (reset == Reset::kZero) v = add_where(lost, sub_where(gained, v, v), v);
}

/// Decaying state below 2^-80 becomes +0, so that silent nets never reach the slow subnormals.
template <class F>
SPIKELANE_INLINE F without_tiny(F v) {
  constexpr float kTiny = 8.271806125530277e-25f;  // 2^-80
  return select(abs(v) < F(kTiny), F(0.0f), v);
}

}  // namespace spikelane::SPIKELANE_ISA
