// Small random nets and inputs for the oracles' tests, golden arrays as double, and how far two
// arrays are apart.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/reference/alif_oracle.h"
#include "tests/golden.h"

namespace spikelane::test {

/// The largest difference, as a share of the largest magnitude in `expected`; infinite where the
/// sizes differ, or `expected` is empty or zero throughout.
inline double relative_difference(const std::vector<double>& actual,
                                  const std::vector<double>& expected) {
  double largest = 0.0, difference = 0.0;
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::fabs(expected[i]));
    // written so that a NaN is a difference
    const double apart = std::fabs(actual[i] - expected[i]);
    if (!(apart <= difference)) difference = apart;
  }
  return largest > 0.0 ? difference / largest : std::numeric_limits<double>::infinity();
}

/// An array of a golden set, whatever its number type, as double.
inline std::vector<double> read_doubles(const std::filesystem::path& folder,
                                        const std::string& name) {
  const NpyArray array = read_npy(folder / (name + ".npy"));
  const auto widened = [](const auto& values) {
    return std::vector<double>(values.begin(), values.end());
  };
  if (array.dtype == "<f8") return array.as<double>();
  if (array.dtype == "<f4") return widened(array.as<float>());
  if (array.dtype == "<i4") return widened(array.as<std::int32_t>());
  return widened(array.as<std::uint8_t>());
}

/// The same as a (T, B, n) series.
inline reference::Series read_series(const std::filesystem::path& folder, const std::string& name) {
  const auto shape = read_npy(folder / (name + ".npy")).shape;
  if (shape.size() != 3) throw std::runtime_error(name + " is not (T, B, n)");
  reference::Series series(static_cast<int>(shape[0]), static_cast<int>(shape[1]),
                           static_cast<int>(shape[2]));
  series.values = read_doubles(folder, name);
  return series;
}

inline std::vector<double> normals(std::mt19937_64& generator, std::size_t n, double mean,
                                   double deviation) {
  std::normal_distribution<double> normal(mean, deviation);
  std::vector<double> values(n);
  for (double& value : values) value = normal(generator);
  return values;
}

inline std::vector<double> uniforms(std::mt19937_64& generator, std::size_t n, double low,
                                    double high) {
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> values(n);
  for (double& value : values) value = uniform(generator);
  return values;
}

inline reference::Series random_series(std::mt19937_64& generator, int n_steps, int n_samples,
                                       int n, double deviation) {
  reference::Series series(n_steps, n_samples, n);
  series.values = normals(generator, series.values.size(), 0.0, deviation);
  return series;
}

inline reference::Series random_spikes(std::mt19937_64& generator, int n_steps, int n_samples,
                                       int n, double rate) {
  reference::Series series(n_steps, n_samples, n);
  std::bernoulli_distribution fires(rate);
  for (double& value : series.values) value = fires(generator);
  return series;
}

/// A net whose every parameter differs between neurons and which, driven by random_spikes at a rate
/// of about 0.3, fires in some of the steps.
inline reference::AlifNet random_net(std::mt19937_64& generator, int n_inputs, int n) {
  const auto n_neurons = static_cast<std::size_t>(n);
  reference::AlifNet net;
  net.n_inputs = n_inputs;
  net.n = n;
  net.alpha = uniforms(generator, n_neurons, 0.85, 0.96);
  net.rho = uniforms(generator, n_neurons, 0.95, 0.99);
  net.beta = uniforms(generator, n_neurons, 0.5, 4.0);
  net.b0 = uniforms(generator, n_neurons, 0.7, 1.2);
  net.resistance = uniforms(generator, n_neurons, 1.0, 2.0);
  net.delta = 0.8;
  net.t_refractory = 2.0;
  net.weights =
      normals(generator, static_cast<std::size_t>(n_inputs) * n_neurons, 6.0 / n_inputs, 1.5);
  const std::vector<double> recurrent = normals(generator, n_neurons * n_neurons, 0.0, 0.7);
  net.weights.insert(net.weights.end(), recurrent.begin(), recurrent.end());
  return net;
}

inline double mean(const reference::Series& series) {
  double sum = 0.0;
  for (const double value : series.values) sum += value;
  return sum / static_cast<double>(series.values.size());
}

}  // namespace spikelane::test
