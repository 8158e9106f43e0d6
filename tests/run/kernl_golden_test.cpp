// The weight gradients of e-prop and KeRNL, computed by the engine's backward sweeps in float,
// against naive per-step traces in double of the golden nets.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/run/kernl_evaluator.h"
#include "tests/golden.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

struct EpropSet {
  json params;
  int n_inputs, n, n_samples, n_steps;
  std::vector<float> weights;                 // (I+N, N)
  std::vector<double> q, sensitivity, gamma;  // (T, B, N), (N, N), (N)
  NetworkDescription network;
  Dataset data;
};

EpropSet read_set(const std::filesystem::path& folder) {
  EpropSet set;
  std::ifstream in(folder / "params.json");
  set.params = json::parse(in);
  const json& p = set.params;
  set.n_inputs = p.at("inputs");
  set.n = p.at("neurons");
  set.n_samples = p.at("samples");
  set.n_steps = p.at("steps");
  auto path = [&](const char* name) { return folder / (std::string(name) + ".npy"); };
  set.weights = read_npy(path("weights")).as<float>();
  set.q = read_doubles(path("q"));
  set.sensitivity = read_doubles(path("M"));
  set.gamma = read_doubles(path("gamma"));

  PopulationDescription hidden, output;
  hidden.name = "hidden";
  hidden.model = NeuronModel::kAlif;
  hidden.n = set.n;
  hidden.beta = {p.at("alpha").get<double>()};
  hidden.resistance = {p.at("R_m").get<double>()};
  hidden.threshold = {p.at("b0").get<double>()};
  hidden.adaptation = read_doubles(path("beta"));
  hidden.adaptation_decay = {p.at("rho").get<double>()};
  if (p.at("b_gain") == "1") hidden.adaptation_scaling = AdaptationScaling::kWholeSpikes;
  if (p.at("reset") == "subtract") hidden.alif_reset = AlifResetKind::kSubtract;
  hidden.refractory_steps = {p.at("t_refractory").get<double>()};
  hidden.synaptic_decay = {p.at("delta").get<double>()};
  output.name = "output";
  output.model = NeuronModel::kReadout;
  output.n = 1;
  output.beta = {p.at("kappa").get<double>()};
  set.network.n_inputs = set.n_inputs;
  set.network.populations = {hidden, output};
  set.network.projections = {{"input", "hidden", {}, false, {}, {}, {}},
                             {"hidden", "hidden", {}, false, {}, {}, {}},
                             {"hidden", "output", {}, false, {}, {}, {}}};

  const auto input = read_npy(path("input")).as<std::uint8_t>();  // (T, B, I)
  set.data.n_samples = set.n_samples;
  set.data.n_steps = set.n_steps;
  set.data.n_inputs = set.n_inputs;
  set.data.offsets = {0};
  for (int b = 0; b < set.n_samples; ++b) {
    for (int t = 0; t < set.n_steps; ++t)
      for (int i = 0; i < set.n_inputs; ++i)
        if (input[static_cast<std::size_t>((t * set.n_samples + b) * set.n_inputs + i)])
          set.data.events.push_back({t, i});
    set.data.offsets.push_back(static_cast<std::int64_t>(set.data.events.size()));
    set.data.labels.push_back(0);
  }
  return set;
}

// the engine's gradient as the golden data has it: (post, pre), summed over samples
std::vector<double> gradient_of(const EpropSet& set, const KernlConfig& config,
                                const KernelTable& kernels, int n_threads, bool windowed) {
  PlanOptions options;
  options.layout = LayoutChoice::kNeuronLanes;
  LossConfig loss;
  const auto plan = compile_plan(set.network, loss, set.n_steps, options);
  KernlRule rule(*plan, kernels, config, 1);
  if (config.filters == FilterKind::kMembrane &&
      config.sensitivity.kind == SensitivityKind::kRandom)
    rule.set_filter(0, set.gamma, set.sensitivity);
  ThreadPool pool(n_threads);
  KernlEvaluator evaluator(*plan, rule, config, kernels, pool, true);
  std::vector<float> logical(static_cast<std::size_t>(plan->n_parameters()), 0.0f);
  std::copy(set.weights.begin(), set.weights.end(), logical.begin());
  AlignedMemory block(static_cast<std::size_t>(plan->n_block_floats()) * sizeof(float));
  plan->fill_block(logical.data(), reinterpret_cast<float*>(block.data()));
  std::vector<std::int32_t> samples(static_cast<std::size_t>(set.n_samples));
  std::iota(samples.begin(), samples.end(), 0);
  const EncodedInputs inputs(*plan, set.data, samples);
  const int n_padded = plan->population(0).n_padded;
  AlignedMemory memory(static_cast<std::size_t>(set.n_samples * set.n_steps * n_padded) *
                       sizeof(float));
  auto* error = reinterpret_cast<float*>(memory.data());
  const int first = windowed ? set.n_steps - set.params.at("window").get<int>() : 0;
  for (int b = 0; b < set.n_samples; ++b)
    for (int t = first; t < set.n_steps; ++t)
      for (int i = 0; i < set.n; ++i)
        error[(b * set.n_steps + t) * n_padded + i] = static_cast<float>(
            set.q[static_cast<std::size_t>((t * set.n_samples + b) * set.n + i)]);
  KernlScores scores;
  evaluator.run(inputs, reinterpret_cast<const float*>(block.data()), 0, scores, error);
  std::vector<double> gradient;
  const int n_pre = set.n_inputs + set.n;
  for (int i = 0; i < set.n; ++i)
    for (int j = 0; j < n_pre; ++j)
      gradient.push_back(
          static_cast<double>(scores.gradient[static_cast<std::size_t>(j * set.n + i)]) *
          set.n_samples);
  return gradient;
}

struct Case {
  const char* name;  // of the golden array, without _every or _window
  FilterKind filters;
  DerivativeAt derivative_at;
  bool is_kernl;
};

constexpr Case kCases[] = {
    {"G_eprop_lif", FilterKind::kMembrane, DerivativeAt::kError, false},
    {"G_eprop_alif", FilterKind::kEprop, DerivativeAt::kError, false},
    {"G_kernl_trace_h", FilterKind::kMembrane, DerivativeAt::kTrace, true},
    {"G_kernl_error_h", FilterKind::kMembrane, DerivativeAt::kError, true},
    {"G_kernl_seed", FilterKind::kMembrane, DerivativeAt::kSeed, true},
    {"G_kernl_seed_plain", FilterKind::kMembrane, DerivativeAt::kSeedPlain, true},
};

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("kernl: gradients of the golden nets, every place of the pseudo-derivative") {
    if (golden_is_missing()) return;
    for (const auto& folder : golden_sets("eprop")) {
      const EpropSet set = read_set(folder);
      for (const Case& c : kCases)
        for (const bool windowed : {false, true}) {
          KernlConfig config;
          config.filters = c.filters;
          config.derivative_at = c.derivative_at;
          config.gamma = set.params.at("h_gamma");
          // e-prop always honours the readout's filter, the golden KeRNL never
          config.readout_filter = !c.is_kernl;
          if (c.is_kernl) config.sensitivity.kind = SensitivityKind::kRandom;
          const std::string name = std::string(c.name) + (windowed ? "_window" : "_every");
          const auto expected = read_doubles(folder / (name + ".npy"));
          double largest = 0.0;
          for (double g : expected) largest = std::max(largest, std::fabs(g));
          REQUIRE(largest > 0.0);
          std::vector<double> first;
          for (const KernelTable* kernels : runnable_kernels()) {
            INFO(folder.filename().string(), ", ", name, ", ", std::string(kernels->isa));
            const auto gradient = gradient_of(set, config, *kernels, 1, windowed);
            REQUIRE(gradient.size() == expected.size());
            double worst = 0.0;
            for (std::size_t i = 0; i < expected.size(); ++i)
              worst = std::max(worst, std::fabs(gradient[i] - expected[i]));
            CHECK(worst <= 1e-5 * largest);
            if (first.empty()) first = gradient;
            CHECK(gradient == first);
          }
        }
    }
  }
}

}  // namespace spikelane::test
