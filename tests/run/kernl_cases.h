// The rules of KeRNL and e-prop that have a frozen hash, whatever runs them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/run/kernl_trainer.h"
#include "engine/run/online_trainer.h"
#include "tests/run/kernl_net.h"

namespace spikelane::test {

struct TrainedCase {
  const char *name, *hash;  // frozen: a change is a numerics change and stands in CHANGELOG.md
  std::function<void(RunConfig&)> set;
};

inline KernlConfig& rule_of(RunConfig& config) { return config.rule.kernl; }

/// The regression wants one population that hears itself.
inline void keep_one_population(NetworkDescription& network) {
  network.populations.erase(network.populations.begin() + 1);
  std::erase_if(network.projections, [](const ProjectionDescription& projection) {
    return projection.from == "second" || projection.to == "second";
  });
}

inline void regress_one(RunConfig& config) {
  keep_one_population(config.network);
  KernlConfig& rule = rule_of(config);
  rule.filters = FilterKind::kMembrane;
  rule.regression.is_on = true;
}

inline const std::vector<TrainedCase>& trained_cases() {
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

inline RunConfig config_of(const TrainedCase& c, const Net& net) {
  RunConfig config;
  config.seed = 3;
  config.network = net.network;
  config.loss = net.loss;
  config.rule.kind = RuleKind::kKernl;
  config.rule.kernl.batch = 10;  // a whole part of 8 samples and another
  c.set(config);
  return config;
}

/// The state's hash after three updates.
inline std::string train_hash(const RunConfig& config, LayoutChoice layout,
                              const KernelTable& kernels, int n_threads, const Dataset& data,
                              double* firing_rate) {
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

}  // namespace spikelane::test
