// What KeRNL's regression ends at, without the way there: with g given, the M of the least squared
// error over all steps of several draws of noise solves a linear system.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "kernels/reference/regression_oracle.h"
#include "tests/reference/random_net.h"

namespace spikelane::test {

/// Net and copy for some draws of noise: what is predicted, and from what.
struct Perturbations {
  std::vector<reference::Series> psi, moved;  // of each draw (T, B, N): the noise, v^ - v
};

inline Perturbations perturb(const reference::AlifNet& net, const reference::Series& x,
                             reference::PerturbedCopy copy, double noise_std, int n_draws,
                             std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  Perturbations result;
  reference::RegressionRule rule;
  rule.copy = copy;
  for (int draw = 0; draw < n_draws; ++draw) {
    result.psi.push_back(random_series(generator, x.n_steps, x.n_samples, net.n, noise_std));
    const auto runs = regress(net, x, result.psi.back(), rule);
    result.moved.push_back(runs.copy.v);
    auto& moved = result.moved.back().values;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] -= runs.net.v.values[i];
  }
  return result;
}

struct LearnedSensitivity {
  std::vector<double> M;   // (N, N) [source, target]
  double explained = 0.0;  // share of the squared movement that Theta M predicts
};

/// Least squares with one g for all neurons; Cholesky's factors of Theta^T Theta.
inline LearnedSensitivity learn_sensitivity(const Perturbations& noise, double g) {
  const auto n = static_cast<std::size_t>(noise.psi[0].n);
  std::vector<double> A(n * n, 0.0), C(n * n, 0.0);
  double moved_squared = 0.0;
  const double k = std::exp(-g);
  for (std::size_t draw = 0; draw < noise.psi.size(); ++draw) {
    const reference::Series &psi = noise.psi[draw], &moved = noise.moved[draw];
    for (int b = 0; b < psi.n_samples; ++b) {
      std::vector<double> theta(n, 0.0);
      for (int t = 0; t < psi.n_steps; ++t) {
        const double* target = moved.row(t, b);
        for (std::size_t j = 0; j < n; ++j) theta[j] = k * theta[j] + psi.row(t, b)[j];
        for (std::size_t j = 0; j < n; ++j) {
          moved_squared += target[j] * target[j];
          for (std::size_t i = 0; i < n; ++i) {
            A[j * n + i] += theta[j] * theta[i];
            C[j * n + i] += theta[j] * target[i];
          }
        }
      }
    }
  }
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = j; i < n; ++i) {
      double sum = A[i * n + j];
      for (std::size_t l = 0; l < j; ++l) sum -= A[i * n + l] * A[j * n + l];
      A[i * n + j] = i == j ? std::sqrt(sum) : sum / A[j * n + j];
    }
  LearnedSensitivity learned{C, 0.0};
  std::vector<double>& M = learned.M;
  for (std::size_t column = 0; column < n; ++column) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t l = 0; l < j; ++l) M[j * n + column] -= A[j * n + l] * M[l * n + column];
      M[j * n + column] /= A[j * n + j];
    }
    for (std::size_t j = n; j-- > 0;) {
      for (std::size_t l = j + 1; l < n; ++l) M[j * n + column] -= A[l * n + j] * M[l * n + column];
      M[j * n + column] /= A[j * n + j];
    }
  }
  double predicted = 0.0;
  for (std::size_t i = 0; i < M.size(); ++i) predicted += M[i] * C[i];
  learned.explained = moved_squared > 0.0 ? predicted / moved_squared : 0.0;
  return learned;
}

}  // namespace spikelane::test
