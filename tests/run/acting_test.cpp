// Learning from reward while acting: the gradient against REINFORCE written out with naive traces
// of every step, the same bits in every form, and a cart-pole that is learned.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "engine/config/parse_config.h"
#include "engine/learning/members.h"
#include "engine/run/acting_trainer.h"
#include "engine/run/episode_trials.h"
#include "kernels/core/double_math.h"
#include "kernels/reference/twin.h"
#include "tasks/load_task.h"

namespace spikelane {
namespace {

RunConfig acting_config(const std::vector<std::string>& changes = {}) {
  RunConfig config = parse_config(R"({"seed": 5,
    "task": {"kind": "cartpole", "n_episodes": 12, "n_test_episodes": 20, "max_steps": 60,
      "control_steps": 3, "observation": {"coding": "gaussian", "n_fields": 6,
        "low": [-2.4, -2, -0.2, -2], "high": [2.4, 2, 0.2, 2]}},
    "network": {"populations": [
      {"name": "hidden", "model": "alif", "n": 21, "alpha": 0.8, "resistance": "unit_gain",
       "adaptation": 0.2, "rho": 0.95, "adaptation_scaling": "whole_spikes", "reset": "subtract"},
      {"name": "output", "model": "readout", "n": 3, "beta": 0.7, "gain": 0.3}],
    "projections": [
      {"from": "input", "to": "hidden", "init": {"kind": "normal", "std": 0.4}},
      {"from": "hidden", "to": "hidden", "init": {"kind": "normal", "std": 0.2}},
      {"from": "hidden", "to": "output", "init": {"kind": "normal", "std": 0.3},
       "bias": {"kind": "normal", "std": 0.1}}]},
    "rule": {"kind": "kernl", "mode": "acting", "k_steps": 15, "discount": 0.95,
      "trace_decay": 0.8, "critic_weight": 0.7, "optimiser": {"kind": "adam", "lr": 0.02}},
    "run": {"n_updates": 3}})",
                                  "acting", changes);
  const TaskShape shape = describe_task(config);
  config.network.n_inputs = shape.n_inputs;
  check_against_task(config, shape.n_inputs, shape.n_steps, shape.n_classes, shape.n_train,
                     shape.n_test);
  return config;
}

// the synapses of one projection, in double: three traces each, advanced in every step
struct NaiveTraces {
  std::size_t n_pre, n_post;
  std::vector<double> fast, slow, read;
  NaiveTraces(std::size_t pre, std::size_t post)
      : n_pre(pre), n_post(post), fast(pre * post), slow(pre * post), read(pre * post) {}

  void advance(std::span<const float> z, std::span<const double> h, const PopulationView& hidden,
               double kappa) {
    for (std::size_t j = 0; j < n_pre; ++j)
      for (std::size_t i = 0; i < n_post; ++i) {
        const std::size_t k = j * n_post + i;
        const double pull = static_cast<double>(hidden.alif.b_gain[i]) * hidden.alif.adaptation[i];
        fast[k] = static_cast<double>(hidden.beta[i]) * fast[k] + static_cast<double>(z[j]);
        const double e = h[i] * (fast[k] - pull * slow[k]);
        slow[k] = static_cast<double>(hidden.alif.rho[i]) * slow[k] + e;
        read[k] = kappa * read[k] + e;
      }
  }
};

struct Written {
  double total_return = 0.0;
  int length = 0;
  std::vector<double> gradient;  // (P)
  double n_spikes = 0.0;
};

// grad log p of each drawn action, and of the critic's values, kept for every control step; then
// each is multiplied with what came after it
Written write_out(const RunConfig& config, const Plan& plan, const ClosedLoop& closed,
                  const std::vector<float>& parameters, const float* block, const RandomKey& key) {
  const KernlConfig& rule = config.rule.kernl;
  const LoopView& loop = closed.view();
  const PopulationView& hidden = plan.population(0);
  const auto n = static_cast<std::size_t>(hidden.n),
             n_inputs = static_cast<std::size_t>(closed.n_inputs());
  const std::size_t n_outputs = 3;
  const double kappa = static_cast<double>(plan.output().beta[0]);
  const double gain = static_cast<double>(plan.output().gain);
  reference::Twin twin(plan.view(), block);
  NaiveTraces from_input(n_inputs, n), from_hidden(n, n);
  std::vector<double> z(n), h(n), values, rewards;
  double z_bias = 0.0;
  std::vector<float> last(n, 0.0f), x(n_inputs), observation(4);
  std::vector<double> state(4);
  std::vector<std::vector<double>> score;  // of each control step, (P)
  loop.port.reset(loop.port, nullptr, key, state.data(), observation.data());
  const std::size_t at_hidden = n_inputs * n, at_output = at_hidden + n * n,
                    at_bias = at_output + n * n_outputs;
  Written written;
  bool has_fallen = false;
  while (!has_fallen && written.length < loop.max_steps) {
    encode_observation(loop.observation, observation.data(), x.data(), 1);
    for (int k = 0; k < loop.control_steps; ++k) {
      twin.step(x);
      const reference::TwinPopulation& now = twin.population(0);
      for (std::size_t i = 0; i < n; ++i) {
        const double B = now.effective_threshold[i];
        const double u = std::abs(static_cast<double>(now.v_before_reset[i]) - B) / B;
        h[i] = now.is_eligible[i] != 0.0f ? rule.gamma * std::max(0.0, 1.0 - u) : 0.0;
        z[i] = kappa * z[i] + static_cast<double>(now.s[i]);
        written.n_spikes += static_cast<double>(now.s[i]);
      }
      z_bias = kappa * z_bias + 1.0;
      from_input.advance(x, h, hidden, kappa);
      from_hidden.advance(last, h, hidden, kappa);
      last = now.s;
    }
    const std::vector<float>& v = twin.population(1).v;
    const double first = std::exp(static_cast<double>(v[0])),
                 second = std::exp(static_cast<double>(v[1]));
    RandomKey action_key = key;
    action_key.step = static_cast<std::uint32_t>(written.length) + 1;
    const double p_first = first / (first + second);
    const float action = static_cast<double>(random_uniform(0, action_key)) < p_first ? 0.0f : 1.0f;
    const double error[3] = {gain * (p_first - (action == 0.0f)),
                             gain * ((1.0 - p_first) - (action == 1.0f)),
                             -gain * rule.critic_weight};
    std::vector<double> g(parameters.size());
    for (std::size_t i = 0; i < n; ++i) {
      double q = 0.0;
      for (std::size_t o = 0; o < n_outputs; ++o) {
        q += error[o] * static_cast<double>(parameters[at_output + i * n_outputs + o]);
        g[at_output + i * n_outputs + o] = error[o] * z[i];
      }
      for (std::size_t j = 0; j < n_inputs; ++j) g[j * n + i] = q * from_input.read[j * n + i];
      for (std::size_t j = 0; j < n; ++j)
        g[at_hidden + j * n + i] = q * from_hidden.read[j * n + i];
    }
    for (std::size_t o = 0; o < n_outputs; ++o) g[at_bias + o] = error[o] * z_bias;
    score.push_back(std::move(g));
    values.push_back(v[2]);
    const StepOutcome outcome =
        loop.port.step(loop.port, nullptr, &action, state.data(), observation.data());
    rewards.push_back((1.0 - rule.discount) * outcome.reward);
    written.total_return += outcome.reward;
    ++written.length;
    has_fallen = outcome.end != EpisodeEnd::kGoesOn;
  }
  // a surprise at the end of each block, for the actions of this block and those before it
  written.gradient.resize(parameters.size());
  const int n_block = rule.k_steps / loop.control_steps;
  for (int begin = 0; begin < written.length; begin += n_block) {
    const int end = std::min(begin + n_block, written.length);
    double surprise = -values[static_cast<std::size_t>(begin)];
    for (int c = begin; c < end; ++c)
      surprise += std::pow(rule.discount, c - begin) * rewards[static_cast<std::size_t>(c)];
    const bool is_last = end == written.length;
    if (!is_last || !has_fallen)
      surprise += std::pow(rule.discount, end - begin) *
                  values[static_cast<std::size_t>(is_last ? end - 1 : end)];
    for (int c = 0; c < end; ++c) {
      // whole blocks lie between: an action's eligibility fades from its block's end on
      const int block_end = std::min((c / n_block + 1) * n_block, written.length);
      const double kept = std::pow(rule.discount * rule.trace_decay, end - block_end);
      for (std::size_t i = 0; i < parameters.size(); ++i)
        written.gradient[i] += surprise * kept * score[static_cast<std::size_t>(c)][i];
    }
  }
  return written;
}

std::string hash_after(const RunConfig& config, const KernelTable& kernels, int n_threads,
                       int n_updates) {
  const TaskData data = load_task(config);
  ThreadPool pool(n_threads);
  ActingTrainer trainer(config, {}, kernels, pool, *data.loop);
  for (int u = 0; u < n_updates; ++u) trainer.update();
  return trainer.state_hash();
}

}  // namespace

TEST_CASE("acting: the gradient is REINFORCE's with a critic, written out with naive traces") {
  for (const char* k_steps : {"rule.k_steps=3", "rule.k_steps=15", "rule.k_steps=600"}) {
    CAPTURE(k_steps);
    const RunConfig config = acting_config({k_steps});
    const TaskData data = load_task(config);
    const KernelTable& kernels = *runnable_kernels().back();
    const auto plan = compile_plan(config.network, config.loss, data.loop->n_steps(),
                                   for_learning(PlanOptions{}, true));
    KernlRule rule(*plan, kernels, config.rule.kernl, config.seed);
    const std::vector<float> parameters = draw_start(kernels, *plan, config.seed);
    AlignedMemory memory(static_cast<std::size_t>(plan->n_block_floats()) * sizeof(float));
    auto* block = reinterpret_cast<float*>(memory.data());
    plan->fill_block(parameters.data(), block);
    rule.follow_weights(block);
    ActingRow row(config, *plan, rule, kernels, *data.loop);
    int n_timed_out = 0;
    for (std::uint32_t episode = 0; episode < 12; ++episode) {
      const RandomKey key{config.seed, 0, 7, Stream::kEnvironment, episode};
      std::vector<float> gradient(parameters.size(), 1.0f);
      const ActedEpisode acted = row.run(block, key, gradient);
      const Written written = write_out(config, *plan, *data.loop, parameters, block, key);
      CHECK(written.n_spikes > 0.01 * 21 * 3 * written.length);
      CHECK(acted.length == written.length);
      CHECK(acted.total_return == written.total_return);
      n_timed_out += acted.length == 60;
      for (const ParameterTensor& tensor : plan->parameter_tensors()) {
        double largest = 0.0, difference = 0.0;
        for (auto i = static_cast<std::size_t>(tensor.begin);
             i < static_cast<std::size_t>(tensor.end); ++i) {
          largest = std::max(largest, std::abs(written.gradient[i]));
          difference = std::max(difference, std::abs(gradient[i] - written.gradient[i]));
        }
        CAPTURE(tensor.name);
        CHECK(largest > 0.0);
        CHECK(difference <= 2e-5 * largest);
      }
    }
    CHECK(n_timed_out < 12);
  }
}

TEST_CASE("acting: the same bits on every ISA and number of threads") {
  const RunConfig config = acting_config();
  const std::string expected = hash_after(config, *runnable_kernels().front(), 1, 3);
  for (const KernelTable* kernels : runnable_kernels())
    CHECK(hash_after(config, *kernels, 2, 3) == expected);
  for (const int n_threads : {1, 3, 4})
    CHECK(hash_after(config, *runnable_kernels().back(), n_threads, 3) == expected);
  CHECK(hash_after(acting_config({"seed=6"}), *runnable_kernels().back(), 1, 3) != expected);
}

TEST_CASE("acting: a restored trainer goes on to the same bits") {
  const RunConfig config = acting_config({"rule.average_decay=0.9"});
  const TaskData data = load_task(config);
  const KernelTable& kernels = *runnable_kernels().back();
  ThreadPool pool(2);
  ActingTrainer first(config, {}, kernels, pool, *data.loop);
  first.update();
  first.update();
  StateSaver saver;
  first.visit_state(saver);
  const std::vector<Tensor> saved = saver.take();
  ActingTrainer second(config, {}, kernels, pool, *data.loop);
  StateRestorer restorer(saved, "saved");
  second.visit_state(restorer);
  restorer.finish();
  CHECK(second.state_hash() == first.state_hash());
  first.update();
  second.update();
  CHECK(second.state_hash() == first.state_hash());
  CHECK(second.n_updates() == 3);
}

TEST_CASE("acting: a cart-pole is learned") {
  const RunConfig config = acting_config(
      {"task.max_steps=200", "task.control_steps=2", "rule.k_steps=10", "rule.trace_decay=0.9"});
  const TaskData data = load_task(config);
  const KernelTable& kernels = *runnable_kernels().back();
  ThreadPool pool(2);
  ActingTrainer trainer(config, {}, kernels, pool, *data.loop);
  EpisodeTest test(config, {}, kernels, pool, *data.loop);
  const double before = *test.run(trainer.parameters(), 0).mean_return;
  for (int u = 0; u < 60; ++u) trainer.update();
  const double after = *test.run(trainer.parameters(), 0).mean_return;
  CAPTURE(before);
  CAPTURE(after);
  // actions at random hold it for 22 steps
  CHECK(after > 88.0);
  CHECK(after > 1.5 * before);
}

}  // namespace spikelane
