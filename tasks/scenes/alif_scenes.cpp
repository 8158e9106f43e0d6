// Scenes of the alif model: adaptation, refractory periods, resets, synaptic traces and who reads
// them, alone and beside leaky neurons.
#include "tasks/scenes/scene_list.h"

namespace spikelane {
namespace {

PopulationDescription with_trace(PopulationDescription population, double delta) {
  population.synaptic_decay = {delta};
  return population;
}

PopulationDescription with_adaptation(PopulationDescription population, double beta, double rho) {
  population.adaptation = {beta};
  population.adaptation_decay = {rho};
  return population;
}

PopulationDescription with_refractory(PopulationDescription population, double n_steps) {
  population.refractory_steps = {n_steps};
  return population;
}

ProjectionDescription of_spikes(ProjectionDescription projection) {
  projection.signal = SignalKind::kSpikes;
  return projection;
}

// everything different in every neuron
PopulationDescription mixed(const char* name, int n) {
  PopulationDescription population = alif(name, n, 0.9);
  population.beta = spread(n, 0.5, 0.97);
  population.resistance = spread(n, 3.0, 30.0);
  population.threshold = spread(n, 0.6, 1.3);
  population.adaptation = spread(n, 0.0, 4.0);
  population.adaptation_decay = spread(n, 0.99, 0.8);
  population.v_reset = spread(n, -0.5, 0.4);
  population.refractory_steps = spread(n, 0.0, 6.0);
  return population;
}

// numbers of neurons and samples around the lane width: recurrent, with a trace
void add_sizes(SceneList& list) {
  struct Case {
    int n_neurons, n_samples;
  };
  for (const Case& c :
       {Case{1, 15}, {15, 1}, {16, 16}, {17, 17}, {31, 15}, {33, 33}, {70, 2}, {145, 3}}) {
    // as much drive for every size
    const double w = 1.0 / (4.0 + c.n_neurons);
    list.add("alif_size_" + std::to_string(c.n_neurons), {2, c.n_samples, 37, 6},
             {with_trace(with_refractory(
                             with_adaptation(alif("hidden", c.n_neurons, 0.9), 1.5, 0.95), 2.5),
                         0.8),
              readout("output", c.n_neurons, 0.9, 0.5)},
             {with_bias(weights("input", "hidden", -0.1, 0.5), 0.0, 0.03),
              weights("hidden", "hidden", -w, w), weights("hidden", "output", -1.0, 1.0)},
             loss_of(LogitKind::kFinal));
  }
}

// feed-forward without a trace: sample lanes go layer by layer
void add_neurons(SceneList& list) {
  const LossConfig counts = loss_of(LogitKind::kCounts);
  for (const AlifResetKind reset : {AlifResetKind::kValue, AlifResetKind::kSubtract})
    for (const AdaptationScaling scaling :
         {AdaptationScaling::kUnitMean, AdaptationScaling::kWholeSpikes}) {
      const bool is_unit_mean = scaling == AdaptationScaling::kUnitMean;
      PopulationDescription hidden =
          with_adaptation(alif("hidden", 7, 0.9), is_unit_mean ? 3.0 : 0.3, 0.97);
      PopulationDescription output = with_refractory(alif("output", 5, 0.8), 1.0);
      for (auto* population : {&hidden, &output}) {
        population->alif_reset = reset;
        population->adaptation_scaling = scaling;
      }
      list.add(std::string("alif_reset_") +
                   (reset == AlifResetKind::kValue ? "value" : "subtract") +
                   (is_unit_mean ? "_unit_mean" : "_whole_spikes"),
               {2, 17, 50, 5}, {hidden, output},
               {with_bias(weights("input", "hidden", -0.5, 1.2), -0.05, 0.1),
                weights("hidden", "output", -0.5, 1.4)},
               counts);
    }
  list.add("alif_plain", {2, 17, 50, 4}, {alif("hidden", 20, 0.9), alif("output", 3, 0.9)},
           {weights("input", "hidden", -0.4, 0.8), weights("hidden", "output", -0.3, 0.6)}, counts);
  list.add("alif_vectors", {2, 18, 50, 6}, {mixed("hidden", 35), mixed("output", 6)},
           {weights("input", "hidden", -0.4, 0.6), weights("hidden", "output", -0.3, 0.5)},
           loss_of(LogitKind::kFirstSpike, 0.25));
  for (const LogitKind logits : {LogitKind::kMax, LogitKind::kMean}) {
    LossConfig loss = loss_of(logits, 2.0);
    loss.window = logits == LogitKind::kMean ? 9 : 0;
    list.add(logits == LogitKind::kMax ? "alif_max" : "alif_mean", {2, 17, 35, 4},
             {alif("hidden", 6, 0.9),
              with_refractory(with_adaptation(alif("output", 5, 0.9), 2.0, 0.9), 3.25)},
             {weights("input", "hidden", -0.4, 0.9), weights("hidden", "output", -0.5, 0.9)}, loss);
  }
}

// who reads a trace: spiking neurons of the same step and of the next, readouts, or nobody
void add_traces(SceneList& list) {
  const LossConfig counts = loss_of(LogitKind::kCounts), final = loss_of(LogitKind::kFinal, 3.0);
  const PopulationDescription hidden =
      with_trace(with_refractory(alif("hidden", 19, 0.9), 1.5), 0.7);
  list.add("alif_trace_chain", {2, 17, 45, 5},
           {with_trace(mixed("first", 9), 0.5), with_trace(alif("second", 18, 0.85), 0.9),
            alif("output", 4, 0.8)},
           {weights("input", "first", -0.4, 0.9),
            with_bias(weights("first", "second", -0.2, 0.3), -0.02, 0.05),
            weights("second", "output", -0.05, 0.08)},
           counts);
  list.add("alif_feedback", {2, 18, 40, 5},
           {with_trace(alif("first", 9, 0.9), 0.6),
            with_trace(with_adaptation(alif("second", 7, 0.85), 1.0, 0.95), 0.8)},
           {weights("input", "first", -0.3, 0.7), weights("second", "first", -0.2, 0.15),
            weights("second", "second", -0.2, 0.1),
            with_bias(weights("first", "second", -0.2, 0.35), 0.0, 0.05)},
           counts);
  // one population's trace to one target, its spikes to the others
  list.add(
      "alif_signals", {2, 17, 45, 5},
      {hidden, alif("second", 6, 0.8), leaky("third", 5, 0.8), readout("output", 3, 0.9, 0.5)},
      {weights("input", "hidden", -0.3, 0.7), of_spikes(weights("hidden", "hidden", -0.3, 0.2)),
       weights("hidden", "second", -0.1, 0.2), of_spikes(weights("hidden", "third", -0.3, 0.5)),
       of_spikes(weights("hidden", "output", -1.0, 1.0)), weights("second", "output", -1.0, 1.0),
       weights("third", "output", -1.0, 1.0)},
      final);
  // no projection sends the trace, but it is state
  list.add("alif_trace_unread", {1, 16, 30, 5}, {hidden, readout("output", 2, 0.9, 0.5)},
           {weights("input", "hidden", -0.3, 0.7), of_spikes(weights("hidden", "output", -1, 1))},
           final);
  struct Case {
    const char* name;
    LogitKind logits;
    int window;
    double low, high;  // decays of the readout
  };
  for (const Case& c : {Case{"kappa_final", LogitKind::kFinal, 0, 0.9, 0.9},
                        {"kappa_mean", LogitKind::kMean, 7, 0.9, 0.9},
                        {"kappa_max", LogitKind::kMax, 0, 0.9, 0.9},
                        {"kappa_0_max", LogitKind::kMax, 0, 0.0, 0.0},
                        {"kappa_0_mean", LogitKind::kMean, 0, 0.0, 0.0},
                        {"kappas_final", LogitKind::kFinal, 0, 0.0, 0.95},
                        {"kappas_mean", LogitKind::kMean, 7, 0.0, 0.95}}) {
    PopulationDescription output = readout("output", 18, c.low, 0.5);
    if (c.low != c.high) output.beta = spread(18, c.low, c.high);
    LossConfig loss = loss_of(c.logits, 2.0);
    loss.window = c.window;
    list.add(std::string("alif_readout_") + c.name, {2, 17, 35, 4}, {hidden, output},
             {weights("input", "hidden", -0.3, 0.8),
              with_bias(weights("hidden", "output", -1.0, 1.0), -0.3, 0.3)},
             loss);
  }
  // readouts before their sources see S of the step before
  list.add("alif_probe", {2, 17, 35, 4},
           {readout("probe", 3, 0.7, 0.5), hidden, readout("output", 5, 0.8, 0.5)},
           {weights("hidden", "probe", -1.0, 1.0), weights("input", "hidden", -0.3, 0.8),
            weights("hidden", "hidden", -0.15, 0.1), weights("hidden", "output", -1.0, 1.0),
            weights("input", "output", -1.0, 1.0)},
           loss_of(LogitKind::kMean));
  // decays so fast that v, b, S, J and z fall below 2^-80 and are cleared
  list.add("alif_tiny_values", {2, 17, 70, 4},
           {with_trace(with_adaptation(alif("hidden", 6, 0.02), 1.0, 0.02), 0.02),
            alif("second", 5, 0.02), readout("output", 3, 0.01, 0.5)},
           {weights("input", "hidden", 0.5, 1.8), weights("hidden", "hidden", -0.2, 0.1),
            weights("hidden", "second", 0.2, 1.6), weights("hidden", "output", -1.0, 1.0),
            weights("second", "output", -1.0, 1.0)},
           final, SceneInputs::kRandom, 0.03);
}

// both models in one net, and real-valued inputs
void add_mixtures(SceneList& list) {
  const LossConfig final = loss_of(LogitKind::kFinal, 3.0);
  list.add("alif_between_leaky", {2, 17, 45, 4},
           {leaky("first", 4, 0.9), with_adaptation(alif("second", 12, 0.9), 2.0, 0.95),
            leaky("third", 3, 0.8), readout("output", 3, 0.9, 0.5)},
           {weights("input", "first", -0.3, 0.9), weights("first", "second", -0.3, 0.8),
            with_bias(weights("second", "third", -0.3, 0.7), 0.0, 0.05),
            weights("third", "output", -1.0, 1.0)},
           final);
  list.add("alif_dense", {2, 17, 45, 7}, {mixed("hidden", 12), alif("output", 5, 0.9)},
           {weights("input", "hidden", -0.5, 1.2), weights("hidden", "output", -0.4, 0.7)},
           loss_of(LogitKind::kCounts), SceneInputs::kDense);
  list.add("alif_dense_recurrent", {2, 5, 45, 7},
           {with_trace(mixed("hidden", 33), 0.6), leaky("second", 20, 0.9),
            readout("output", 4, 0.9, 0.5)},
           {weights("input", "hidden", -0.5, 1.2), weights("hidden", "hidden", -0.1, 0.1),
            weights("second", "hidden", -0.1, 0.1), weights("hidden", "second", -0.1, 0.15),
            weights("input", "output", -1.0, 1.0), weights("second", "output", -1.0, 1.0)},
           final, SceneInputs::kDense);
}

}  // namespace

void add_alif_scenes(SceneList& list) {
  add_sizes(list);
  add_neurons(list);
  add_traces(list);
  add_mixtures(list);
}

}  // namespace spikelane
