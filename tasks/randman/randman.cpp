#include "tasks/randman/randman.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/core/double_math.h"
#include "tasks/randman/legacy_random.h"

namespace spikelane {

namespace {

// torch.pow(x, alpha) of a float32 tensor: alpha is rounded to float first, the result once
float pow_rounded(float x, double alpha) {
  const float exponent = static_cast<float>(alpha);
  if (exponent == 2.0F) return x * x;
  return static_cast<float>(own_pow(static_cast<double>(x), static_cast<double>(exponent)));
}

// Amplitude, frequency and phase of every term of the series, for each unit and dimension.
struct Manifold {
  int n_units, dim, n_frequencies;
  std::vector<float> theta;  // (n_units, dim, 3, n_frequencies)

  Manifold(std::uint64_t seed, int units, int dimension, int frequencies)
      : n_units(units), dim(dimension), n_frequencies(frequencies) {
    TorchRandom random(seed);
    theta.resize(static_cast<std::size_t>(n_units) * dim * 3 * n_frequencies);
    for (float& value : theta) value = random.uniform();
  }

  const float* terms(int unit, int d) const {
    return theta.data() + (static_cast<std::size_t>(unit) * dim + d) * 3 * n_frequencies;
  }
};

std::vector<float> spectrum_of(double alpha, int n_frequencies) {
  std::vector<float> spectrum(n_frequencies);
  for (int i = 0; i < n_frequencies; ++i) {
    spectrum[i] = 1.0F / (pow_rounded(static_cast<float>(i) + 1.0F, alpha) + 1.0F);
  }
  return spectrum;
}

// sum over i of amplitude_i * spectrum_i * sin(2 pi (i x frequency_i + phase_i)), in float32 and in
// torch's order of operations; the term i = 0 has amplitude zero and is left out
void add_series(const float* terms, const std::vector<float>& spectrum, const float* x, int n,
                float* total) {
  constexpr float kTwoPi = static_cast<float>(2.0 * std::numbers::pi);
  const int n_frequencies = static_cast<int>(spectrum.size());
  for (int i = 1; i < n_frequencies; ++i) {
    const float index = static_cast<float>(i);
    const float scale = terms[i] * spectrum[i];
    const float frequency = terms[n_frequencies + i], phase = terms[2 * n_frequencies + i];
    for (int s = 0; s < n; ++s) {
      total[s] += scale * sin_rounded(kTwoPi * ((index * x[s]) * frequency + phase));
    }
  }
}

// values of one unit at the points x (dim, n), scaled to 0..1 over the n samples
void evaluate_unit(const Manifold& manifold, int unit, const std::vector<float>& spectrum,
                   const std::vector<float>& x, std::vector<float>& total, std::vector<float>& y) {
  const int n = static_cast<int>(y.size());
  std::fill(y.begin(), y.end(), 1.0F);
  for (int d = 0; d < manifold.dim; ++d) {
    std::fill(total.begin(), total.end(), 0.0F);
    add_series(manifold.terms(unit, d), spectrum, x.data() + static_cast<std::size_t>(d) * n, n,
               total.data());
    for (int s = 0; s < n; ++s) y[s] *= total[s];
  }
  const auto [low, high] = std::minmax_element(y.begin(), y.end());
  const float lowest = *low, range = (*high - *low) + 1e-7F;
  for (float& value : y) value = (value - lowest) / range;
}

// samples first .. first+n-1 of the spikes as events, by step, then unit
Dataset to_dataset(const RandmanSpikes& spikes, const RandmanConfig& config, int first, int n) {
  Dataset data;
  data.n_samples = n;
  data.n_steps = config.n_steps;
  data.n_inputs = config.n_units;
  const std::size_t width = spikes.n_spikes_a_sample;
  data.events.reserve(n * width);
  data.offsets.reserve(static_cast<std::size_t>(n) + 1);
  data.offsets.push_back(0);
  const auto is_before = [](const InputEvent& a, const InputEvent& b) {
    return a.step != b.step ? a.step < b.step : a.unit < b.unit;
  };
  const auto is_same = [](const InputEvent& a, const InputEvent& b) {
    return a.step == b.step && a.unit == b.unit;
  };
  for (int sample = first; sample < first + n; ++sample) {
    const auto begin = static_cast<std::ptrdiff_t>(data.events.size());
    for (std::size_t k = 0; k < width; ++k) {
      data.events.push_back(
          {spikes.steps[sample * width + k],
           static_cast<std::int32_t>(k % static_cast<std::size_t>(config.n_units))});
    }
    std::sort(data.events.begin() + begin, data.events.end(), is_before);
    data.events.erase(std::unique(data.events.begin() + begin, data.events.end(), is_same),
                      data.events.end());
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
    data.labels.push_back(spikes.labels[sample]);
  }
  return data;
}

}  // namespace

int n_randman_frequencies(double alpha) {
  constexpr double kPrecision = 0.001;
  constexpr int kMost = 1000;
  const double n = own_pow(kPrecision, -1.0 / alpha);
  // for alpha 3, 1.5 and 1 the number is whole: a last bit of pow must not make one more of it
  return static_cast<int>(
      std::min(std::ceil(n * (1.0 - 4.0 * std::numeric_limits<double>::epsilon())), 1.0 * kMost));
}

RandmanSpikes make_randman_spikes(const RandmanConfig& config) {
  const int n = config.n_samples_per_class, n_units = config.n_units, dim = config.dim_manifold;
  const std::size_t width = static_cast<std::size_t>(config.n_spikes) * n_units;
  RandmanSpikes spikes;
  spikes.n_samples = config.n_classes * n;
  spikes.n_spikes_a_sample = static_cast<int>(width);

  NumpyRandom random(static_cast<std::uint32_t>(config.seed));
  constexpr std::uint64_t kSeedBound = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < config.n_classes * config.n_spikes; ++i) {
    spikes.manifold_seeds.push_back(random.below(kSeedBound));
  }

  const std::vector<float> spectrum =
      spectrum_of(config.alpha, n_randman_frequencies(config.alpha));
  const double n_spike_steps = config.n_steps * config.step_fraction;
  std::vector<std::int32_t> steps(spikes.n_samples * width);  // in the order of the classes
  std::vector<float> x(static_cast<std::size_t>(dim) * n), total(n), y(n);
  for (int label = 0; label < config.n_classes; ++label) {
    // drawn as (n, dim), kept as (dim, n)
    for (int s = 0; s < n; ++s) {
      for (int d = 0; d < dim; ++d) {
        x[static_cast<std::size_t>(d) * n + s] = static_cast<float>(random.uniform());
      }
    }
    for (int i_spike = 0; i_spike < config.n_spikes; ++i_spike) {
      const Manifold manifold(spikes.manifold_seeds[label * config.n_spikes + i_spike], n_units,
                              dim, static_cast<int>(spectrum.size()));
      for (int unit = 0; unit < n_units; ++unit) {
        evaluate_unit(manifold, unit, spectrum, x, total, y);
        std::int32_t* out = steps.data() + (static_cast<std::size_t>(label) * n) * width +
                            static_cast<std::size_t>(i_spike) * n_units + unit;
        for (int s = 0; s < n; ++s) {
          // rough manifolds (alpha near 1) can reach 1.0 exactly, one step after the last
          const auto step = static_cast<std::int32_t>(static_cast<double>(y[s]) * n_spike_steps);
          out[s * width] = std::min(step, config.n_steps - 1);
        }
      }
    }
  }

  std::vector<std::int32_t> order(spikes.n_samples);
  for (int i = 0; i < spikes.n_samples; ++i) order[i] = i;
  if (config.shuffle) random.shuffle(order);
  spikes.steps.resize(steps.size());
  spikes.labels.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::copy_n(steps.data() + order[i] * width, width, spikes.steps.data() + i * width);
    spikes.labels[i] = order[i] / n;
  }
  return spikes;
}

TaskData make_randman(const RandmanConfig& config) {
  const RandmanSpikes spikes = make_randman_spikes(config);
  TaskData data;
  data.n_classes = config.n_classes;
  const int n_train = spikes.n_samples - config.n_test;
  data.train = to_dataset(spikes, config, 0, n_train);
  data.test = config.n_test == 0 ? data.train : to_dataset(spikes, config, n_train, config.n_test);
  return data;
}

}  // namespace spikelane
