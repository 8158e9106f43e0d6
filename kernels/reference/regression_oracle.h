// Oracle of KeRNL's regression in double: a copy of the net gets noise psi, and the filtered noise
// Theta, times the sensitivity M, predicts how far the copy has moved from the true net. Loss and
// its gradients for M and gamma in closed form, for each filter, of all steps one by one.
//
// A step: the true net is driven by [x; S(t-1)]; the copy, with a state of its own, by
// [x; S(t-1) + psi(t)]. For each filter f, k_f = exp(-gamma_f):
//   Gamma_f = k_f (Gamma_f - Theta_f(old));   Theta_f = k_f Theta_f + psi;   Gamma = dTheta/dgamma
//   d = target - sum_f Theta_f M_f;   loss = mean of d^2
//   dM_f = -2/n Theta_f^T d;   dgamma_f = -2/n sum_b (d M_f^T) Gamma_f   (n: what the mean is over)
// Source: the KeRNL spiking cell, version 3 (github.com/eghbalhosseini/KeRNL).
#pragma once

#include <vector>

#include "kernels/reference/alif_oracle.h"

namespace spikelane::reference {

/// Whose S drives the copy: the true net's (M then sees one hop), or its own (noise travels through
/// the loop).
enum class PerturbedCopy { kFiltered, kSpiking };

/// What is predicted, of the values after the step and the thresholds used in it: v^ - v, or
/// (v^ - B^) - (v - B).
enum class RegressionTarget { kPotential, kDistanceToThreshold };

/// The steps whose errors count: the last (mean over B and N), or all (mean over T, B and N).
enum class RegressionLoss { kLastStep, kEveryStep };

struct RegressionFilter {
  std::vector<double> sensitivity;  // M, (N, N) [source, target]
  std::vector<double> gamma;        // (N)
};

struct RegressionRule {
  PerturbedCopy copy = PerturbedCopy::kFiltered;
  RegressionTarget target = RegressionTarget::kPotential;
  RegressionLoss loss = RegressionLoss::kLastStep;
  std::vector<RegressionFilter> filters;
};

struct RegressionResult {
  AlifRun net, copy;
  std::vector<Series> Theta, Gamma;  // of each filter
  double loss = 0.0;
  std::vector<std::vector<double>> dM, dgamma;  // of each filter, as its M and gamma
};

/// Runs net and copy over x (T, B, I) with noise psi (T, B, N). Throws std::invalid_argument for
/// sizes that do not fit.
RegressionResult regress(const AlifNet& net, const Series& x, const Series& psi,
                         const RegressionRule& rule);

}  // namespace spikelane::reference
