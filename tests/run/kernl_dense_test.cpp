// Trial mode adds a row of weights for each presynaptic spike. Here is the dense form, every weight
// at every step, one number at a time: gradient = sum over samples, then over u descending, of
// z_j(u) * A_i(u). It has the same bits, on every instruction set.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/learning/kernl_memory.h"
#include "engine/run/kernl_evaluator.h"
#include "tests/run/kernl_net.h"

namespace spikelane::test {
namespace {

float without_tiny_bits(float x) { return std::fabs(x) < 0x1p-80f ? 0.0f : x; }

struct Filters {
  float fast = 0.0f, slow = 0.0f, traced = 0.0f;
};

/// What one sample's trial left behind, read as plain arrays.
struct Trial {
  const LearnedView& learned;
  const KernlView& rule;
  const KernlMemory& memory;
  int n_steps;

  const HistoryView& history() const { return memory.scratch().histories[learned.population]; }
  std::size_t at(int u, int i) const {
    return static_cast<std::size_t>((i / kLanes * n_steps + u) * kLanes + i % kLanes);
  }
  float h(int u, int i) const { return history().h[at(u, i)]; }
  bool has_h() const {
    return learned.place == DerivativePlace::kError || learned.place == DerivativePlace::kSeed;
  }
  float error(int u, int i, bool is_slow) const {
    const float* rate_error = is_slow ? learned.slow_rate_error : learned.rate_error;
    const float c = memory.kernl().source[i] * rule.signal[u] + rate_error[i];
    return has_h() ? h(u, i) * c : c;
  }
  /// L of the fast filter, or L' of the slow one.
  float signal(int u, int i, bool is_slow) const {
    const float* M = is_slow ? learned.slow_sensitivity : learned.sensitivity;
    if (!M) return is_slow ? learned.slow_gain[i] * error(u, i, true) : error(u, i, false);
    float sum = 0.0f;
    for (int k = 0; k < learned.n; ++k)
      sum = std::fma(error(u, k, is_slow), M[k * learned.n_padded + i], sum);
    return sum;
  }
  float a(int u, int i) const {
    if (learned.place == DerivativePlace::kError) return 1.0f;
    return learned.place == DerivativePlace::kTrace ? h(u, i) : history().s[at(u, i)];
  }
  /// One step back: A(u), and A(u) behind the synaptic trace.
  std::pair<float, float> step_back(int u, int i, Filters& x) const {
    const bool clears = u % 16 == 0;
    float error = signal(u, i, false);
    if (learned.has_slow) {
      const float slow = signal(u, i, true);
      error = error + h(u, i) * x.slow;
      x.slow = slow + (learned.slow_decay[i] - learned.slow_coupling[i] * h(u, i)) * x.slow;
    }
    x.fast = learned.decay[i] * x.fast + error;
    if (clears) x.fast = without_tiny_bits(x.fast), x.slow = without_tiny_bits(x.slow);
    const float row = a(u, i) * x.fast;
    x.traced = learned.delta * x.traced + row;
    if (clears) x.traced = without_tiny_bits(x.traced);
    return {row, x.traced};
  }
};

/// (steps, n) of 0 and 1.
std::vector<float> dense_spikes(const HistoryView& history, int n_steps, int n) {
  std::vector<float> z(static_cast<std::size_t>(n_steps * n), 0.0f);
  for (int t = 0; t < n_steps; ++t)
    for (int k = history.step_begin[t]; k < history.step_begin[t + 1]; ++k)
      z[static_cast<std::size_t>(t * n + history.units[k])] = 1.0f;
  return z;
}

std::vector<float> dense_inputs(const Dataset& data, int sample) {
  std::vector<float> z(static_cast<std::size_t>(data.n_steps * data.n_inputs), 0.0f);
  const auto at = static_cast<std::size_t>(sample);
  for (auto k = data.offsets[at]; k < data.offsets[at + 1]; ++k) {
    const InputEvent& event = data.events[static_cast<std::size_t>(k)];
    z[static_cast<std::size_t>(event.step * data.n_inputs + event.unit)] = 1.0f;
  }
  return z;
}

}  // namespace

TEST_CASE("kernl: the trial's event-driven gradient is the dense one's to the bit") {
  Net net = make_net();
  net.network.populations.erase(net.network.populations.begin() + 1);
  std::erase_if(net.network.projections, [](const ProjectionDescription& projection) {
    return projection.from == "second" || projection.to == "second";
  });
  net.network.populations[0].synaptic_decay = {0.7};
  struct Form {
    FilterKind filters;
    DerivativeAt place;
    SensitivityKind sensitivity;
  };
  const Form forms[] = {{FilterKind::kEprop, DerivativeAt::kError, SensitivityKind::kIdentity},
                        {FilterKind::kAdaptation, DerivativeAt::kError, SensitivityKind::kOneHop},
                        {FilterKind::kMembrane, DerivativeAt::kError, SensitivityKind::kRandom},
                        {FilterKind::kMembrane, DerivativeAt::kTrace, SensitivityKind::kIdentity},
                        {FilterKind::kMembrane, DerivativeAt::kSeed, SensitivityKind::kIdentity}};
  const auto plan = compile_plan(net.network, net.loss, kSteps, for_learning({}, true));
  Scene scene;
  scene.seed = 3;
  net.logical = scene_parameters(scene, *plan, 0);
  const Block block(net, *plan);
  for (const Form& form : forms)
    for (const KernelTable* kernels : runnable_kernels()) {
      INFO("filters ", static_cast<int>(form.filters), ", place ", static_cast<int>(form.place),
           ", M ", static_cast<int>(form.sensitivity), ", ", std::string(kernels->isa));
      KernlConfig config;
      config.filters = form.filters;
      config.derivative_at = form.place;
      config.sensitivity.kind = form.sensitivity;
      KernlRule rule(*plan, *kernels, config, 5);
      rule.follow_weights(block.data());
      const std::vector<double> rates(static_cast<std::size_t>(rule.n_neurons()), 0.02);
      rule.set_rates(rates);
      const KernlMemory memory(*plan, rule, config, false);
      const EncodedInputs inputs(*plan, net.data, all_samples());
      AlignedMemory sums(static_cast<std::size_t>(plan->n_block_floats()) * sizeof(float));
      auto* gradient = reinterpret_cast<float*>(sums.data());
      std::fill_n(gradient, plan->n_block_floats(), 0.0f);
      std::vector<float> dense(static_cast<std::size_t>(plan->n_block_floats()), 0.0f);
      const LearnedView& learned = rule.learned()[0];
      std::vector<std::int32_t> n_spikes(static_cast<std::size_t>(learned.n), 0);
      constexpr int kRun = 5;
      for (int sample = 0; sample < kRun; ++sample) {
        NotFinite not_finite{-1, 0, 0, 0};
        double loss = 0.0;
        std::uint8_t is_correct = 0;
        KernlTrialArgs args{};
        args.trial.plan = &plan->view();
        args.trial.parameters = block.data();
        args.trial.inputs = inputs.tiles().data() + sample;
        args.trial.n_tiles = 1;
        args.trial.t_end = kSteps;
        args.trial.first_tile = sample;
        args.trial.resets = args.trial.scores = 1;
        args.trial.tiles = memory.tile();
        args.trial.scratch = &memory.scratch();
        args.trial.labels = inputs.labels().data() + sample;
        args.trial.losses = &loss;
        args.trial.is_correct = &is_correct;
        args.trial.not_finite = &not_finite;
        args.rule = &rule.view();
        args.kernl = &memory.kernl();
        args.gradient = gradient;
        args.n_spikes = n_spikes.data();
        kernels->run_kernl_trials(args);

        const Trial trial{learned, rule.view(), memory, kSteps};
        const auto fired = dense_spikes(trial.history(), kSteps, learned.n);
        const auto x = dense_inputs(net.data, sample);
        const bool is_seed = form.place == DerivativeAt::kSeed;
        const PopulationView& population = plan->population(learned.population);
        for (int i = 0; i < learned.n; ++i) {
          Filters filters;
          for (int u = kSteps - 1; u >= 0; --u) {
            const auto [row, traced] = trial.step_back(u, i, filters);
            for (int q = 0; q < population.n_projections; ++q) {
              const ProjectionView& projection = population.projections[q];
              const bool is_input = projection.source == kInputSource;
              const int t_sent = is_input || is_seed ? u : u - 1;
              for (int j = 0; j < projection.n_pre && t_sent >= 0; ++j) {
                const float z =
                    (is_input ? x : fired)[static_cast<std::size_t>(t_sent * projection.n_pre + j)];
                float& sum = dense[static_cast<std::size_t>(projection.weight +
                                                            j * projection.weight_stride + i)];
                sum = std::fma(z, projection.delta > 0.0f ? traced : row, sum);
              }
            }
          }
        }
      }
      int total = 0;
      for (const std::int32_t n : n_spikes) total += n;
      REQUIRE(total > 0.02 * kRun * kSteps * learned.n);
      REQUIRE(total < 0.5 * kRun * kSteps * learned.n);
      const PopulationView& population = plan->population(learned.population);
      int n_compared = 0, n_different = 0, n_zero = 0;
      for (int q = 0; q < population.n_projections; ++q) {
        const ProjectionView& projection = population.projections[q];
        for (int j = 0; j < projection.n_pre; ++j)
          for (int i = 0; i < learned.n; ++i) {
            const auto at =
                static_cast<std::size_t>(projection.weight + j * projection.weight_stride + i);
            ++n_compared;
            n_different += gradient[at] != dense[at];
            n_zero += gradient[at] == 0.0f;
          }
      }
      CHECK(n_compared == (kInputs + kHidden) * kHidden);
      CHECK(n_different == 0);
      CHECK(n_zero < n_compared / 4);
    }
}

}  // namespace spikelane::test
