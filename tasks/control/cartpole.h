// The cart-pole of Barto, Sutton and Anderson (1983) as Gymnasium's CartPole-v1 steps it: the same
// equations in the same order, limits and reward, in double. State: x (m), its speed, the pole's
// angle from upright (rad), its speed.
#pragma once

#include "kernels/core/double_math.h"

namespace spikelane::SPIKELANE_ISA {

struct CartpoleState {
  double x, x_dot, theta, theta_dot;
};

inline constexpr double kCartpoleMaxX = 2.4;
inline constexpr double kCartpoleMaxTheta = 12 * 2 * 3.141592653589793 / 360;

/// One step of 0.02 s; action 1 pushes to the right, 0 to the left. True when the pole has fallen
/// or the cart has left the track. The reward of every step, the last one too, is 1.
SPIKELANE_HD inline bool step_cartpole(CartpoleState& s, int action) {
  constexpr double kGravity = 9.8, kPoleMass = 0.1, kTotalMass = 0.1 + 1.0, kLength = 0.5;
  constexpr double kPoleMassLength = kPoleMass * kLength, kTau = 0.02;
  const double force = action == 1 ? 10.0 : -10.0;
  const double cosine = own_cos(s.theta), sine = own_sin(s.theta);
  const double temp = (force + kPoleMassLength * (s.theta_dot * s.theta_dot) * sine) / kTotalMass;
  const double theta_acc = (kGravity * sine - cosine * temp) /
                           (kLength * (4.0 / 3.0 - kPoleMass * (cosine * cosine) / kTotalMass));
  const double x_acc = temp - kPoleMassLength * theta_acc * cosine / kTotalMass;
  s.x = s.x + kTau * s.x_dot;
  s.x_dot = s.x_dot + kTau * x_acc;
  s.theta = s.theta + kTau * s.theta_dot;
  s.theta_dot = s.theta_dot + kTau * theta_acc;
  return s.x < -kCartpoleMaxX || s.x > kCartpoleMaxX || s.theta < -kCartpoleMaxTheta ||
         s.theta > kCartpoleMaxTheta;
}

}  // namespace spikelane::SPIKELANE_ISA
