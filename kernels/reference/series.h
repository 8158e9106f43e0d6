// A double for every step, sample and unit: what the oracles read and write.
#pragma once

#include <cstddef>
#include <vector>

namespace spikelane::reference {

/// (T, B, n) doubles, the unit fastest. All zero when made. Indices are not checked.
struct Series {
  int n_steps = 0, n_samples = 0, n = 0;
  std::vector<double> values;

  Series() = default;
  Series(int steps, int samples, int units)
      : n_steps(steps),
        n_samples(samples),
        n(units),
        values(static_cast<std::size_t>(steps) * static_cast<std::size_t>(samples) *
               static_cast<std::size_t>(units)) {}

  std::size_t index(int t, int b, int i) const {
    return (static_cast<std::size_t>(t) * static_cast<std::size_t>(n_samples) +
            static_cast<std::size_t>(b)) *
               static_cast<std::size_t>(n) +
           static_cast<std::size_t>(i);
  }
  double& at(int t, int b, int i) { return values[index(t, b, i)]; }
  double at(int t, int b, int i) const { return values[index(t, b, i)]; }
  /// The n values of a step and sample.
  const double* row(int t, int b) const { return values.data() + index(t, b, 0); }
  double* row(int t, int b) { return values.data() + index(t, b, 0); }
};

}  // namespace spikelane::reference
