// Two layers of snnTorch's Leaky, as snnTorch itself computed them: spikes and membranes step by
// step, counts, losses, accuracy.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/run/simulation.h"
#include "kernels/reference/twin.h"
#include "tests/golden.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

constexpr double kFloatNetTolerance = 5e-6, kLossTolerance = 1e-6;

struct GoldenSet {
  std::filesystem::path folder;
  json params;
  int n_inputs, n_hidden, n_outputs, n_steps, n_samples;
  std::vector<std::uint8_t> input;   // (T, B, I)
  std::vector<std::uint8_t> spk[2];  // (C, T, B, N) of both layers
  std::vector<float> mem[2];         // (C, T, B, N)
  std::vector<std::int32_t> counts;  // (C, B, O)
  std::vector<float> loss;           // (C, B)
  std::vector<double> beta[2];       // where a case says "vector"
  std::vector<float> parameters;     // in our order: w1, w2 as (pre, post), b1, b2
  Dataset data;

  template <class T>
  std::vector<T> array(const std::string& name) const {
    return read_npy(folder / (name + ".npy")).as<T>();
  }
  int n_neurons(int layer) const { return layer == 0 ? n_hidden : n_outputs; }
};

// (post, pre) -> (pre, post)
void append_transposed(const std::vector<float>& w, int n_post, std::vector<float>& to) {
  const std::size_t rows = static_cast<std::size_t>(n_post), columns = w.size() / rows;
  for (std::size_t j = 0; j < columns; ++j)
    for (std::size_t i = 0; i < rows; ++i) to.push_back(w[i * columns + j]);
}

GoldenSet read_set(const std::filesystem::path& folder) {
  GoldenSet set;
  set.folder = folder;
  std::ifstream in(folder / "cases.json");
  set.params = json::parse(in);
  set.n_inputs = set.params.at("sizes").at(0);
  set.n_hidden = set.params.at("sizes").at(1);
  set.n_outputs = set.params.at("sizes").at(2);
  set.n_steps = set.params.at("steps");
  set.n_samples = set.params.at("samples");
  set.input = set.array<std::uint8_t>("input");
  for (int layer = 0; layer < 2; ++layer) {
    const std::string number = std::to_string(layer + 1);
    set.spk[layer] = set.array<std::uint8_t>("spk" + number);
    set.mem[layer] = set.array<float>("mem" + number);
    const auto beta = set.array<float>(layer == 0 ? "beta_hidden" : "beta_output");
    set.beta[layer].assign(beta.begin(), beta.end());
    append_transposed(set.array<float>("w" + number), set.n_neurons(layer), set.parameters);
  }
  for (const char* name : {"b1", "b2"}) {
    const auto bias = set.array<float>(name);
    set.parameters.insert(set.parameters.end(), bias.begin(), bias.end());
  }
  set.counts = set.array<std::int32_t>("counts");
  set.loss = set.array<float>("loss");
  Dataset& data = set.data;
  data.n_samples = set.n_samples;
  data.n_steps = set.n_steps;
  data.n_inputs = set.n_inputs;
  data.labels = set.array<std::int32_t>("labels");
  data.offsets.push_back(0);
  for (int b = 0; b < set.n_samples; ++b) {
    for (int t = 0; t < set.n_steps; ++t)
      for (int i = 0; i < set.n_inputs; ++i)
        if (set.input[static_cast<std::size_t>((t * set.n_samples + b) * set.n_inputs + i)])
          data.events.push_back({t, i});
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  return set;
}

NetworkDescription describe_case(const GoldenSet& set, const json& golden_case) {
  NetworkDescription network;
  network.n_inputs = set.n_inputs;
  const std::string reset = golden_case.at("reset");
  for (int layer = 0; layer < 2; ++layer) {
    PopulationDescription population;
    population.name = layer == 0 ? "hidden" : "output";
    population.n = set.n_neurons(layer);
    if (golden_case.at("beta").is_string()) {
      REQUIRE(golden_case.at("beta") == "vector");
      population.beta = set.beta[layer];
    } else {
      population.beta = {golden_case.at("beta").get<double>()};
    }
    population.threshold = {set.params.at("theta").get<double>()};
    REQUIRE((reset == "subtract" || reset == "zero" || reset == "none"));
    population.reset = reset == "subtract" ? ResetKind::kSubtract
                       : reset == "zero"   ? ResetKind::kZero
                                           : ResetKind::kNone;
    population.reset_delay = golden_case.at("reset_delay");
    network.populations.push_back(population);
  }
  network.projections.resize(2);
  network.projections[0].from = "input";
  network.projections[0].to = network.projections[1].from = "hidden";
  network.projections[1].to = "output";
  for (auto& projection : network.projections) projection.has_bias = true;
  return network;
}

// one layer's spikes and membranes after a step, (B, N), against the golden ones
class StepCheck {
 public:
  StepCheck(const GoldenSet& set, int i_case) : set_(set), i_case_(i_case) {}

  void operator()(int layer, int t, const std::vector<float>& spikes, const std::vector<float>& v) {
    const auto n = static_cast<std::size_t>(set_.n_samples * set_.n_neurons(layer));
    const std::size_t at = static_cast<std::size_t>(i_case_ * set_.n_steps + t) * n;
    if (spikes.size() != n || v.size() != n) ++n_wrong_spikes;
    for (std::size_t i = 0; i < std::min(n, spikes.size()); ++i) {
      n_spikes += spikes[i] == 1.0f;
      n_wrong_spikes += spikes[i] != static_cast<float>(set_.spk[layer][at + i]);
      const float golden = set_.mem[layer][at + i];
      n_different_bits += std::memcmp(&v[i], &golden, sizeof golden) != 0;
      const double difference = std::fabs(static_cast<double>(v[i]) - static_cast<double>(golden));
      largest_difference =
          std::max(largest_difference, std::isfinite(difference) ? difference : 1e9);
    }
  }

  void report(bool is_exact) const {
    CHECK(n_spikes > 0);
    CHECK(n_wrong_spikes == 0);
    CHECK(largest_difference <= kFloatNetTolerance);
    if (is_exact) CHECK(n_different_bits == 0);
  }

  int n_spikes = 0, n_wrong_spikes = 0, n_different_bits = 0;
  double largest_difference = 0.0;

 private:
  const GoldenSet& set_;
  int i_case_;
};

void check_twin(const GoldenSet& set, const Plan& plan, int i_case) {
  std::vector<float> block(static_cast<std::size_t>(plan.n_block_floats()));
  plan.fill_block(set.parameters.data(), block.data());
  std::vector<reference::Twin> twins;
  for (int b = 0; b < set.n_samples; ++b) twins.emplace_back(plan.view(), block.data());
  StepCheck check(set, i_case);
  for (int t = 0; t < set.n_steps; ++t) {
    for (int b = 0; b < set.n_samples; ++b) {
      const auto begin = set.input.begin() + (t * set.n_samples + b) * set.n_inputs;
      twins[static_cast<std::size_t>(b)].step(std::vector<float>(begin, begin + set.n_inputs));
    }
    for (int layer = 0; layer < 2; ++layer) {
      std::vector<float> spikes, v;
      for (const reference::Twin& twin : twins) {
        const auto& population = twin.population(layer);
        spikes.insert(spikes.end(), population.s.begin(), population.s.end());
        v.insert(v.end(), population.v.begin(), population.v.end());
      }
      check(layer, t, spikes, v);
    }
  }
  check.report(set.params.at("exact"));
}

void check_scores(const GoldenSet& set, const json& golden_case, int i_case, Simulation& simulation,
                  const EncodedInputs& inputs) {
  std::vector<double> losses;
  std::vector<std::uint8_t> is_correct;
  std::vector<float> logits;
  simulation.score(inputs, &losses, &is_correct, &logits);
  const std::size_t n_samples = losses.size();
  REQUIRE(n_samples == static_cast<std::size_t>(set.n_samples));
  int n_correct = 0, n_wrong_counts = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    const auto at = static_cast<std::size_t>(i_case) * logits.size() + k;
    n_wrong_counts += logits[k] != static_cast<float>(set.counts[at]);
  }
  CHECK(n_wrong_counts == 0);
  double total = 0.0;
  for (std::size_t b = 0; b < n_samples; ++b) {
    const double golden = set.loss[static_cast<std::size_t>(i_case) * n_samples + b];
    CHECK(std::fabs(losses[b] - golden) <= kLossTolerance * std::max(1.0, golden));
    n_correct += is_correct[b];
    total += losses[b];
  }
  const double mean = golden_case.at("loss_mean");
  CHECK(std::fabs(total / set.n_samples - mean) <= kLossTolerance * std::max(1.0, mean));
  CHECK(n_correct / static_cast<double>(n_samples) ==
        doctest::Approx(golden_case.at("accuracy").get<double>()).epsilon(1e-6));
}

void check_engine(const GoldenSet& set, const json& golden_case, int i_case, const Plan& plan,
                  const KernelTable& kernels, ThreadPool& pool) {
  std::vector<std::int32_t> samples;
  for (int b = 0; b < set.n_samples; ++b) samples.push_back(b);
  const EncodedInputs inputs(plan, set.data, samples);
  Simulation stepped(plan, kernels, pool, 1, set.n_samples, 1);
  stepped.set_parameters(0, set.parameters);
  StepCheck check(set, i_case);
  for (int t = 0; t < set.n_steps; ++t) {
    stepped.run(inputs, 1);
    for (int layer = 0; layer < 2; ++layer) {
      const PopulationView& population = plan.population(layer);
      check(layer, t, stepped.state().gather_spikes(population.at.spikes, population.n),
            stepped.state().gather_floats(population.at.v, population.n));
    }
  }
  check.report(set.params.at("exact"));
  check_scores(set, golden_case, i_case, stepped, inputs);
  // the whole trial at once
  Simulation fused(plan, kernels, pool, 1, set.n_samples, set.n_steps);
  fused.set_parameters(0, set.parameters);
  fused.run(inputs, set.n_steps);
  CHECK(hash_state(plan, fused.state()) == hash_state(plan, stepped.state()));
  check_scores(set, golden_case, i_case, fused, inputs);
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("snnTorch's Leaky: spikes, membranes, counts and losses of every reset") {
    if (golden_is_missing()) return;
    ThreadPool pool(2);
    for (const auto& folder : golden_sets("snntorch_leaky")) {
      const GoldenSet set = read_set(folder);
      const json& cases = set.params.at("cases");
      REQUIRE(!cases.empty());
      LossConfig loss;
      loss.logits = LogitKind::kCounts;
      for (const json& golden_case : cases) {
        const int i_case = golden_case.at("index");
        const NetworkDescription network = describe_case(set, golden_case);
        for (Form form : kForms) {
          const auto plan =
              compile_plan(network, loss, set.n_steps, options_of(form, /*keeps_counts=*/true));
          INFO(folder.string(), ", case ", i_case, ", ", name_of(form));
          if (form == kForms[0]) check_twin(set, *plan, i_case);
          for (const KernelTable* kernels : runnable_kernels()) {
            INFO(std::string(kernels->isa));
            check_engine(set, golden_case, i_case, *plan, *kernels, pool);
          }
        }
      }
    }
  }
}

}  // namespace spikelane::test
