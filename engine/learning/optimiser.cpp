#include "engine/learning/optimiser.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <utility>

#include "engine/config/user_error.h"

namespace spikelane {

namespace {

// the gradient with weight decay as a pull towards zero; wd = 0 leaves every bit alone
inline float decayed(float gradient, float parameter, float weight_decay) {
  return weight_decay == 0.0f ? gradient : std::fma(parameter, weight_decay, gradient);
}

}  // namespace

Optimiser::Optimiser(const OptimiserConfig& config, std::span<const ParameterTensor> tensors)
    : config_(config) {
  std::int64_t n_parameters = 0;
  for (const ParameterTensor& tensor : tensors) n_parameters = std::max(n_parameters, tensor.end);
  const auto add = [&](const char* name, double start) {
    state_.vectors.push_back({name, std::vector<float>(static_cast<std::size_t>(n_parameters),
                                                       static_cast<float>(start))});
  };
  state_.n_updates.assign(tensors.size(), 0);
  switch (config.kind) {
    case OptimiserKind::kAdam:
    case OptimiserKind::kAdamW:
      add("optimiser.m", 0.0);
      add("optimiser.v", 0.0);
      break;
    case OptimiserKind::kSgd:
      if (config.momentum != 0.0) add("optimiser.momentum", 0.0);
      break;
    case OptimiserKind::kRmsProp:
      add("optimiser.mean_square", config.start_mean_square);
      if (config.momentum != 0.0) add("optimiser.momentum", 0.0);
      break;
  }
}

void Optimiser::update(std::span<float> parameters, std::span<const float> gradient, double lr,
                       std::span<const ParameterRange> searched) {
  assert(parameters.size() == gradient.size());
  for (const ParameterRange& range : searched) {
    assert(0 <= range.begin && range.begin <= range.end);
    assert(static_cast<std::size_t>(range.end) <= parameters.size());
    ++state_.n_updates[static_cast<std::size_t>(range.tensor)];
    switch (config_.kind) {
      case OptimiserKind::kAdam:
      case OptimiserKind::kAdamW:
        step_adam(parameters.data(), gradient.data(), lr, range);
        break;
      case OptimiserKind::kSgd:
        step_sgd(parameters.data(), gradient.data(), lr, range);
        break;
      case OptimiserKind::kRmsProp:
        step_rms_prop(parameters.data(), gradient.data(), lr, range);
        break;
    }
  }
}

void Optimiser::step_adam(float* p, const float* gradient, double lr, const ParameterRange& range) {
  const auto t =
      static_cast<std::uint64_t>(state_.n_updates[static_cast<std::size_t>(range.tensor)]);
  const bool is_decoupled = config_.kind == OptimiserKind::kAdamW;
  const float wd = is_decoupled ? 0.0f : static_cast<float>(config_.weight_decay);
  const float shrink = static_cast<float>(1.0 - lr * config_.weight_decay);
  const bool shrinks = is_decoupled && config_.weight_decay != 0.0;
  const float weight = static_cast<float>(1.0 - config_.beta1);
  const bool is_small = weight < 0.5f;
  const float lerp = is_small ? weight : weight - 1.0f;
  const float beta2 = static_cast<float>(config_.beta2);
  const float new_share = static_cast<float>(1.0 - config_.beta2);
  const float epsilon = static_cast<float>(config_.epsilon);
  const float rate = static_cast<float>(-(lr / (1.0 - power(config_.beta1, t))));
  const float correction = static_cast<float>(std::sqrt(1.0 - power(config_.beta2, t)));

  float* m = vector_of(0);
  float* v = vector_of(1);
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    if (shrinks) p[i] = p[i] * shrink;
    const float g = decayed(gradient[i], p[i], wd);
    m[i] = std::fma(g - m[i], lerp, is_small ? m[i] : g);
    v[i] = std::fma(new_share * g, g, v[i] * beta2);
    const float root = std::sqrt(v[i]) / correction + epsilon;
    p[i] = p[i] + (rate * m[i]) / root;
  }
}

void Optimiser::step_sgd(float* p, const float* gradient, double lr, const ParameterRange& range) {
  const bool is_first = state_.n_updates[static_cast<std::size_t>(range.tensor)] == 1;
  const float wd = static_cast<float>(config_.weight_decay);
  const float momentum = static_cast<float>(config_.momentum);
  const float rate = static_cast<float>(-lr);
  float* b = state_.vectors.empty() ? nullptr : vector_of(0);
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const float g = decayed(gradient[i], p[i], wd);
    float direction = g;
    if (b != nullptr) {
      b[i] = is_first ? g : momentum * b[i] + g;
      direction = config_.nesterov ? std::fma(b[i], momentum, g) : b[i];
    }
    p[i] = std::fma(direction, rate, p[i]);
  }
}

void Optimiser::step_rms_prop(float* p, const float* gradient, double lr,
                              const ParameterRange& range) {
  const float wd = static_cast<float>(config_.weight_decay);
  const float momentum = static_cast<float>(config_.momentum);
  const float rate = static_cast<float>(lr);
  const float decay = static_cast<float>(config_.decay);
  const float epsilon = static_cast<float>(config_.epsilon);
  float* ms = vector_of(0);
  float* mom = state_.vectors.size() > 1 ? vector_of(1) : nullptr;

  if (config_.epsilon_inside) {
    const float new_share = 1.0f - decay;
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float g = decayed(gradient[i], p[i], wd);
      ms[i] = ms[i] + (g * g - ms[i]) * new_share;
      const float fresh = (rate * g) / std::sqrt(ms[i] + epsilon);
      const float step = mom != nullptr ? mom[i] * momentum + fresh : fresh;
      if (mom != nullptr) mom[i] = step;
      p[i] = p[i] - step;
    }
    return;
  }
  const float new_share = static_cast<float>(1.0 - config_.decay);
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const float g = decayed(gradient[i], p[i], wd);
    ms[i] = std::fma(new_share * g, g, ms[i] * decay);
    const float root = std::sqrt(ms[i]) + epsilon;
    if (mom != nullptr) {
      mom[i] = mom[i] * momentum + g / root;
      p[i] = std::fma(mom[i], -rate, p[i]);
    } else {
      p[i] = p[i] + (-rate * g) / root;
    }
  }
}

void Optimiser::restore(OptimiserState state) {
  bool fits = state.n_updates.size() == state_.n_updates.size() &&
              state.vectors.size() == state_.vectors.size() &&
              std::all_of(state.n_updates.begin(), state.n_updates.end(),
                          [](std::int64_t n) { return n >= 0; });
  for (std::size_t i = 0; fits && i < state.vectors.size(); ++i)
    fits = state.vectors[i].name == state_.vectors[i].name &&
           state.vectors[i].values.size() == state_.vectors[i].values.size();
  if (!fits) throw RunError("the saved optimiser state does not belong to this optimiser");
  state_ = std::move(state);
}

}  // namespace spikelane
