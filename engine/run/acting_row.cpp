#include "engine/run/acting_row.h"

#include <algorithm>
#include <cassert>

#include "kernels/core/double_math.h"

namespace spikelane {

ActingRow::ActingRow(const RunConfig& config, const Plan& plan, const KernlRule& rule,
                     const KernelTable& kernels, const ClosedLoop& loop)
    : rule_(config.rule.kernl),
      plan_(plan),
      loop_(loop),
      online_(plan, rule, rule_, kernels, pool_, 1, true),
      world_(loop.view().port.make_world ? loop.view().port.make_world(loop.view().port) : nullptr),
      error_scale_(plan.output().gain),
      state_(static_cast<std::size_t>(loop.view().port.n_state)),
      observation_(static_cast<std::size_t>(loop.view().port.n_observations)),
      x_(static_cast<std::size_t>(loop.n_inputs())),
      values_(static_cast<std::size_t>(plan.output().n)),
      error_(values_.size()),
      eligibility_(static_cast<std::size_t>(plan.n_parameters())),
      sum_(eligibility_.size()) {
  assert(loop.view().port.is_discrete && plan.output().n == loop.n_outputs() + 1);
}

ActingRow::~ActingRow() {
  if (world_) loop_.view().port.free_world(world_);
}

/// Draws a choice from the softmax of the values; what made it less likely is the error.
int ActingRow::draw_action(RandomKey key, int step) {
  const std::size_t n = values_.size() - 1;
  const double largest = *std::max_element(values_.begin(), values_.end() - 1);
  double sum = 0.0;
  for (std::size_t o = 0; o < n; ++o) sum += own_exp(static_cast<double>(values_[o]) - largest);
  key.step = static_cast<std::uint32_t>(step) + 1;  // the start is step 0 of the same stream
  const double drawn = static_cast<double>(random_uniform(0, key)) * sum;
  std::size_t chosen = n;
  double below = 0.0;
  for (std::size_t o = 0; o < n; ++o) {
    const double weight = own_exp(static_cast<double>(values_[o]) - largest);
    below += weight;
    if (chosen == n && (drawn < below || o + 1 == n)) chosen = o;
    error_[o] = static_cast<float>(weight / sum - (chosen == o ? 1.0 : 0.0)) * error_scale_;
  }
  error_[n] = static_cast<float>(-rule_.critic_weight) * error_scale_;
  return static_cast<int>(chosen);
}

void ActingRow::credit(double surprise, std::span<float> gradient) const {
  const auto factor = static_cast<float>(surprise);
  for (std::size_t i = 0; i < gradient.size(); ++i)
    gradient[i] = gradient[i] + factor * eligibility_[i];
}

ActedEpisode ActingRow::run(const float* block, const RandomKey& key, std::span<float> gradient) {
  const LoopView& loop = loop_.view();
  const int n_each = loop.control_steps, n_block = online_.k_steps() / n_each;
  std::fill(gradient.begin(), gradient.end(), 0.0f);
  std::fill(eligibility_.begin(), eligibility_.end(), 0.0f);
  online_.reset();
  loop.port.reset(loop.port, world_, key, state_.data(), observation_.data());
  ActedEpisode episode;
  // of the block at hand: its rewards, discount^n, (discount trace_decay)^n, V at its first step
  double rewards = 0.0, discount = 1.0, decay = 1.0, expected = 0.0;
  for (bool goes_on = true; goes_on;) {
    encode_observation(loop.observation, observation_.data(), x_.data(), 1);
    for (int k = 0; k < n_each; ++k) online_.act(block, x_);
    online_.state().copy_floats(plan_.output().at.v, plan_.output().n, values_.data());
    const auto value = static_cast<double>(values_.back());
    if (episode.length % n_block == 0) {
      if (episode.length > 0) credit(rewards + discount * value - expected, gradient);
      rewards = 0.0;
      discount = decay = 1.0;
      expected = value;
    }
    const auto action = static_cast<float>(draw_action(key, episode.length));
    const StepOutcome outcome =
        loop.port.step(loop.port, world_, &action, state_.data(), observation_.data());
    if (outcome.end != EpisodeEnd::kUnstable) {
      episode.total_return += outcome.reward;
      rewards += discount * ((1.0 - rule_.discount) * outcome.reward);
    }
    discount *= rule_.discount;
    decay *= rule_.discount * rule_.trace_decay;
    ++episode.length;
    goes_on = outcome.end == EpisodeEnd::kGoesOn && episode.length < loop.max_steps;
    if (online_.learn(block, error_, !goes_on)) {
      std::fill(sum_.begin(), sum_.end(), 0.0f);
      online_.take_gradient(sum_);
      const auto kept = static_cast<float>(decay);
      for (std::size_t i = 0; i < sum_.size(); ++i)
        eligibility_[i] = kept * eligibility_[i] + sum_[i];
    }
    if (goes_on) continue;
    const double last = outcome.end == EpisodeEnd::kGoesOn ? value : 0.0;
    credit(rewards + discount * last - expected, gradient);
  }
  return episode;
}

}  // namespace spikelane
