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

/// One step of 0.05 s; returns the reward.
SPIKELANE_HD inline double step_pendulum(PendulumState& s, float torque) {
  constexpr double kGravity = 10.0, kMaxSpeed = 8.0, kDt = 0.05;
  float u = torque < -kPendulumMaxTorque ? -kPendulumMaxTorque : torque;
  u = u > kPendulumMaxTorque ? kPendulumMaxTorque : u;
  const double angle = normalised_angle(s.theta);
  const double cost =
      (angle * angle + 0.1 * (s.theta_dot * s.theta_dot)) + static_cast<double>(0.001f * (u * u));
  double speed =
      s.theta_dot + (3.0 * kGravity / 2.0 * own_sin(s.theta) + static_cast<double>(3.0f * u)) * kDt;
  speed = speed < -kMaxSpeed ? -kMaxSpeed : speed > kMaxSpeed ? kMaxSpeed : speed;
  s.theta = s.theta + speed * kDt;
  s.theta_dot = speed;
  return -cost;
}

}  // namespace spikelane::SPIKELANE_ISA
