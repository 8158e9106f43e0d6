// NetworkDescription: what the user wrote about the network, in the user's units, nothing derived.
#pragma once

#include <string>
#include <vector>

namespace spikelane {

enum class NeuronModel { kLeaky, kReadout, kAlif };
enum class ResetKind { kSubtract, kZero, kNone };
enum class AlifResetKind { kValue, kSubtract };
enum class AdaptationScaling { kUnitMean, kWholeSpikes };
enum class SignalKind { kTrace, kSpikes };
enum class InitKind { kZeros, kConstant, kUniform, kNormal, kFanIn };

/// Start values of one tensor. kFanIn is U(-1/sqrt(n_pre), 1/sqrt(n_pre)), torch's nn.Linear.
struct InitDescription {
  InitKind kind = InitKind::kFanIn;
  double low = -1.0, high = 1.0;  // kUniform
  double mean = 0.0, std = 1.0;   // kNormal
  double value = 0.0;             // kConstant
};

/// Parameters hold one number for all neurons or n numbers.
struct PopulationDescription {
  std::string name;
  NeuronModel model = NeuronModel::kLeaky;
  int n = 0;
  std::vector<double> beta{0.9};  // decay of the membrane potential a step, 0..1 (readout: kappa,
                                  // alif: alpha)
  std::vector<double> threshold{1.0};  // leaky; alif: b0; > 0
  ResetKind reset = ResetKind::kSubtract;
  bool reset_delay = true;
  double gain = 1.0;  // readout only

  // alif only; times in steps
  std::vector<double> resistance{1.0};        // R_m; a current acts with (1 - alpha)*R_m
  std::vector<double> adaptation{0.0};        // beta in B = b0 + beta*b; >= 0
  std::vector<double> adaptation_decay{0.0};  // rho
  AdaptationScaling adaptation_scaling = AdaptationScaling::kUnitMean;
  AlifResetKind alif_reset = AlifResetKind::kValue;
  std::vector<double> v_reset{0.0};
  std::vector<double> refractory_steps{0.0};
  std::vector<double> synaptic_decay{
      0.0};  // (1) delta of its synaptic trace; 0: spikes drive its targets
};

/// Dense weights from one population (or "input") to another, (pre, post), post fastest.
struct ProjectionDescription {
  std::string from, to;
  InitDescription init;
  bool has_bias = false;  // tensor `<to>.bias`; at most one projection to a population may bring it
  InitDescription bias_init;
  // what a source with a synaptic trace sends
  SignalKind signal = SignalKind::kTrace;
  // steps from a spike to its effect; empty: 1 where the projection is recurrent, else 0
  std::vector<int> delay_steps;
  bool has_delay_list = false;  // each delay has weights of its own, tensor (n_delays, pre, post)

  int n_delays() const { return delay_steps.empty() ? 1 : static_cast<int>(delay_steps.size()); }
};

/// Populations are stepped in the order of the list. A projection from a population of the same or
/// a later place in the list is recurrent and carries the spikes of the step before; all others
/// those of this step.
struct NetworkDescription {
  int n_inputs = 0;
  std::vector<PopulationDescription> populations;
  std::vector<ProjectionDescription> projections;
};

}  // namespace spikelane
