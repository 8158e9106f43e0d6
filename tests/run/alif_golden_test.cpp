// Recurrent nets of alif neurons against the forward quantities of the golden sets kernl/* (the
// original KeRNL cell's equations) and eprop/*: the twin within their tolerances, and the engine
// equal to the twin in every bit, step by step and at once.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/run/simulation.h"
#include "kernels/core/alif.h"
#include "kernels/reference/twin.h"
#include "tests/golden.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

// share of an array's largest value: the README's for membranes and S, for b and what follows from
// it, and our own for h, where v' and B cancel
constexpr double kMembraneTolerance = 1e-6, kAdaptationTolerance = 5e-6, kHTolerance = 1e-5;

// (T, B, N) numbers of some steps
struct GoldenArray {
  std::vector<double> values;
  std::vector<int> steps;  // (T)
};

struct GoldenSet {
  json params;
  int n_inputs, n_neurons, n_steps, n_samples;
  PopulationDescription hidden;
  std::vector<float> parameters;  // input -> hidden, hidden -> hidden, hidden -> output
  Dataset data;
  std::vector<std::uint8_t> spikes;           // (T, B, N)
  std::map<std::string, GoldenArray> arrays;  // those that the set has
  double h_gamma = 0.3;

  std::size_t n_values() const { return static_cast<std::size_t>(n_samples * n_neurons); }
};

std::vector<double> read_doubles(const std::filesystem::path& file) {
  const NpyArray array = read_npy(file);
  if (array.dtype == "<f8") return array.as<double>();
  const auto floats = array.as<float>();
  return {floats.begin(), floats.end()};
}

double decay_of(double tau) { return tau > 0.0 ? std::exp(-1.0 / tau) : 0.0; }

// what both kinds of sets have: sizes, input events, weights, spikes and arrays of all or some
// steps
GoldenSet read_common(const std::filesystem::path& folder, const std::string& prefix,
                      const char* weights, const std::vector<std::string>& names) {
  GoldenSet set;
  std::ifstream in(folder / "params.json");
  set.params = json::parse(in);
  set.n_inputs = set.params.at("inputs");
  set.n_neurons = set.params.at("neurons");
  set.n_steps = set.params.at("steps");
  set.n_samples = set.params.at("samples");
  set.parameters = read_npy(folder / weights).as<float>();
  REQUIRE(set.parameters.size() ==
          static_cast<std::size_t>((set.n_inputs + set.n_neurons) * set.n_neurons));
  set.parameters.insert(set.parameters.end(), static_cast<std::size_t>(set.n_neurons), 1.0f);
  set.spikes = read_npy(folder / (prefix + "spike.npy")).as<std::uint8_t>();
  REQUIRE(set.spikes.size() == static_cast<std::size_t>(set.n_steps) * set.n_values());
  std::vector<std::int32_t> sampled;
  if (std::filesystem::exists(folder / "sampled_steps.npy"))
    sampled = read_npy(folder / "sampled_steps.npy").as<std::int32_t>();
  for (const std::string& name : names) {
    const auto file = folder / (prefix + name + ".npy");
    if (!std::filesystem::exists(file)) continue;
    GoldenArray& array = set.arrays[name];
    array.values = read_doubles(file);
    const std::size_t n_kept = array.values.size() / set.n_values();
    for (std::size_t k = 0; k < n_kept; ++k)
      array.steps.push_back(sampled.empty() ? static_cast<int>(k) : sampled.at(k));
    REQUIRE(n_kept == (sampled.empty() ? static_cast<std::size_t>(set.n_steps) : sampled.size()));
  }
  Dataset& data = set.data;
  data.n_samples = set.n_samples;
  data.n_steps = set.n_steps;
  data.n_inputs = set.n_inputs;
  data.labels.assign(static_cast<std::size_t>(set.n_samples), 0);
  data.offsets.push_back(0);
  const auto input = read_npy(folder / "input.npy").as<std::uint8_t>();
  for (int b = 0; b < set.n_samples; ++b) {
    for (int t = 0; t < set.n_steps; ++t)
      for (int i = 0; i < set.n_inputs; ++i)
        if (input[static_cast<std::size_t>((t * set.n_samples + b) * set.n_inputs + i)])
          data.events.push_back({t, i});
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  set.hidden = alif("hidden", set.n_neurons, decay_of(set.params.at("tau_m")));
  set.hidden.synaptic_decay = {decay_of(set.params.at("tau_s"))};
  return set;
}

GoldenSet read_kernl_set(const std::filesystem::path& folder) {
  GoldenSet set = read_common(folder, "ref_", "kernel.npy",
                              {"v", "v_before_reset", "threshold", "S", "b", "refractory"});
  const json& params = set.params;
  REQUIRE(params.at("dt") == 1.0);  // times are in steps
  for (const char* name : {"v", "threshold", "S"}) REQUIRE(set.arrays.count(name) == 1);
  set.hidden.resistance = {params.at("R_mem").get<double>()};
  set.hidden.threshold = {params.at("beta_baseline").get<double>()};
  set.hidden.adaptation = {params.at("beta_coeff").get<double>()};
  set.hidden.adaptation_decay = {decay_of(params.at("tau_beta"))};
  set.hidden.refractory_steps = {params.at("tau_refract").get<double>()};
  return set;
}

GoldenSet read_eprop_set(const std::filesystem::path& folder) {
  GoldenSet set = read_common(folder, "", "weights.npy", {"v_before_reset", "threshold", "S", "h"});
  const json& params = set.params;
  REQUIRE(set.arrays.size() == 4);
  set.hidden.resistance = {params.at("R_m").get<double>()};
  set.hidden.threshold = {params.at("b0").get<double>()};
  set.hidden.adaptation = read_doubles(folder / "beta.npy");
  set.hidden.adaptation_decay = {decay_of(params.at("tau_a"))};
  set.hidden.refractory_steps = {params.at("t_refractory").get<double>()};
  const std::string b_gain = params.at("b_gain"), reset = params.at("reset");
  REQUIRE((b_gain == "1" || b_gain == "1-rho"));
  REQUIRE((reset == "zero" || reset == "subtract"));
  if (b_gain == "1") set.hidden.adaptation_scaling = AdaptationScaling::kWholeSpikes;
  if (reset == "subtract") set.hidden.alif_reset = AlifResetKind::kSubtract;
  set.h_gamma = params.at("h_gamma");
  return set;
}

NetworkDescription describe(const GoldenSet& set) {
  NetworkDescription network;
  network.n_inputs = set.n_inputs;
  // every net ends with a readout; nothing is asked of this one
  network.populations = {set.hidden, readout("output", 1, 0.9, 1.0)};
  network.projections = {weights("input", "hidden", 0.0, 0.0),
                         weights("hidden", "hidden", 0.0, 0.0),
                         weights("hidden", "output", 0.0, 0.0)};
  return network;
}

// fields of the hidden population after each step, (T) of (B, N)
using Steps = std::map<std::string, std::vector<std::vector<float>>>;

Steps run_twins(const GoldenSet& set, const Plan& plan) {
  std::vector<float> block(static_cast<std::size_t>(plan.n_block_floats()));
  plan.fill_block(set.parameters.data(), block.data());
  Steps steps;
  for (int b = 0; b < set.n_samples; ++b) {
    reference::Twin twin(plan.view(), block.data());
    auto event = set.data.offsets[static_cast<std::size_t>(b)];
    const auto end = set.data.offsets[static_cast<std::size_t>(b) + 1];
    for (int t = 0; t < set.n_steps; ++t) {
      std::vector<float> x(static_cast<std::size_t>(set.n_inputs), 0.0f);
      for (; event < end; ++event) {
        const InputEvent& it = set.data.events[static_cast<std::size_t>(event)];
        if (it.step != t) break;
        x[static_cast<std::size_t>(it.unit)] = 1.0f;
      }
      twin.step(x);
      const reference::TwinPopulation& hidden = twin.population(0);
      std::vector<float> h;
      for (std::size_t i = 0; i < hidden.v.size(); ++i)
        h.push_back(SPIKELANE_ISA::pseudo_derivative<float>(
            Surrogate::kTriangle, static_cast<float>(set.h_gamma), hidden.v_before_reset[i],
            hidden.effective_threshold[i], 1.0f, hidden.is_eligible[i] == 1.0f));
      const std::pair<const char*, const std::vector<float>*> fields[] = {
          {"spike", &hidden.s},
          {"v", &hidden.v},
          {"v_before_reset", &hidden.v_before_reset},
          {"threshold", &hidden.effective_threshold},
          {"S", &hidden.sent},
          {"b", &hidden.b},
          {"refractory", &hidden.refractory},
          {"h", &h}};
      for (const auto& [name, values] : fields) {
        auto& field = steps[name];
        field.resize(static_cast<std::size_t>(set.n_steps));
        auto& row = field[static_cast<std::size_t>(t)];
        row.insert(row.end(), values->begin(), values->end());
      }
    }
  }
  return steps;
}

void check_twins(const GoldenSet& set, const Steps& steps) {
  int n_spikes = 0, n_wrong_spikes = 0;
  for (std::size_t i = 0; i < set.spikes.size(); ++i) {
    const float s = steps.at("spike")[i / set.n_values()][i % set.n_values()];
    n_spikes += s == 1.0f;
    n_wrong_spikes += s != static_cast<float>(set.spikes[i]);
  }
  CHECK(n_spikes > 0);
  CHECK(n_wrong_spikes == 0);
  for (const auto& [name, golden] : set.arrays) {
    CAPTURE(name);
    double largest = 0.0, largest_difference = 0.0;
    for (std::size_t i = 0; i < golden.values.size(); ++i) {
      const auto t = static_cast<std::size_t>(golden.steps[i / set.n_values()]);
      const double value = steps.at(name)[t][i % set.n_values()];
      const double difference = std::fabs(value - golden.values[i]);
      largest = std::max(largest, std::fabs(golden.values[i]));
      largest_difference =
          std::max(largest_difference, std::isfinite(difference) ? difference : 1e9);
    }
    const double tolerance = name == "h"                          ? kHTolerance
                             : name == "b" || name == "threshold" ? kAdaptationTolerance
                                                                  : kMembraneTolerance;
    // refractory periods may all be 0
    if (name != "refractory") CHECK(largest > 0.0);
    CHECK(largest_difference <= tolerance * largest);
  }
}

// the fields that the engine keeps, after step t, against the twins' bits
int count_different_bits(const Plan& plan, const State& state, const Steps& steps, int t,
                         int* n_compared) {
  const PopulationView& hidden = plan.population(0);
  std::map<std::string, std::vector<float>> kept;
  kept["spike"] = state.gather_spikes(hidden.at.spikes, hidden.n);
  kept["v"] = state.gather_floats(hidden.at.v, hidden.n);
  if (hidden.at.b >= 0) kept["b"] = state.gather_floats(hidden.at.b, hidden.n);
  if (hidden.at.refractory >= 0)
    kept["refractory"] = state.gather_floats(hidden.at.refractory, hidden.n);
  if (hidden.at.synaptic_trace >= 0)
    kept["S"] = state.gather_floats(hidden.at.synaptic_trace, hidden.n);
  int n_different = 0;
  for (const auto& [name, values] : kept) {
    const std::vector<float>& expected = steps.at(name)[static_cast<std::size_t>(t)];
    REQUIRE(values.size() == expected.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      n_different += std::memcmp(&values[i], &expected[i], sizeof(float)) != 0;
    *n_compared += static_cast<int>(values.size());
  }
  return n_different;
}

void check_engine(const GoldenSet& set, const Plan& plan, const Steps& steps,
                  const KernelTable& kernels, ThreadPool& pool) {
  // the field is there exactly where the description asks for it
  const PopulationView& hidden = plan.population(0);
  const auto& adaptation = set.hidden.adaptation;
  CHECK((hidden.at.b >= 0) == (*std::max_element(adaptation.begin(), adaptation.end()) > 0.0));
  CHECK((hidden.at.refractory >= 0) == (set.hidden.refractory_steps[0] > 0.0));
  CHECK((hidden.at.synaptic_trace >= 0) == (set.hidden.synaptic_decay[0] > 0.0));
  std::vector<std::int32_t> samples;
  for (int b = 0; b < set.n_samples; ++b) samples.push_back(b);
  const EncodedInputs inputs(plan, set.data, samples);
  Simulation stepped(plan, kernels, pool, 1, set.n_samples, 1);
  stepped.set_parameters(0, set.parameters);
  int n_different = 0, n_compared = 0;
  for (int t = 0; t < set.n_steps; ++t) {
    stepped.run(inputs, 1);
    n_different += count_different_bits(plan, stepped.state(), steps, t, &n_compared);
  }
  CHECK(n_different == 0);
  CHECK(n_compared >= 2 * set.n_steps * static_cast<int>(set.n_values()));
  Simulation fused(plan, kernels, pool, 1, set.n_samples, set.n_steps);
  fused.set_parameters(0, set.parameters);
  fused.run(inputs, set.n_steps);
  CHECK(count_different_bits(plan, fused.state(), steps, set.n_steps - 1, &n_compared) == 0);
  CHECK(hash_state(plan, fused.state()) == hash_state(plan, stepped.state()));
}

void check_set(const GoldenSet& set, ThreadPool& pool) {
  const NetworkDescription network = describe(set);
  for (Form form : kForms) {
    const auto plan =
        compile_plan(network, LossConfig{}, set.n_steps, options_of(form, /*keeps_counts=*/true));
    REQUIRE(plan->n_parameters() == static_cast<std::int64_t>(set.parameters.size()));
    INFO(name_of(form));
    const Steps steps = run_twins(set, *plan);
    if (form == kForms[0]) check_twins(set, steps);
    for (const KernelTable* kernels : runnable_kernels()) {
      INFO(std::string(kernels->isa));
      check_engine(set, *plan, steps, *kernels, pool);
    }
  }
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("the KeRNL cell's forward run: spikes, membranes, thresholds, S, b, refractory times") {
    if (golden_is_missing()) return;
    ThreadPool pool(2);
    for (const auto& folder : golden_sets("kernl")) {
      INFO(folder.string());
      check_set(read_kernl_set(folder), pool);
    }
  }

  TEST_CASE("e-prop's forward run: spikes, membranes, thresholds, S and pseudo-derivatives") {
    if (golden_is_missing()) return;
    ThreadPool pool(2);
    for (const auto& folder : golden_sets("eprop")) {
      INFO(folder.string());
      check_set(read_eprop_set(folder), pool);
    }
  }
}

}  // namespace spikelane::test
