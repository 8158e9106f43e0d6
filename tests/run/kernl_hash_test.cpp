// One table for training by KeRNL and e-prop, as hash_table_test.cpp is for the step: every rule
// has one state hash after a few updates, on any instruction set, number of threads and layout
// asked for. The gradients themselves are held against golden data and oracles elsewhere.
#include <doctest/doctest.h>

#include <functional>

#include "engine/run/kernl_trainer.h"
#include "engine/run/online_trainer.h"
#include "tests/run/kernl_net.h"

namespace spikelane::test {
namespace {

struct TrainedCase {
  const char *name, *hash;  // frozen: a change is a numerics change and stands in CHANGELOG.md
  std::function<void(RunConfig&)> set;
};

KernlConfig& rule_of(RunConfig& config) { return config.rule.kernl; }

/// The regression wants one population that hears itself.
void keep_one_population(RunConfig& config) {
  config.network.populations.erase(config.network.populations.begin() + 1);
  std::erase_if(config.network.projections, [](const ProjectionDescription& projection) {
    return projection.from == "second" || projection.to == "second";
  });
}

void regress_one(RunConfig& config) {
  keep_one_population(config);
  KernlConfig& rule = rule_of(config);
  rule.filters = FilterKind::kMembrane;
  rule.regression.is_on = true;
}

const std::vector<TrainedCase>& cases() {
  static const std::vector<TrainedCase> table = {
      {"trial, e-prop", "3d9656479a8616d5", [](RunConfig&) {}},
      {"trial, M random", "e52c8420037329e5",
       [](RunConfig& c) {
         rule_of(c).filters = FilterKind::kMembrane;
         rule_of(c).sensitivity.kind = SensitivityKind::kRandom;
       }},
      {"trial, slow filter, M one hop", "d92afe8a079281af",
       [](RunConfig& c) {
         rule_of(c).filters = FilterKind::kAdaptation;
         rule_of(c).sensitivity.kind = SensitivityKind::kOneHop;
       }},
      {"trial, h at the trace, exponential", "9927399df77c0b84",
       [](RunConfig& c) {
         rule_of(c).filters = FilterKind::kMembrane;
         rule_of(c).derivative_at = DerivativeAt::kTrace;
         rule_of(c).surrogate = SurrogateKind::kExponential;
       }},
      {"trial, seed, synaptic trace", "ab5065e16905924c",
       [](RunConfig& c) {
         c.network.populations[0].synaptic_decay = {0.8};
         rule_of(c).filters = FilterKind::kMembrane;
         rule_of(c).derivative_at = DerivativeAt::kSeed;
       }},
      {"trial, random feedback, regulariser, clipping", "a46c343d418a5b9c",
       [](RunConfig& c) {
         rule_of(c).feedback = FeedbackKind::kRandom;
         rule_of(c).rate_strength = 0.1;
         rule_of(c).clip_norm = 0.5;
       }},
      {"trial, regression", "2f3dc353d1c6a62d", [](RunConfig& c) { regress_one(c); }},
      {"trial, regression by a spiking copy, signs, two filters, every step", "ee9f3623f586cabe",
       [](RunConfig& c) {
         regress_one(c);
         rule_of(c).filters = FilterKind::kAdaptation;
         RegressionConfig& regression = rule_of(c).regression;
         regression.n_filters = 2;
         regression.copy = CopyKind::kSpiking;
         regression.noise = NoiseKind::kSign;
         regression.target = RegressionTargetKind::kDistance;
         regression.loss_at = RegressionLossAt::kEveryStep;
         regression.start = RegressionStart::kUniform;
       }},
      {"online, K = 1", "3e426db733646dcd",
       [](RunConfig& c) {
         rule_of(c).mode = KernlMode::kOnline;
         rule_of(c).k_steps = 1;
       }},
      {"online, K = 7, slow filter", "59f9d935f71fcc8b",
       [](RunConfig& c) {
         rule_of(c).mode = KernlMode::kOnline;
         rule_of(c).k_steps = 7;
         rule_of(c).filters = FilterKind::kAdaptation;
       }},
      {"online, K = 32, h at the trace", "e7cd6ba8c32e6cca",
       [](RunConfig& c) {
         rule_of(c).mode = KernlMode::kOnline;
         rule_of(c).k_steps = 32;
         rule_of(c).filters = FilterKind::kMembrane;
         rule_of(c).derivative_at = DerivativeAt::kTrace;
       }},
  };
  return table;
}

std::string train_hash(const RunConfig& config, LayoutChoice layout, const KernelTable& kernels,
                       int n_threads, const Dataset& data, double* firing_rate) {
  ThreadPool pool(n_threads);
  PlanOptions options;
  options.layout = layout;
  constexpr int kUpdates = 3;
  const auto run = [&](auto& trainer) {
    for (int i = 0; i < kUpdates; ++i) trainer.update();
    *firing_rate = trainer.firing_rate();
    return trainer.state_hash();
  };
  if (config.rule.kernl.mode == KernlMode::kOnline) {
    OnlineTrainer trainer(config, options, kernels, pool, data);
    return run(trainer);
  }
  KernlTrainer trainer(config, options, kernels, pool, data);
  return run(trainer);
}

constexpr int kThinning = SPIKELANE_IS_SANITIZED ? 7 : 1;

}  // namespace

TEST_CASE("kernl: one hash a rule for every ISA, layout asked for and number of threads") {
  const Net net = make_net();
  int i_run = 0;
  for (const TrainedCase& c : cases()) {
    RunConfig config;
    config.seed = 3;
    config.network = net.network;
    config.loss = net.loss;
    config.rule.kind = RuleKind::kKernl;
    config.rule.kernl.batch = 10;  // a whole part of 8 samples and another
    c.set(config);
    bool is_told = false;
    for (const KernelTable* kernels : runnable_kernels())
      for (int n_threads = 1; n_threads <= 4; ++n_threads) {
        if (i_run++ % kThinning != 0) continue;
        const LayoutChoice layout =
            i_run % 2 == 0 ? LayoutChoice::kSampleLanes : LayoutChoice::kNeuronLanes;
        INFO(std::string(c.name), ", ", std::string(kernels->isa), ", ", n_threads, " threads");
        double firing_rate = 0.0;
        const std::string hash =
            train_hash(config, layout, *kernels, n_threads, net.data, &firing_rate);
        CHECK(firing_rate > 0.01);
        CHECK(firing_rate < 0.5);
        CHECK(hash == c.hash);
        if (hash != c.hash && !is_told) MESSAGE(std::string(c.name), ": \"", hash, "\"");
        is_told = true;
      }
  }
}

}  // namespace spikelane::test
