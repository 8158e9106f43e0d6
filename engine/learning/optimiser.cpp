#include "engine/learning/optimiser.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <utility>

#include "engine/config/user_error.h"

namespace spikelane {

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

void Optimiser::set_adam(OptimiserStep& step, double lr, std::uint64_t t) const {
  const bool is_decoupled = config_.kind == OptimiserKind::kAdamW;
  const float weight = static_cast<float>(1.0 - config_.beta1);
  step.formula = OptimiserFormula::kAdam;
  step.weight_decay = is_decoupled ? 0.0f : static_cast<float>(config_.weight_decay);
  step.shrinks = is_decoupled && config_.weight_decay != 0.0;
  step.shrink = static_cast<float>(1.0 - lr * config_.weight_decay);
  step.is_small = weight < 0.5f;
  step.lerp = step.is_small ? weight : weight - 1.0f;
  step.decay = static_cast<float>(config_.beta2);
  step.new_share = static_cast<float>(1.0 - config_.beta2);
  step.rate = static_cast<float>(-(lr / (1.0 - power(config_.beta1, t))));
  step.correction = static_cast<float>(std::sqrt(1.0 - power(config_.beta2, t)));
}

void Optimiser::set_rms_prop(OptimiserStep& step, double lr) const {
  step.decay = static_cast<float>(config_.decay);
  if (config_.epsilon_inside) {
    step.formula = OptimiserFormula::kRmsPropInside;
    step.new_share = 1.0f - step.decay;
    step.rate = static_cast<float>(lr);
  } else {
    step.formula = OptimiserFormula::kRmsProp;
    step.new_share = static_cast<float>(1.0 - config_.decay);
    step.rate = -static_cast<float>(lr);
  }
}

std::vector<OptimiserStep> Optimiser::next_steps(double lr,
                                                 std::span<const ParameterRange> searched) const {
  std::vector<OptimiserStep> steps;
  for (const ParameterRange& range : searched) {
    const auto t =
        static_cast<std::uint64_t>(state_.n_updates[static_cast<std::size_t>(range.tensor)]) + 1;
    OptimiserStep& step = steps.emplace_back();
    step.weight_decay = static_cast<float>(config_.weight_decay);
    step.epsilon = static_cast<float>(config_.epsilon);
    step.momentum = static_cast<float>(config_.momentum);
    step.has_momentum = config_.momentum != 0.0;
    step.is_nesterov = config_.nesterov;
    step.is_first = t == 1;
    switch (config_.kind) {
      case OptimiserKind::kAdam:
      case OptimiserKind::kAdamW:
        set_adam(step, lr, t);
        break;
      case OptimiserKind::kSgd:
        step.formula = OptimiserFormula::kSgd;
        step.rate = static_cast<float>(-lr);
        break;
      case OptimiserKind::kRmsProp:
        set_rms_prop(step, lr);
        break;
    }
  }
  return steps;
}

void Optimiser::count_update(std::span<const ParameterRange> searched) {
  for (const ParameterRange& range : searched)
    ++state_.n_updates[static_cast<std::size_t>(range.tensor)];
}

template <class StepEntries>
void Optimiser::step_each(std::span<float> parameters, std::span<const float> gradient, double lr,
                          std::span<const ParameterRange> searched, StepEntries step_entries_of) {
  assert(parameters.size() == gradient.size());
  const std::vector<OptimiserStep> steps = next_steps(lr, searched);
  // a vector that is not there is not looked at
  const auto vector_of = [&](std::size_t i) {
    return i < state_.vectors.size() ? state_.vectors[i].values.data() : parameters.data();
  };
  for (std::size_t k = 0; k < searched.size(); ++k) {
    const ParameterRange& range = searched[k];
    assert(0 <= range.begin && range.begin <= range.end);
    assert(static_cast<std::size_t>(range.end) <= parameters.size());
    // a copy, which no store to an array can change
    const OptimiserStep step = steps[k];
    step_entries_of(step, gradient.data(), parameters.data(), vector_of(0), vector_of(1),
                    range.begin, range.end);
  }
}

void Optimiser::update(std::span<float> parameters, std::span<const float> gradient, double lr,
                       std::span<const ParameterRange> searched) {
  step_each(parameters, gradient, lr, searched,
            [](const auto&... all) { step_entries(all..., 1); });
  count_update(searched);
}

void Optimiser::decay_only(std::span<float> parameters, std::span<const float> gradient, double lr,
                           std::span<const ParameterRange> searched) {
  step_each(parameters, gradient, lr, searched,
            [](const auto&... all) { decay_entries(all..., 1); });
  if (counts_decay()) count_update(searched);
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
