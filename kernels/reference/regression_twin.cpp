#include "kernels/reference/regression_twin.h"

#include <cmath>

#include "kernels/core/random.h"
#include "kernels/reference/twin.h"

namespace spikelane::reference {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

float cleared(float value, int t) {
  return t % 16 == 15 && std::fabs(value) < 0x1p-80f ? 0.0f : value;
}

// a filtered copy: driven by currents from outside
struct FilteredCopy {
  std::vector<float> v, b, refractory, threshold;
  explicit FilteredCopy(std::size_t n) : v(n), b(n), refractory(n), threshold(n) {}

  void step(const PopulationView& population, const std::vector<float>& current, int t) {
    const AlifView& alif = population.alif;
    for (std::size_t i = 0; i < v.size(); ++i) {
      const bool is_eligible = refractory[i] < 1.0f;
      if (is_eligible) v[i] = (population.beta[i] * v[i]) + (alif.input_gain[i] * current[i]);
      threshold[i] = population.threshold[i] + (alif.adaptation[i] * b[i]);
      const bool fires = is_eligible && v[i] >= threshold[i];
      if (fires) v[i] = alif.subtracts ? v[i] - threshold[i] : alif.v_reset[i];
      b[i] = alif.rho[i] * b[i];
      if (fires) b[i] = b[i] + alif.b_gain[i];
      const float left = refractory[i] - 1.0f;
      refractory[i] = left > 0.0f ? left : 0.0f;
      if (fires) refractory[i] = refractory[i] + alif.t_refractory[i];
      v[i] = cleared(v[i], t);
      b[i] = cleared(b[i], t);
    }
  }
};

double sum_of_squares(const std::vector<float>& d) {
  double total = 0.0;
  for (std::size_t i = 0; i < d.size(); i += 32) {
    double block[32];
    for (std::size_t k = 0; k < 32; ++k) {
      const double value = i + k < d.size() ? static_cast<double>(d[i + k]) : 0.0;
      block[k] = value * value;
    }
    for (std::size_t half = 16; half > 0; half /= 2)
      for (std::size_t k = 0; k < half; ++k) block[k] = block[k] + block[k + half];
    total = total + block[0];
  }
  return total;
}

void score(const RegressionView& rule, RegressionTwin& sums) {
  const std::size_t n = size(rule.n), stride = size(rule.n_padded);
  std::vector<float> d = sums.target;
  for (int f = 0; f < rule.n_filters; ++f)
    for (std::size_t i = 0; i < n; ++i) {
      float predicted = 0.0f;
      for (std::size_t j = 0; j < n; ++j)
        predicted = std::fma(sums.Theta[size(f)][j], rule.filters[f].sensitivity[j * stride + i],
                             predicted);
      d[i] = d[i] - predicted;
    }
  sums.loss = sums.loss + sum_of_squares(d);
  for (int f = 0; f < rule.n_filters; ++f)
    for (std::size_t j = 0; j < n; ++j) {
      float back = 0.0f;
      for (std::size_t i = 0; i < n; ++i) {
        back = std::fma(d[i], rule.filters[f].sensitivity[j * stride + i], back);
        float& to = sums.tensor[size(f)][j * n + i];
        to = std::fma(sums.Theta[size(f)][j], d[i], to);
      }
      float& to = sums.filter[size(f)][j];
      to = std::fma(back, sums.Gamma[size(f)][j], to);
    }
}

}  // namespace

float regression_noise(const RegressionView& rule, std::uint32_t update, std::uint32_t slot, int t,
                       int i) {
  const RandomKey key{rule.seed, static_cast<std::uint32_t>(t), update, Stream::kPerturbation,
                      slot};
  if (!rule.is_sign_noise) return rule.noise_std * random_normal(i, key);
  return (random_word(i / 32, key) >> i % 32 & 1u) != 0 ? rule.noise_std : -rule.noise_std;
}

void add_sample(const PlanView& plan, const float* block, const RegressionView& rule,
                std::span<const float> x, std::span<const float> psi, RegressionTwin& sums) {
  const PopulationView& population = plan.populations[rule.population];
  const ProjectionView& recurrent = population.projections[rule.recurrent];
  const std::size_t n = size(rule.n), n_inputs = size(plan.n_inputs);
  for (auto* of_filters : {&sums.Theta, &sums.Gamma})
    of_filters->assign(size(rule.n_filters), std::vector<float>(n));
  sums.tensor.resize(size(rule.n_filters), std::vector<float>(n * n));
  sums.filter.resize(size(rule.n_filters), std::vector<float>(n));
  sums.loss = 0.0;
  sums.target.assign(n, 0.0f);
  Twin net(plan, block), spiking_copy(plan, block);
  FilteredCopy copy(n);
  const TwinPopulation& state = net.population(rule.population);
  const TwinPopulation& copy_state = spiking_copy.population(rule.population);
  for (int t = 0; t < plan.n_steps; ++t) {
    const float* noise = psi.data() + size(t) * n;
    for (int f = 0; f < rule.n_filters; ++f)
      for (std::size_t i = 0; i < n; ++i) {
        const float k = rule.filters[f].decay[i];
        float &Theta = sums.Theta[size(f)][i], &Gamma = sums.Gamma[size(f)][i];
        Gamma = cleared(k * (Gamma - Theta), t);
        Theta = cleared((k * Theta) + noise[i], t);
      }
    std::vector<float> drive(n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        drive[i] = std::fma(
            noise[j],
            block[size(static_cast<int>(recurrent.weight)) + j * size(recurrent.weight_stride) + i],
            drive[i]);
    const auto inputs = x.subspan(size(t) * n_inputs, n_inputs);
    net.step(inputs);
    if (rule.is_spiking_copy) {
      spiking_copy.add_current(rule.population, drive);
      spiking_copy.step(inputs);
    } else {
      for (std::size_t i = 0; i < n; ++i) drive[i] = state.current[i] + drive[i];
      copy.step(population, drive, t);
    }
    for (std::size_t i = 0; i < n; ++i) {
      float v = state.v[i], v_copy = rule.is_spiking_copy ? copy_state.v[i] : copy.v[i];
      if (rule.is_distance) {
        v = v - state.effective_threshold[i];
        v_copy =
            v_copy - (rule.is_spiking_copy ? copy_state.effective_threshold[i] : copy.threshold[i]);
      }
      sums.target[i] = v_copy - v;
    }
    if (rule.is_every_step || t + 1 == plan.n_steps) score(rule, sums);
  }
}

}  // namespace spikelane::reference
