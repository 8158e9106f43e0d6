// Three generations of an evolution strategy by hand: what the spiking half makes of the golden
// members, counts and losses. (The learning half: tests/learning/evolution_strategy.cpp.)
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/learning/sums.h"
#include "engine/run/evaluator.h"
#include "engine/run/simulation.h"
#include "tests/golden.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

struct Generations {
  std::filesystem::path folder;
  json params;
  std::size_t n_members, n_draws, n_generations, n_samples, n_outputs;
  std::vector<float> start;          // all parameters
  std::vector<std::size_t> trained;  // (P) places of the searched ones
  std::vector<float> eps;            // (G, D, P)
  Dataset data;
  NetworkDescription network;

  template <class T>
  std::vector<T> array(const std::string& name) const {
    return read_npy(folder / (name + ".npy")).as<T>();
  }
};

NetworkDescription describe_network(const json& params) {
  REQUIRE(params.at("reset") == "subtract, delayed");
  NetworkDescription network;
  network.n_inputs = params.at("sizes").at(0);
  const char* names[] = {"hidden", "output"};
  for (std::size_t layer = 0; layer < 2; ++layer) {
    PopulationDescription population;
    population.name = names[layer];
    population.n = params.at("sizes").at(layer + 1);
    population.beta = {params.at("beta").get<double>()};
    population.threshold = {params.at("theta").get<double>()};
    network.populations.push_back(population);
    ProjectionDescription projection;
    projection.from = layer == 0 ? "input" : "hidden";
    projection.to = names[layer];
    projection.has_bias = true;
    network.projections.push_back(projection);
  }
  return network;
}

Generations read_generations(const std::filesystem::path& folder) {
  Generations g;
  g.folder = folder;
  std::ifstream in(folder / "params.json");
  g.params = json::parse(in);
  g.network = describe_network(g.params);
  g.n_members = g.params.at("members");
  g.n_draws = g.params.at("antithetic").get<bool>() ? g.n_members / 2 : g.n_members;
  g.n_generations = g.params.at("generations");
  g.n_outputs = static_cast<std::size_t>(g.network.populations[1].n);
  g.start = g.array<float>("mean_before");
  const auto is_trained = g.array<std::uint8_t>("trained");
  for (std::size_t i = 0; i < is_trained.size(); ++i)
    if (is_trained[i]) g.trained.push_back(i);
  g.eps = g.array<float>("eps");
  REQUIRE(g.eps.size() == g.n_generations * g.n_draws * g.trained.size());

  Dataset& data = g.data;
  data.labels = g.array<std::int32_t>("labels");
  g.n_samples = data.labels.size();
  data.n_samples = static_cast<int>(g.n_samples);
  data.n_steps = g.params.at("steps");
  data.n_inputs = g.network.n_inputs;
  const auto steps = g.array<std::int32_t>("event_steps");
  const auto n_inputs = static_cast<std::size_t>(data.n_inputs);
  data.offsets.push_back(0);
  for (std::size_t b = 0; b < g.n_samples; ++b) {
    const auto begin = data.events.size();
    for (std::size_t i = 0; i < n_inputs; ++i)
      data.events.push_back({steps[b * n_inputs + i], static_cast<std::int32_t>(i)});
    std::stable_sort(data.events.begin() + static_cast<std::ptrdiff_t>(begin), data.events.end(),
                     [](const InputEvent& a, const InputEvent& c) { return a.step < c.step; });
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  return g;
}

// w1 (H, I), b1, w2 (O, H), b2 -> ours: weights (pre, post), then biases
std::vector<float> to_own_order(const Generations& g, const std::vector<float>& flat) {
  const auto n_inputs = static_cast<std::size_t>(g.network.n_inputs);
  const auto n_hidden = static_cast<std::size_t>(g.network.populations[0].n);
  const std::size_t b1 = n_hidden * n_inputs, w2 = b1 + n_hidden, b2 = w2 + g.n_outputs * n_hidden;
  REQUIRE(flat.size() == b2 + g.n_outputs);
  std::vector<float> own;
  for (std::size_t j = 0; j < n_inputs; ++j)
    for (std::size_t i = 0; i < n_hidden; ++i) own.push_back(flat[i * n_inputs + j]);
  for (std::size_t j = 0; j < n_hidden; ++j)
    for (std::size_t i = 0; i < g.n_outputs; ++i) own.push_back(flat[w2 + i * n_hidden + j]);
  own.insert(own.end(), flat.begin() + static_cast<std::ptrdiff_t>(b1),
             flat.begin() + static_cast<std::ptrdiff_t>(w2));
  own.insert(own.end(), flat.begin() + static_cast<std::ptrdiff_t>(b2), flat.end());
  return own;
}

// theta_m = mean + sigma*eps, antithetic members in pairs
std::vector<std::vector<float>> members_of(const Generations& g, const std::vector<float>& mean,
                                           std::size_t generation) {
  const bool antithetic = g.params.at("antithetic");
  const auto sigma = static_cast<float>(g.params.at("sigma").get<double>());
  std::vector<std::vector<float>> members;
  for (std::size_t m = 0; m < g.n_members; ++m) {
    const std::size_t draw = antithetic ? m / 2 : m;
    const float sign = antithetic && m % 2 == 1 ? -1.0f : 1.0f;
    const float* eps = g.eps.data() + (generation * g.n_draws + draw) * g.trained.size();
    std::vector<float> theta = mean;
    for (std::size_t k = 0; k < g.trained.size(); ++k) {
      const float step = sigma * (sign * eps[k]);
      theta[g.trained[k]] = theta[g.trained[k]] + step;
    }
    members.push_back(to_own_order(g, theta));
  }
  return members;
}

struct GoldenScores {
  std::vector<std::int32_t> counts;  // (M, B, O)
  const double* losses;              // (M)
  const double* accuracies;          // (M)
};

void check_generation(const Generations& g, const Plan& plan, const KernelTable& kernels,
                      ThreadPool& pool, const EncodedInputs& inputs,
                      const std::vector<std::vector<float>>& members, const GoldenScores& golden) {
  Simulation simulation(plan, kernels, pool, static_cast<int>(g.n_members), g.data.n_samples,
                        g.data.n_steps);
  for (std::size_t m = 0; m < g.n_members; ++m)
    simulation.set_parameters(static_cast<int>(m), members[m]);
  simulation.run(inputs, g.data.n_steps);
  std::vector<std::int32_t> counts;
  const PopulationView& output = plan.output();
  for (float n : simulation.state().gather_floats(output.at.n_spikes, output.n))
    counts.push_back(static_cast<std::int32_t>(n));
  CHECK(counts == golden.counts);
  CHECK(*std::max_element(counts.begin(), counts.end()) > 0);

  Evaluator evaluator(plan, kernels, pool);
  TrialScores scores;
  evaluator.run(
      static_cast<int>(g.n_members),
      [&](int m, float* block) {
        plan.fill_block(members[static_cast<std::size_t>(m)].data(), block);
      },
      inputs, scores);
  const auto n_samples = static_cast<double>(g.n_samples);
  for (std::size_t m = 0; m < g.n_members; ++m) {
    const auto own = std::span(scores.losses).subspan(m * g.n_samples, g.n_samples);
    const double loss = tree_sum_blocks_of_8(own) / n_samples;
    // below 1 the original's own sum, log plus maximum minus logit, has no more digits
    CHECK(std::fabs(loss - golden.losses[m]) <= 1e-12 * std::max(1.0, golden.losses[m]));
    const auto correct = scores.is_correct.begin() + static_cast<std::ptrdiff_t>(m * g.n_samples);
    const auto n_correct = std::count(correct, correct + g.data.n_samples, 1);
    CHECK(static_cast<double>(n_correct) / n_samples == golden.accuracies[m]);
  }
}

void check_set(const Generations& g, const std::string& shaping, Form form, ThreadPool& pool) {
  const auto golden_counts = g.array<std::int32_t>(shaping + "_counts");
  const auto golden_losses = g.array<double>(shaping + "_loss64");
  const auto golden_accuracies = g.array<double>(shaping + "_accuracy");
  const auto golden_after = g.array<float>(shaping + "_mean_after");
  LossConfig loss;
  loss.logits = LogitKind::kCounts;
  const auto plan = compile_plan(g.network, loss, g.data.n_steps, options_of(form, true));
  std::vector<std::int32_t> samples;
  for (int b = 0; b < g.data.n_samples; ++b) samples.push_back(b);
  const EncodedInputs inputs(*plan, g.data, samples);
  const std::size_t n_counts = g.n_members * g.n_samples * g.n_outputs;
  REQUIRE(golden_counts.size() == g.n_generations * n_counts);

  std::vector<float> mean = g.start;
  for (std::size_t i = 0; i < g.n_generations; ++i) {
    const auto members = members_of(g, mean, i);
    const auto begin = golden_counts.begin() + static_cast<std::ptrdiff_t>(i * n_counts);
    const GoldenScores golden{{begin, begin + static_cast<std::ptrdiff_t>(n_counts)},
                              golden_losses.data() + i * g.n_members,
                              golden_accuracies.data() + i * g.n_members};
    for (const KernelTable* kernels : runnable_kernels()) {
      INFO(std::string(kernels->isa), ", generation ", i);
      check_generation(g, *plan, *kernels, pool, inputs, members, golden);
    }
    for (std::size_t k = 0; k < g.trained.size(); ++k)
      mean[g.trained[k]] = golden_after[i * g.trained.size() + k];
  }
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("evolution strategy by hand: counts and losses of all members") {
    if (golden_is_missing()) return;
    ThreadPool pool(2);
    for (const auto& folder : golden_sets("es")) {
      const Generations generations = read_generations(folder);
      REQUIRE(!generations.params.at("shaping").empty());
      for (const json& shaping : generations.params.at("shaping"))
        for (Form form : kForms) {
          INFO(folder.string(), ", ", shaping.get<std::string>(), ", ", name_of(form));
          check_set(generations, shaping, form, pool);
        }
    }
  }
}

}  // namespace spikelane::test
