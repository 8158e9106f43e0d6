// The pendulum of Gymnasium's Pendulum-v1: the same equations in the same order; state in double,
// torque in float32, whose products with constants are float32 as in the original. State: angle
// from upright (rad) and its speed.
#pragma once

#include "kernels/core/double_math.h"

namespace spikelane::SPIKELANE_ISA {

struct PendulumState {
  double theta, theta_dot;
};

inline constexpr float kPendulumMaxTorque = 2.0f;

/// x into -pi .. pi.
SPIKELANE_HD inline double normalised_angle(double x) {
  constexpr double kPi = 3.141592653589793;
  const double shifted = x + kPi;
  // Python's modulo: the remainder has the sign of the divisor
  const double n = (shifted * (0.5 / kPi) + kRoundDouble) - kRoundDouble;
  double rest = shifted - n * (2.0 * kPi);
  rest = rest < 0.0 ? rest + 2.0 * kPi : rest;
  return rest - kPi;
}

/// u^2 as the original has it, where numpy calls the C library's powf: not always the nearest float
/// (1 in 1,400 is the next one). That function (glibc's, Arm's optimised routines) is
/// exp2(2 log2(u)) in double, by polynomials for the 16th part of an octave and the 32nd of a step;
/// numbers below are its own. Compared with it: one other float in 170 million.
SPIKELANE_HD inline float square_as_powf(float u) {
  static constexpr double kInverseCentre[16] = {
      0x1.661ec79f8f3bep+0, 0x1.571ed4aaf883dp+0, 0x1.49539f0f010b0p+0, 0x1.3c995b0b80385p+0,
      0x1.30d190c8864a5p+0, 0x1.25e227b0b8ea0p+0, 0x1.1bb4a4a1a343fp+0, 0x1.12358f08ae5bap+0,
      0x1.0953f419900a7p+0, 0x1.0000000000000p+0, 0x1.e608cfd9a47acp-1, 0x1.ca4b31f026aa0p-1,
      0x1.b2036576afce6p-1, 0x1.9c2d163a1aa2dp-1, 0x1.886e6037841edp-1, 0x1.767dcf5534862p-1};
  constexpr double kLog2E = 0x1.71547652b82fep+0, kLog2 = 0x1.62e42fefa39efp-1;
  const float size = u < 0.0f ? -u : u;
  if (!(size > 0x1p-60f)) return u * u;
  // size = 2^k z with z in 0.7 .. 1.4, the first float's bits below; a double's exponent is 29 bits
  // further up, and its bias another
  const uint64_t offset = 0x3fe6600000000000ull;
  const uint64_t bits = double_bits(static_cast<double>(size)), above = bits - offset;
  const uint64_t exponent = above & 0xfff0000000000000ull;
  const double z = double_from_bits(bits - exponent);
  const double k = static_cast<double>(static_cast<int64_t>(exponent) >> 52);
  const double inverse = kInverseCentre[(above >> 48) & 15];
  const double r = z * inverse - 1.0, r2 = r * r;
  const double low = 0x1.71547652ab82bp+0 * r + (k - own_log(inverse) * kLog2E);
  const double middle = (0x1.ec70a6ca7baddp-2 * r - 0x1.7154748bef6c8p-1) * r2 + low;
  const double x = 2.0 * ((0x1.27616c9496e0bp-2 * r - 0x1.71969a075c67ap-2) * (r2 * r2) + middle);
  constexpr double kRound = kRoundDouble / 32.0;
  const double whole = (x + kRound) - kRound, f = x - whole;
  const double power = (0x1.c6af84b912394p-5 * f + 0x1.ebfce50fac4f3p-3) * (f * f) +
                       (0x1.62e42ff0c52d6p-1 * f + 1.0);
  return static_cast<float>(power * own_exp(whole * kLog2));
}

/// One step of 0.05 s; returns the reward.
SPIKELANE_HD inline double step_pendulum(PendulumState& s, float torque) {
  constexpr double kGravity = 10.0, kMaxSpeed = 8.0, kDt = 0.05;
  float u = torque < -kPendulumMaxTorque ? -kPendulumMaxTorque : torque;
  u = u > kPendulumMaxTorque ? kPendulumMaxTorque : u;
  const double angle = normalised_angle(s.theta);
  const double cost = (angle * angle + 0.1 * (s.theta_dot * s.theta_dot)) +
                      static_cast<double>(0.001f * square_as_powf(u));
  double speed =
      s.theta_dot + (3.0 * kGravity / 2.0 * own_sin(s.theta) + static_cast<double>(3.0f * u)) * kDt;
  speed = speed < -kMaxSpeed ? -kMaxSpeed : speed > kMaxSpeed ? kMaxSpeed : speed;
  s.theta = s.theta + speed * kDt;
  s.theta_dot = speed;
  return -cost;
}

}  // namespace spikelane::SPIKELANE_ISA
