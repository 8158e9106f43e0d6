// Between numbers and populations: observations into the network's dense inputs, readouts into
// actions. One source for the fused loop, the C API and tests; values in, values out.
//
//   direct     x_i = o_i / scale_i                                     one input an observation
//   rates      x = (min(1, max(0, o_i/scale_i)), min(1, max(0, -o_i/scale_i)))   two
//   gaussian   x_k = exp(-((o_i - centre_ik) / width_i)^2 / 2), k = 0 .. n_fields-1
//
//   argmax     the action whose readout is largest; of equal ones the lowest
//   tanh       tanh(scale * v)        clip   min(1, max(-1, scale * v))
#pragma once

#include "kernels/core/math.h"

namespace spikelane {

enum class ObservationCoding : int { kDirect, kRates, kGaussian };

struct ObservationCode {
  ObservationCoding coding;
  int n_observations;
  int n_fields;                // gaussian: of each observation
  const float* inverse_scale;  // (n_observations) direct, rates: 1/scale; gaussian: 1/width
  const float* centres;        // (n_observations, n_fields) gaussian
};

enum class ActionCoding : int { kArgmax, kTanh, kClip };

struct ActionCode {
  ActionCoding coding;
  int n_outputs;  // readout neurons
  float scale;
};

/// Inputs that an observation becomes.
SPIKELANE_HD constexpr int n_coded_inputs(const ObservationCode& code) {
  return code.n_observations * (code.coding == ObservationCoding::kDirect  ? 1
                                : code.coding == ObservationCoding::kRates ? 2
                                                                           : code.n_fields);
}

namespace SPIKELANE_ISA {

SPIKELANE_HD inline float clip_to(float x, float low, float high) {
  return x < low ? low : x > high ? high : x;
}

/// `observation` (n_observations) into x[i * stride], i = 0 .. n_coded_inputs-1.
SPIKELANE_HD inline void encode_observation(const ObservationCode& code, const float* observation,
                                            float* x, int stride) {
  for (int i = 0; i < code.n_observations; ++i) {
    const float inverse = code.inverse_scale[i];
    if (code.coding == ObservationCoding::kGaussian) {
      for (int k = 0; k < code.n_fields; ++k) {
        const float d = (observation[i] - code.centres[i * code.n_fields + k]) * inverse;
        x[(i * code.n_fields + k) * stride] = own_exp((d * d) * -0.5f);
      }
      continue;
    }
    const float value = observation[i] * inverse;
    if (code.coding == ObservationCoding::kDirect) {
      x[i * stride] = value;
    } else {
      x[2 * i * stride] = clip_to(value, 0.0f, 1.0f);
      x[(2 * i + 1) * stride] = clip_to(-value, 0.0f, 1.0f);
    }
  }
}

/// Readouts v[o * stride], o = 0 .. n_outputs-1, into an action: its number, or n_outputs numbers
/// from -1 to 1.
SPIKELANE_HD inline void decode_action(const ActionCode& code, const float* v, int stride,
                                       float* action) {
  if (code.coding == ActionCoding::kArgmax) {
    int best = 0;
    for (int o = 1; o < code.n_outputs; ++o)
      if (v[o * stride] > v[best * stride]) best = o;
    action[0] = static_cast<float>(best);
    return;
  }
  for (int o = 0; o < code.n_outputs; ++o) {
    const float value = v[o * stride] * code.scale;
    action[o] = code.coding == ActionCoding::kTanh
                    ? static_cast<float>(own_tanh(static_cast<double>(value)))
                    : clip_to(value, -1.0f, 1.0f);
  }
}

}  // namespace SPIKELANE_ISA
}  // namespace spikelane
