// Every key of the config, once: name, meaning, unit, what is allowed, in the order in which they
// are written. The reader, the writer and the table in docs/config.md are three visitors of this
// list. Defaults are the values in a default-made RunConfig, or `fallback` where they hang on
// another key.
//
//   section, list       objects and arrays of objects; `body` visits their keys
//   variant             an enum that decides which keys follow; `body` visits those of one value
//   optional_section    false, true or an object
//   per_neuron          a number or an array of n numbers
//   updates_or_seconds  a number of updates, or {"seconds": s}
//   preset              an enum whose value fills in the fields of the keys after it
//   texts               an array of texts, which may be empty
//   renamed_number      a number whose key had another name in older files
#pragma once

#include "engine/config/key.h"
#include "engine/config/mujoco_keys.h"
#include "engine/config/run_config.h"

namespace spikelane {

inline constexpr EnumName<TaskKind> kTaskKinds[] = {
    {TaskKind::kRandman, "randman"},   {TaskKind::kArray, "array"},
    {TaskKind::kMnist, "mnist"},       {TaskKind::kCartpole, "cartpole"},
    {TaskKind::kPendulum, "pendulum"}, {TaskKind::kMujoco, "mujoco"}};
inline constexpr EnumName<ObservationKind> kObservationKinds[] = {
    {ObservationKind::kDirect, "direct"},
    {ObservationKind::kRates, "rates"},
    {ObservationKind::kGaussian, "gaussian"}};
inline constexpr EnumName<ActionKind> kActionKinds[] = {{ActionKind::kTanh, "tanh"},
                                                        {ActionKind::kClip, "clip"}};
inline constexpr EnumName<MnistCoding> kMnistCodings[] = {{MnistCoding::kCrossing, "crossing"},
                                                          {MnistCoding::kRate, "rate"}};
inline constexpr EnumName<NeuronModel> kNeuronModels[] = {{NeuronModel::kLeaky, "leaky"},
                                                          {NeuronModel::kAlif, "alif"},
                                                          {NeuronModel::kReadout, "readout"}};
inline constexpr EnumName<AlifResetKind> kAlifResetKinds[] = {
    {AlifResetKind::kValue, "value"}, {AlifResetKind::kSubtract, "subtract"}};
inline constexpr EnumName<AdaptationScaling> kAdaptationScalings[] = {
    {AdaptationScaling::kUnitMean, "unit_mean"}, {AdaptationScaling::kWholeSpikes, "whole_spikes"}};
inline constexpr EnumName<SignalKind> kSignalKinds[] = {{SignalKind::kTrace, "trace"},
                                                        {SignalKind::kSpikes, "spikes"}};
inline constexpr EnumName<ResetKind> kResetKinds[] = {
    {ResetKind::kSubtract, "subtract"}, {ResetKind::kZero, "zero"}, {ResetKind::kNone, "none"}};
inline constexpr EnumName<InitKind> kInitKinds[] = {{InitKind::kZeros, "zeros"},
                                                    {InitKind::kConstant, "constant"},
                                                    {InitKind::kUniform, "uniform"},
                                                    {InitKind::kNormal, "normal"},
                                                    {InitKind::kFanIn, "fan_in"}};
inline constexpr EnumName<LossKind> kLossKinds[] = {
    {LossKind::kCrossEntropy, "cross_entropy"},
    {LossKind::kCountHinge, "count_hinge"},
    {LossKind::kMeanSquaredError, "mean_squared_error"}};
inline constexpr EnumName<LogitKind> kLogitKinds[] = {{LogitKind::kCounts, "counts"},
                                                      {LogitKind::kFirstSpike, "first_spike"},
                                                      {LogitKind::kFinal, "final"},
                                                      {LogitKind::kMax, "max"},
                                                      {LogitKind::kMean, "mean"}};
inline constexpr EnumName<RuleKind> kRuleKinds[] = {{RuleKind::kEs, "es"},
                                                    {RuleKind::kKernl, "kernl"}};
inline constexpr EnumName<KernlMode> kKernlModes[] = {
    {KernlMode::kTrial, "trial"}, {KernlMode::kOnline, "online"}, {KernlMode::kActing, "acting"}};
inline constexpr EnumName<DerivativeAt> kDerivativePlaces[] = {
    {DerivativeAt::kError, "error"},
    {DerivativeAt::kTrace, "trace"},
    {DerivativeAt::kSeed, "seed"},
    {DerivativeAt::kSeedPlain, "seed_plain"}};
inline constexpr EnumName<SurrogateKind> kSurrogates[] = {
    {SurrogateKind::kTriangle, "triangle"},
    {SurrogateKind::kExponential, "exponential"},
    {SurrogateKind::kBaseTriangle, "base_triangle"},
    {SurrogateKind::kSlopeTriangle, "slope_triangle"}};
inline constexpr EnumName<FilterKind> kFilterKinds[] = {{FilterKind::kMembrane, "membrane"},
                                                        {FilterKind::kAdaptation, "adaptation"},
                                                        {FilterKind::kEprop, "eprop"}};
inline constexpr EnumName<SensitivityKind> kSensitivityKinds[] = {
    {SensitivityKind::kIdentity, "identity"},
    {SensitivityKind::kRandom, "random"},
    {SensitivityKind::kAnalytic, "analytic"},
    {SensitivityKind::kOneHop, "one_hop"}};
inline constexpr EnumName<FeedbackKind> kFeedbackKinds[] = {{FeedbackKind::kSymmetric, "symmetric"},
                                                            {FeedbackKind::kRandom, "random"}};
inline constexpr EnumName<NoiseKind> kNoiseKinds[] = {{NoiseKind::kGaussian, "gaussian"},
                                                      {NoiseKind::kSign, "sign"}};
inline constexpr EnumName<CopyKind> kCopyKinds[] = {{CopyKind::kFiltered, "filtered"},
                                                    {CopyKind::kSpiking, "spiking"}};
inline constexpr EnumName<RegressionTargetKind> kRegressionTargets[] = {
    {RegressionTargetKind::kMembrane, "membrane"}, {RegressionTargetKind::kDistance, "distance"}};
inline constexpr EnumName<RegressionLossAt> kRegressionLosses[] = {
    {RegressionLossAt::kLastStep, "last_step"}, {RegressionLossAt::kEveryStep, "every_step"}};
inline constexpr EnumName<RegressionStart> kRegressionStarts[] = {
    {RegressionStart::kAnalytic, "analytic"},
    {RegressionStart::kRandom, "random"},
    {RegressionStart::kUniform, "uniform"},
    {RegressionStart::kZeros, "zeros"}};
inline constexpr EnumName<ShapingKind> kShapingKinds[] = {
    {ShapingKind::kNone, "none"},
    {ShapingKind::kZScore, "z_score"},
    {ShapingKind::kCentredRanks, "centred_ranks"}};
inline constexpr EnumName<UnsearchedKind> kUnsearchedKinds[] = {
    {UnsearchedKind::kKeep, "keep"}, {UnsearchedKind::kRedraw, "redraw"}};
inline constexpr EnumName<TiesKind> kTiesKinds[] = {{TiesKind::kMeanRank, "mean_rank"},
                                                    {TiesKind::kByIndex, "by_index"}};
inline constexpr EnumName<EsNoiseKind> kEsNoiseKinds[] = {{EsNoiseKind::kGaussian, "gaussian"},
                                                          {EsNoiseKind::kSign, "sign"},
                                                          {EsNoiseKind::kLowRank, "low_rank"}};
inline constexpr EnumName<OptimiserKind> kOptimiserKinds[] = {
    {OptimiserKind::kSgd, "sgd"},
    {OptimiserKind::kAdam, "adam"},
    {OptimiserKind::kAdamW, "adamw"},
    {OptimiserKind::kRmsProp, "rms_prop"}};

// members, pairs and samples are counted in 24 bits of the random counter
inline constexpr std::uint64_t kMaxRows = (std::uint64_t{1} << 24) - 1;
inline constexpr std::uint64_t kMaxNeurons = 1'000'000;
inline constexpr std::uint64_t kMaxSteps = 1'000'000;
inline constexpr std::uint64_t kMaxRank = 16;  // kMostNoiseRank of the gradient's kernel

template <class Visitor>
void visit_randman(Visitor& v, RandmanConfig& c) {
  v.integer({"n_classes", "classes, one manifold each"}, c.n_classes, {2, 100'000});
  v.integer({"n_units", "input neurons"}, c.n_units, {1, kMaxNeurons});
  v.integer({"dim_manifold", "dimension of the manifolds"}, c.dim_manifold, {1, 100});
  v.number({"alpha", "smoothness: amplitude of frequency i falls as 1 / i^alpha"}, c.alpha,
           {.min = 0.0, .max = 100.0});
  v.integer({"n_samples_per_class", "samples of each class"}, c.n_samples_per_class, {1, kMaxRows});
  v.integer({"n_steps", "steps of a trial", "steps"}, c.n_steps, {1, kMaxSteps});
  v.integer({"n_spikes", "spikes of a unit, each from a manifold of its own"}, c.n_spikes,
            {1, 10'000});
  v.number({"step_fraction", "spikes fall into the first step_fraction * n_steps steps"},
           c.step_fraction, kFraction);
  v.boolean({"shuffle", "whether the samples are shuffled"}, c.shuffle);
  v.integer({"seed", "seed of the data set"}, c.seed, {0, 0xFFFFFFFFu});
  v.integer({"n_test", "the last n_test samples are held out"}, c.n_test, {1, kMaxRows});
}

template <class Visitor>
void visit_array(Visitor& v, ArrayConfig& c) {
  v.text({"file", "safetensors file with inputs (B, T, I) and labels (B)", "", true}, c.file);
  v.integer({"n_test", "the last n_test samples are held out; 0: the training samples are tested"},
            c.n_test, {0, kMaxRows});
  v.integer({"n_classes", "number of classes; 0: the largest label + 1"}, c.n_classes,
            {0, kMaxRows});
  v.boolean({"shuffle", "whether samples are mixed, by `seed`, before the last are held out"},
            c.shuffle);
}

template <class Visitor>
void visit_mnist(Visitor& v, MnistConfig& c) {
  v.text({"folder", "where the four files are: a folder in the data folders, or an absolute one"},
         c.folder);
  v.variant({"coding", "from pixels to spikes: crossing of 39 thresholds, or random trains"},
            c.coding, kMnistCodings, [&](MnistCoding coding) {
              if (coding == MnistCoding::kRate)
                v.integer({"n_rate_units", "trains, each firing with probability pixel / 255"},
                          c.n_rate_units, {1, 10'000});
            });
  v.integer({"n_cue_steps", "steps after the pixels, in which the cue unit fires", "steps"},
            c.n_cue_steps, {0, 100'000});
  v.integer({"shift",
             "each epoch, each training image is moved by up to this much, drawn anew, in both "
             "directions; 0: never",
             "pixels"},
            c.shift, {0, 1000});
  v.integer({"first_train", "training samples before this one are left out; 0: none"},
            c.first_train, {0, kMaxRows});
  v.integer({"n_train", "training samples from there on; 0: all"}, c.n_train, {0, kMaxRows});
  v.integer({"n_test", "the first n_test test samples; 0: all"}, c.n_test, {0, kMaxRows});
}

template <class Visitor>
void visit_observation(Visitor& v, ObservationConfig& c) {
  v.variant(
      {"coding",
       "observations as they are; two rectified inputs each, + and -; or a population of "
       "Gaussian receptive fields each"},
      c.coding, kObservationKinds, [&](ObservationKind coding) {
        if (coding != ObservationKind::kGaussian) {
          v.per_neuron({"scale", "what stands for an input of 1; one for each observation"},
                       c.scale, 0, kPositive);
          return;
        }
        v.integer({"n_fields", "receptive fields of an observation, evenly spaced"}, c.n_fields,
                  {2, 10'000});
        v.per_neuron({"low", "centre of the first field; one for each observation"}, c.low, 0, {});
        v.per_neuron({"high", "centre of the last field; above low"}, c.high, 0, {});
        v.per_neuron({"width", "standard deviation of a field", "distance between two centres"},
                     c.width, 0, kPositive);
      });
}

template <class Visitor>
void visit_control(Visitor& v, ControlConfig& c, bool is_discrete) {
  v.integer({"n_episodes", "episodes of each member in an update; all members see the same starts"},
            c.n_episodes, {1, kMaxRows});
  v.integer({"n_test_episodes", "held-out episodes, the same at each test"}, c.n_test_episodes,
            {1, kMaxRows});
  v.integer({"max_steps", "control steps after which an episode ends", "control steps"},
            c.max_steps, {1, kMaxSteps});
  v.integer({"control_steps", "steps of the network in each control step", "steps"},
            c.control_steps, {1, 1'000});
  v.section({"observation", "how observations become inputs"},
            [&] { visit_observation(v, c.observation); });
  if (is_discrete) return;
  v.one_of({"squash", "what takes a readout, times action_scale, into -1 .. 1"}, c.squash,
           kActionKinds);
  v.number({"action_scale", "factor on the readouts before they are squashed"}, c.action_scale,
           kPositive);
}

template <class Visitor>
void visit_init(Visitor& v, InitDescription& c) {
  v.variant({"kind", "distribution of the start values; fan_in: uniform in +-1/sqrt(n_pre)"},
            c.kind, kInitKinds, [&](InitKind kind) {
              if (kind == InitKind::kConstant)
                v.number({"value", "every start value"}, c.value, {});
              if (kind == InitKind::kUniform) {
                v.number({"low", "lower end"}, c.low, {});
                v.number({"high", "upper end, at least low"}, c.high, {});
              }
              if (kind == InitKind::kNormal) {
                v.number({"mean", "mean"}, c.mean, {});
                v.number({"std", "standard deviation"}, c.std, kNotNegative);
              }
            });
}

template <class Visitor>
void visit_alif(Visitor& v, PopulationDescription& c, double dt_ms) {
  v.decay({"alpha", "decay of the membrane potential a step; this or tau_m_ms is given"},
          {"tau_m_ms", "membrane time constant; alpha = exp(-dt_ms / tau_m_ms)", "ms"}, c.beta, c.n,
          dt_ms);
  v.resistance({"resistance",
                "R_m: a current acts with (1 - alpha) * R_m; unit_gain: 1/(1 - alpha), so with 1"},
               c.resistance, c.beta, c.n);
  v.per_neuron({"threshold", "b0: a spike is sent where v >= b0 + adaptation * b"}, c.threshold,
               c.n, kPositive);
  v.per_neuron({"adaptation", "how much b raises the threshold; 0: none"}, c.adaptation, c.n,
               kNotNegative);
  v.decay({"rho", "decay of b a step; this or tau_a_ms is given, 0 without"},
          {"tau_a_ms", "time constant of b; rho = exp(-dt_ms / tau_a_ms)", "ms"},
          c.adaptation_decay, c.n, dt_ms, false);
  v.one_of({"adaptation_scaling", "a spike adds 1 - rho to b, or 1 as in the LSNN papers"},
           c.adaptation_scaling, kAdaptationScalings);
  v.one_of({"reset", "a spike sets v to v_reset, or takes the threshold from it"}, c.alif_reset,
           kAlifResetKinds);
  v.per_neuron({"v_reset", "where a spike sets v; below the threshold"}, c.v_reset, c.n, {});
  v.per_neuron({"refractory_steps", "steps after a spike in which v rests", "steps"},
               c.refractory_steps, c.n, {.min = 0.0, .max = 1e6});
  v.decay({"delta", "decay of the synaptic trace a step; this or tau_s_ms is given, 0 without"},
          {"tau_s_ms", "time constant of the synaptic trace; delta = exp(-dt_ms / tau_s_ms)", "ms"},
          c.synaptic_decay, 1, dt_ms, false);
}

template <class Visitor>
void visit_population(Visitor& v, PopulationDescription& c, double dt_ms) {
  v.text({"name", "its name: letters, digits, _ and -, not \"input\"", "", true}, c.name);
  v.variant(
      {"model", "neuron model; readout integrates and does not spike", "", true}, c.model,
      kNeuronModels, [&](NeuronModel model) {
        v.integer({"n", "neurons", "", true}, c.n, {1, kMaxNeurons});
        if (model == NeuronModel::kAlif) {
          visit_alif(v, c, dt_ms);
          return;
        }
        v.decay({"beta", "decay of the membrane potential a step; this or tau_ms is given"},
                {"tau_ms", "membrane time constant; beta = exp(-dt_ms / tau_ms)", "ms"}, c.beta,
                c.n, dt_ms);
        if (model == NeuronModel::kLeaky) {
          v.per_neuron({"threshold", "a spike is sent where v > threshold"}, c.threshold, c.n,
                       kPositive);
          v.one_of({"reset", "what a spike does to v: v - threshold, 0, or nothing"}, c.reset,
                   kResetKinds);
          v.boolean({"reset_delay", "whether the reset comes with the next step"}, c.reset_delay);
        } else {
          v.number({"gain", "factor on the value that is read out"}, c.gain, {});
        }
      });
}

template <class Visitor>
void visit_projection(Visitor& v, ProjectionDescription& c, double dt_ms) {
  v.text({"from", "presynaptic population, or \"input\"", "", true}, c.from);
  v.text({"to", "postsynaptic population", "", true}, c.to);
  v.section({"init", "start values of the weights"}, [&] { visit_init(v, c.init); });
  v.one_of({"signal", "what a source with a synaptic trace sends"}, c.signal, kSignalKinds);
  v.delays({"delay_steps",
            "steps from a spike to its effect; of a list each delay has weights of its own, tensor "
            "(n_delays, pre, post)",
            "steps"},
           {"delay_ms", "in place of `delay_steps`", "ms"}, c.delay_steps, c.has_delay_list, dt_ms);
  v.optional_section({"bias", "bias of the target, with start values as init; true: fan_in"},
                     c.has_bias, [&] { visit_init(v, c.bias_init); });
}

template <class Visitor>
void visit_network(Visitor& v, NetworkDescription& c, double dt_ms) {
  v.list({"populations", "in the order of stepping; the last one is the output", "", true},
         c.populations, {1, 1'000},
         [&](PopulationDescription& population) { visit_population(v, population, dt_ms); });
  v.list({"projections", "dense weights; at most one from one population to another", "", true},
         c.projections, {1, 10'000},
         [&](ProjectionDescription& projection) { visit_projection(v, projection, dt_ms); });
}

template <class Visitor>
void visit_loss(Visitor& v, LossConfig& c) {
  v.variant({"kind", "loss of a sample"}, c.kind, kLossKinds, [&](LossKind kind) {
    if (kind == LossKind::kCountHinge) {
      v.number({"margin", "wanted distance of the label's logit from the others"}, c.margin,
               kNotNegative);
    }
  });
  v.variant({"logits",
             "what of the output population is compared: spike counts, first spike, or the "
             "membrane potential at the end, its maximum or mean"},
            c.logits, kLogitKinds, [&](LogitKind logits) {
              if (logits == LogitKind::kMean) {
                v.integer({"window", "the mean is over the last `window` steps; 0: all", "steps"},
                          c.window, {0, kMaxSteps});
              }
            });
  v.number({"scale", "factor on the logits"}, c.scale, {});
}

template <class Visitor>
void visit_optimiser(Visitor& v, OptimiserConfig& c) {
  v.variant({"kind", "optimiser, with PyTorch's formulas"}, c.kind, kOptimiserKinds,
            [&](OptimiserKind kind) {
              const bool is_adam = kind == OptimiserKind::kAdam || kind == OptimiserKind::kAdamW;
              v.number({"lr", "learning rate"}, c.lr, kPositive);
              v.number({"lr_decay", "the rate is lr * lr_decay^u in update u = 0, 1, ..."},
                       c.lr_decay, kFraction);
              v.integer({"cosine_updates",
                         "half a cosine takes the rate to 0 by this update; 0: none", "updates"},
                        c.cosine_updates, {});
              v.number(
                  {"weight_decay", "times the parameter, added to the gradient; adamw: decoupled"},
                  c.weight_decay, kNotNegative);
              if (is_adam) {
                v.number({"beta1", "decay of the mean of gradients"}, c.beta1, kBelowOne);
                v.number({"beta2", "decay of the mean of squares"}, c.beta2, kBelowOne);
                v.number({"epsilon", "added to the root (rms_prop: see epsilon_inside)"}, c.epsilon,
                         kPositive);
                return;
              }
              v.number({"momentum", "decay of the velocity"}, c.momentum, kBelowOne);
              if (kind == OptimiserKind::kSgd) {
                v.boolean({"nesterov", "Nesterov's form; needs momentum > 0"}, c.nesterov);
                return;
              }
              v.number({"decay", "decay of the mean of squares"}, c.decay, kBelowOne);
              v.number({"epsilon", "added to the root (rms_prop: see epsilon_inside)"}, c.epsilon,
                       kPositive,
                       /*fallback=*/1e-10);
              v.boolean({"epsilon_inside", "inside the root (TensorFlow 1) or outside (PyTorch)"},
                        c.epsilon_inside);
              v.number({"start_mean_square", "1 in TensorFlow 1, 0 in PyTorch"},
                       c.start_mean_square, kNotNegative);
            });
}

template <class Visitor>
void visit_es(Visitor& v, EsConfig& c) {
  v.integer({"n_members", "members of a generation; even when antithetic"}, c.n_members,
            {2, kMaxRows});
  v.boolean({"antithetic", "whether members come in pairs of +noise and -noise"}, c.antithetic);
  v.number({"sigma", "standard deviation of the noise on the parameters"}, c.sigma, kPositive);
  v.number({"sigma_decay", "it is sigma * sigma_decay^u in update u = 0, 1, ..."}, c.sigma_decay,
           kFraction);
  v.number_map({"sigma_of", "tensor: its own sigma, in place of `sigma`"}, c.sigma_of, kPositive);
  v.section({"noise", "how members differ from the mean"}, [&] {
    v.variant({"kind",
               "gaussian: a normal number for each parameter; sign: +1 or -1 for each parameter; "
               "low_rank: weights by B A^T / sqrt(rank), for large layers"},
              c.noise, kEsNoiseKinds, [&](EsNoiseKind kind) {
                if (kind != EsNoiseKind::kLowRank) return;
                v.integer({"rank", "columns of B and A"}, c.rank, {1, kMaxRank});
                v.one_of({"factors", "distribution of the entries of B and A, and of biases"},
                         c.factors, kNoiseKinds);
              });
  });
  v.one_of({"shaping", "what is done to the members' losses"}, c.shaping, kShapingKinds);
  v.one_of({"ties", "ranks of equal losses in centred_ranks: the mean of their ranks, or by index"},
           c.ties, kTiesKinds);
  v.number({"top_fraction",
            "part of the directions that counts: those whose better member has the lowest losses; "
            "a direction is a pair where antithetic, else a member"},
           c.top_fraction, kFraction);
  v.count_or_all({"batch", "training samples of a generation, the same for all members"}, c.batch,
                 {1, kMaxRows});
  v.one_of({"unsearched", "tensors that are not searched are kept, or redrawn for each member"},
           c.unsearched, kUnsearchedKinds);
  v.search_schedule(
      {"searched", "the tensors that are searched, from the start to the end"},
      {"phases", "in place of searched: which tensors from which update on"}, c.phases,
      [&](SearchPhase& phase) {
        v.integer({"from_update", "first update; ascending, the first is 0", "", true},
                  phase.from_update, {});
        v.names_or_all({"searched", "the tensors that are searched", "", true}, phase.searched);
      });
  v.section({"optimiser", "how the gradient changes the mean"},
            [&] { visit_optimiser(v, c.optimiser); });
}

template <class Visitor>
void visit_regression(Visitor& v, RegressionConfig& c) {
  v.one_of({"noise", "on the copy's presynaptic side: normal, or +-noise_std"}, c.noise,
           kNoiseKinds);
  v.number({"noise_std", "standard deviation of the noise"}, c.noise_std, kPositive);
  v.one_of({"copy", "what drives it: the true net's spikes (one hop), or its own"}, c.copy,
           kCopyKinds);
  v.one_of({"target",
            "what is predicted of the copy's departure: membrane, or distance to the "
            "threshold, which sees adaptation"},
           c.target, kRegressionTargets);
  v.one_of({"loss_at", "the steps whose errors count"}, c.loss_at, kRegressionLosses);
  v.integer({"n_filters",
             "filters of a neuron, each with M and g: 1 with the rule's filters "
             "membrane, 2 with adaptation"},
            c.n_filters, {1, 2});
  v.variant({"start",
             "M and g at the start: analytic is their solution between resets; random: M normal; "
             "uniform: M uniform"},
            c.start, kRegressionStarts, [&](RegressionStart start) {
              if (start == RegressionStart::kAnalytic) return;
              if (start != RegressionStart::kZeros)
                v.number({"start_std", "standard deviation of M, whose mean is 0"}, c.start_std,
                         kPositive);
              v.number({"gamma_low", "g is uniform from here", "1/steps"}, c.gamma_low,
                       {.min = 0.0, .max = 100.0});
              v.number({"gamma_high", "to here, at least gamma_low", "1/steps"}, c.gamma_high,
                       {.min = 0.0, .max = 100.0});
            });
  v.section({"optimiser", "how the gradient changes M and g"},
            [&] { visit_optimiser(v, c.optimiser); });
}

template <class Visitor>
void visit_kernl(Visitor& v, KernlConfig& c) {
  v.variant(
      {"mode",
       "trial: gradients of whole trials, backwards; online: traces that advance with time, "
       "weights change in the trial; acting: the same traces in a control task, where the "
       "reward says whether actions, which are drawn, were good"},
      c.mode, kKernlModes, [&](KernlMode mode) {
        if (mode == KernlMode::kTrial)
          v.number({"max_memory_mib",
                    "most memory for the trials' histories and for gradients; a large batch "
                    "is cut to fit, a trial that does not is refused",
                    "MiB"},
                   c.max_memory_mib, kPositive);
        if (mode == KernlMode::kOnline)
          v.integer(
              {"k_steps", "traces are advanced, and weights changed, this many steps at a time",
               "steps"},
              c.k_steps, {1, 4096});
        if (mode != KernlMode::kActing) {
          v.count_or_all({"batch", "training samples of an update"}, c.batch, {1, kMaxRows});
          return;
        }
        v.integer({"k_steps", "traces are advanced, and actions judged, this many steps at a time",
                   "steps"},
                  c.k_steps, {1, 4096});
        v.number({"discount", "what a reward is worth a control step earlier"}, c.discount,
                 kBelowOne);
        v.number({"trace_decay",
                  "lambda: how far back a surprise is put down to actions, a control step"},
                 c.trace_decay, kZeroToOne);
        v.number({"critic_weight", "of the critic's error beside the actor's"}, c.critic_weight,
                 kNotNegative);
      });
  v.one_of({"derivative_at",
            "where the pseudo-derivative stands: error, trace, or seed as in the original cell"},
           c.derivative_at, kDerivativePlaces);
  v.one_of({"surrogate",
            "form of the pseudo-derivative: triangle and exponential of x = (v' - B) / B; "
            "base_triangle of (v' - B) / b0, as wide for any B; slope_triangle: triangle times "
            "b0 / B, whose area does not grow with B"},
           c.surrogate, kSurrogates);
  v.number({"gamma", "height of the pseudo-derivative"}, c.gamma, kPositive);
  v.one_of({"filters",
            "of a neuron's eligibility: its membrane's; KeRNL's plain slow one for adaptation "
            "beside it; or e-prop's, which knows the threshold's return"},
           c.filters, kFilterKinds);
  v.section({"sensitivity", "the sensitivity tensor M"}, [&] {
    v.variant({"kind",
               "identity; random; analytic: (1-alpha) R_m W of the recurrent weights; one_hop: "
               "identity + analytic"},
              c.sensitivity.kind, kSensitivityKinds, [&](SensitivityKind kind) {
                if (kind == SensitivityKind::kRandom)
                  v.number({"std", "standard deviation"}, c.sensitivity.std, kPositive);
              });
  });
  v.variant({"feedback",
             "how the outputs' error reaches neurons: by the readout's weights, or by "
             "random ones that stay"},
            c.feedback, kFeedbackKinds, [&](FeedbackKind kind) {
              if (kind == FeedbackKind::kRandom)
                v.number({"feedback_std", "standard deviation of random feedback"}, c.feedback_std,
                         kPositive);
            });
  v.boolean({"readout_filter", "whether a leaky readout's memory is honoured"}, c.readout_filter);
  v.number({"clip_norm", "largest norm of the gradient; 0: no limit"}, c.clip_norm, kNotNegative);
  v.number({"rate_strength", "of the regulariser: rate_strength * sum (rate - rate_target)^2"},
           c.rate_strength, kNotNegative);
  v.number({"rate_target", "wanted firing rate", "spikes per neuron and step"}, c.rate_target,
           kZeroToOne);
  v.boolean({"trains_weights", "false: weights stay, only the regression learns"},
            c.trains_weights);
  v.names_or_all({"trained", "the tensors that are trained"}, c.trained);
  v.number({"average_decay",
            "tested and written are not the last weights but their running mean, with this decay "
            "an update; 0: the last"},
           c.average_decay, kBelowOne);
  v.section({"optimiser", "how the gradient changes the weights"},
            [&] { visit_optimiser(v, c.optimiser); });
  v.optional_section({"regression",
                      "learns the sensitivity tensor M and the filter g from noise, "
                      "in place of `sensitivity`"},
                     c.regression.is_on, [&] { visit_regression(v, c.regression); });
}

template <class Visitor>
void visit_config(Visitor& v, RunConfig& c) {
  v.integer({"seed", "seed of every random number but the data's"}, c.seed, {0, UINT64_MAX});
  v.number({"dt_ms", "length of a step", "ms"}, c.dt_ms, kPositive);
  v.text({"data_dir", "folder of data files, relative to the config file"}, c.data_dir);
  v.section({"task", "where inputs come from", "", true}, [&] {
    v.variant({"kind", "task", "", true}, c.task.kind, kTaskKinds, [&](TaskKind kind) {
      if (kind == TaskKind::kRandman) visit_randman(v, c.task.randman);
      if (kind == TaskKind::kArray) visit_array(v, c.task.array);
      if (kind == TaskKind::kMnist) visit_mnist(v, c.task.mnist);
      if (v.fills_defaults())
        c.task.control.max_steps = ControlConfig::longest_episode(kind == TaskKind::kPendulum);
      if (kind == TaskKind::kMujoco) visit_mujoco(v, c.task.mujoco, c.task.control);
      if (c.task.is_control()) visit_control(v, c.task.control, kind == TaskKind::kCartpole);
    });
  });
  v.section({"network", "populations and projections", "", true},
            [&] { visit_network(v, c.network, c.dt_ms); });
  v.section({"loss", "how well the network did"}, [&] { visit_loss(v, c.loss); });
  v.section({"rule", "how weights change", "", true}, [&] {
    v.variant({"kind", "learning rule", "", true}, c.rule.kind, kRuleKinds, [&](RuleKind kind) {
      if (kind == RuleKind::kEs) visit_es(v, c.rule.es);
      if (kind == RuleKind::kKernl) visit_kernl(v, c.rule.kernl);
    });
  });
  v.section({"run", "how long, and how often is reported"}, [&] {
    v.integer({"n_updates", "updates, one a generation", "updates"}, c.run.n_updates,
              {1, 1'000'000'000});
    v.integer({"report_every", "updates between reports", "updates"}, c.run.report_every,
              {1, 1'000'000'000});
    v.integer({"test_every", "updates between tests, a multiple of report_every; 0: each report",
               "updates"},
              c.run.test_every, {});
    v.integer({"n_test_report", "held-out samples of a report's test; 0: all. The last uses all"},
              c.run.n_test_report, {0, kMaxRows});
    v.updates_or_seconds(
        {"checkpoint_every",
         "updates between checkpoints, or seconds, as {\"seconds\": 60}; 0: only at "
         "the end and when the run is stopped"},
        c.run.checkpoint_updates, c.run.checkpoint_s);
  });
}

}  // namespace spikelane
