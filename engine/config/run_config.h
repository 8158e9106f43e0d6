// RunConfig: the whole config file, typed and with every default filled in. Made by parse_config,
// const afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/network/description.h"

namespace spikelane {

enum class TaskKind { kRandman, kArray, kMnist, kCartpole, kPendulum, kMujoco };

/// Random smooth manifolds as spike times (Zenke and Vogels 2021); see tasks/randman.
struct RandmanConfig {
  int n_classes = 10;
  int n_units = 10;
  int dim_manifold = 1;
  double alpha = 2.0;
  int n_samples_per_class = 1000;
  int n_steps = 200;
  int n_spikes = 1;            // spikes per unit, each from a manifold of its own
  double step_fraction = 1.0;  // spikes fall into the first step_fraction * n_steps steps
  bool shuffle = true;
  std::uint64_t seed = 12;  // 0 .. 2^32-1, as numpy's RandomState takes it
  int n_test = 2000;        // the last n_test samples after the shuffle are held out
};

/// Inputs (B, T, I) and optional labels (B) from a safetensors file.
struct ArrayConfig {
  std::string file;
  int n_test = 0;        // the last n_test samples are held out; 0: the training samples are tested
  int n_classes = 0;     // 0: the largest label + 1
  bool shuffle = false;  // samples are mixed before the last are held out
};

enum class MnistCoding { kCrossing, kRate };

/// Images, one pixel a step, and a cue at the end; see tasks/mnist.
struct MnistConfig {
  std::string folder = "mnist";  // of the four files: in a data folder, or absolute
  MnistCoding coding = MnistCoding::kCrossing;
  int n_rate_units = 80;        // kRate: units besides the cue
  int n_cue_steps = 56;         // steps after the pixels, with the cue
  int shift = 0;                // training images move by up to this many pixels, anew each epoch
  int first_train = 0;          // training samples before this one are left out
  int n_train = 0, n_test = 0;  // so many samples, the first ones; 0: all
};

enum class ObservationKind { kDirect, kRates, kGaussian };
enum class ActionKind { kTanh, kClip };

/// How the numbers that an environment shows become inputs (kernels/step/observation_code.h). One
/// number for all observations, or one for each.
struct ObservationConfig {
  ObservationKind coding = ObservationKind::kDirect;
  std::vector<double> scale{1.0};            // kDirect, kRates
  int n_fields = 8;                          // kGaussian: of each observation
  std::vector<double> low{-1.0}, high{1.0};  // kGaussian: the first and last centre
  std::vector<double> width{1.0};            // kGaussian: in distances between centres
};

/// What control tasks have in common.
struct ControlConfig {
  int n_episodes = 16;        // of each member in an update, the same for all
  int n_test_episodes = 200;  // held out
  int max_steps = 500;        // control steps of an episode
  int control_steps = 1;      // network steps of a control step
  ObservationConfig observation;
  ActionKind squash = ActionKind::kTanh;  // not cartpole, whose action is the largest readout
  double action_scale = 1.0;              // of the readout, before it is squashed

  /// Default of max_steps: what Pendulum-v1 and CartPole-v1 have in Gymnasium.
  static constexpr int longest_episode(bool is_pendulum) { return is_pendulum ? 200 : 500; }
};

/// Environments of Gymnasium 1.4 whose keys are filled in by engine/config/environment_presets.
enum class EnvironmentKind {
  kNone,
  kHopper,
  kWalker2d,
  kHalfCheetah,
  kAnt,
  kSwimmer,
  kInvertedPendulum,
  kInvertedDoublePendulum,
  kHumanoid,
  kHumanoidStandup,
  kReacher,
  kPusher
};

enum class KinematicsKind { kUpdated, kGymnasium };
enum class VelocityNoise { kUniform, kNormal };

/// Start of an episode in a MuJoCo world.
struct MujocoReset {
  std::string keyframe;          // of the model; empty: its start positions
  double noise_velocity = 0.01;  // default: reset_noise
  VelocityNoise distribution = VelocityNoise::kUniform;
  std::vector<std::string> draws;  // numbers that are drawn in place of the model's
};

/// A MuJoCo world; see tasks/mujoco. Texts of terms are as in tasks/mujoco/mujoco_terms.h.
struct MujocoConfig {
  EnvironmentKind environment = EnvironmentKind::kNone;  // where the defaults come from
  std::string model;                                     // MJCF file
  std::vector<std::string> observe;                      // terms; empty: `sensors`
  std::vector<std::string> sensors;                      // by name; empty: all
  std::vector<std::string> actuators;                    // actions, by name; empty: all
  std::string body;       // whose way, height and tilt count; empty: only where nothing asks
  int physics_steps = 4;  // of one control step
  KinematicsKind kinematics = KinematicsKind::kUpdated;
  double forward = 1.0;                   // reward for each m/s along x
  std::string forward_of;                 // a term of one number; empty: x of `body`
  double healthy = 0.0;                   // reward of a control step that ends within the limits
  double control_cost_mean = 0.0;         // times the mean square of the action
  double control_cost_sum = 0.0;          // times the sum of the controls' squares, as Gymnasium
  std::vector<std::string> reward_terms;  // added to the above
  double min_height = -1e6, max_height = 1e6;  // m, of the body's origin; outside the episode ends
  double min_upright = -1.0;                   // cosine of the tilt; below the episode ends
  std::vector<std::string> healthy_when;       // conditions; where one fails the episode ends
  double reset_noise = 0.01;                   // start positions are uniform within +- of it
  MujocoReset reset;
};

struct TaskConfig {
  TaskKind kind = TaskKind::kRandman;
  RandmanConfig randman;
  ArrayConfig array;
  MnistConfig mnist;
  ControlConfig control;
  MujocoConfig mujoco;

  /// Whether inputs come from an environment that hears the outputs.
  bool is_control() const {
    return kind == TaskKind::kCartpole || kind == TaskKind::kPendulum || kind == TaskKind::kMujoco;
  }
};

enum class LossKind { kCrossEntropy, kCountHinge, kMeanSquaredError };
enum class LogitKind { kCounts, kFirstSpike, kFinal, kMax, kMean };

struct LossConfig {
  LossKind kind = LossKind::kCrossEntropy;
  LogitKind logits = LogitKind::kFinal;
  double scale = 1.0;  // logits are multiplied by it
  double margin =
      1.0;  // kCountHinge: mean over wrong classes of max(0, margin - (label's logit - logit))
  int window = 0;  // kMean: the last `window` steps; 0: all
};

enum class OptimiserKind { kSgd, kAdam, kAdamW, kRmsProp };

struct OptimiserConfig {
  OptimiserKind kind = OptimiserKind::kAdam;
  double lr = 0.01;
  double lr_decay = 1.0;              // lr(u) = lr * lr_decay^u, u = 0 for the first update
  int cosine_updates = 0;             // times (1 + cos(pi*u/cosine_updates))/2; 0: no such factor
  double weight_decay = 0.0;          // adam, sgd: added to the gradient; adamw: decoupled
  double momentum = 0.0;              // sgd, rms_prop
  bool nesterov = false;              // sgd
  double beta1 = 0.9, beta2 = 0.999;  // adam, adamw
  double decay = 0.9;                 // rms_prop
  double epsilon = 1e-8;              // rms_prop's default is 1e-10
  bool epsilon_inside =
      true;  // rms_prop: sqrt(ms + eps) as TensorFlow 1, else sqrt(ms) + eps as PyTorch
  double start_mean_square = 1.0;  // rms_prop: 1 as TensorFlow 1, 0 as PyTorch
};

enum class ShapingKind { kNone, kZScore, kCentredRanks };
enum class TiesKind { kMeanRank, kByIndex };
enum class UnsearchedKind { kKeep, kRedraw };
enum class EsNoiseKind { kGaussian, kSign, kLowRank };
enum class NoiseKind { kGaussian, kSign };

/// From update `from_update` on exactly these tensors are searched ("input.hidden.weight",
/// "hidden.bias").
struct SearchPhase {
  int from_update = 0;
  std::vector<std::string> searched;  // empty: all tensors
};

struct EsConfig {
  int n_members = 256;
  bool antithetic = true;
  double sigma = 0.05;
  double sigma_decay = 1.0;  // sigma(u) = sigma * sigma_decay^u
  std::map<std::string, double>
      sigma_of;  // tensor name -> sigma of that tensor, in place of `sigma`
  EsNoiseKind noise = EsNoiseKind::kGaussian;
  int rank = 1;  // kLowRank: of the noise on each weight matrix
  NoiseKind factors =
      NoiseKind::kGaussian;  // kLowRank: distribution of their entries and of biases
  ShapingKind shaping = ShapingKind::kCentredRanks;
  TiesKind ties = TiesKind::kMeanRank;  // ranks of equal losses
  double top_fraction = 1.0;            // of the directions, the best of them: only they count
  int batch = 0;  // samples a generation, common to all members; 0: all training data
  UnsearchedKind unsearched =
      UnsearchedKind::kKeep;        // redraw: each member draws unsearched tensors anew
  std::vector<SearchPhase> phases;  // ascending from_update, the first at 0; empty: all, always
  OptimiserConfig optimiser;

  /// Whether single numbers of noise are +1 or -1 instead of normal.
  bool draws_signs() const {
    return noise == EsNoiseKind::kSign ||
           (noise == EsNoiseKind::kLowRank && factors == NoiseKind::kSign);
  }
};

enum class KernlMode { kTrial, kOnline, kActing };
enum class DerivativeAt { kError, kTrace, kSeed, kSeedPlain };
enum class SurrogateKind { kTriangle, kExponential, kBaseTriangle, kSlopeTriangle };
enum class FilterKind { kMembrane, kAdaptation, kEprop };
enum class SensitivityKind { kIdentity, kRandom, kAnalytic, kOneHop };
enum class FeedbackKind { kSymmetric, kRandom };

/// Start of the sensitivity tensor M.
struct SensitivityConfig {
  SensitivityKind kind = SensitivityKind::kIdentity;
  double std = 0.1;  // kRandom
};

enum class CopyKind { kFiltered, kSpiking };
enum class RegressionTargetKind { kMembrane, kDistance };
enum class RegressionLossAt { kLastStep, kEveryStep };
enum class RegressionStart { kAnalytic, kRandom, kUniform, kZeros };

/// How M and g are learned from noise (design, section 7).
struct RegressionConfig {
  bool is_on = false;
  NoiseKind noise = NoiseKind::kGaussian;
  double noise_std = 1.0;
  CopyKind copy = CopyKind::kFiltered;
  RegressionTargetKind target = RegressionTargetKind::kMembrane;
  RegressionLossAt loss_at = RegressionLossAt::kLastStep;
  int n_filters = 1;
  RegressionStart start = RegressionStart::kAnalytic;
  double start_std = 0.07;                   // kRandom, kUniform: of M
  double gamma_low = 0.0, gamma_high = 0.1;  // but for kAnalytic: g is uniform between them
  OptimiserConfig optimiser{.kind = OptimiserKind::kRmsProp, .lr = 1e-3, .epsilon = 1e-10};
};

struct KernlConfig {
  KernlMode mode = KernlMode::kTrial;
  int k_steps = 32;            // online, acting: steps that traces are advanced at a time
  double discount = 0.99;      // acting: of the reward a control step later
  double trace_decay = 0.9;    // acting: lambda of the eligibility of actions, a control step
  double critic_weight = 0.5;  // acting: of the critic's error beside the actor's
  int batch = 32;              // samples an update; 0: all training data
  DerivativeAt derivative_at = DerivativeAt::kError;
  SurrogateKind surrogate = SurrogateKind::kTriangle;
  double gamma = 0.3;  // height of the surrogate
  FilterKind filters = FilterKind::kEprop;
  SensitivityConfig sensitivity;
  FeedbackKind feedback = FeedbackKind::kSymmetric;
  double feedback_std = 0.1;  // kRandom
  bool readout_filter = true;
  double clip_norm = 0.0;            // 0: no clipping
  double max_memory_mib = 4096.0;    // trial mode: of histories and gradients
  double rate_strength = 0.0;        // of the regulariser strength * sum (rate - target)^2
  double rate_target = 0.01;         // spikes per neuron and step
  bool trains_weights = true;        // false: only M and g learn
  std::vector<std::string> trained;  // tensors; empty: all
  double average_decay = 0.0;        // of the mean of parameters that is tested; 0: none
  OptimiserConfig optimiser;
  RegressionConfig regression;

  /// Whether the rule has a sensitivity tensor of its own.
  bool has_tensor() const {
    return regression.is_on || sensitivity.kind != SensitivityKind::kIdentity;
  }
};

enum class RuleKind { kEs, kKernl };

struct RuleConfig {
  RuleKind kind = RuleKind::kEs;
  EsConfig es;
  KernlConfig kernl;

  /// Whether actions are drawn and learned from their reward; then the last readout is a critic.
  bool is_acting() const { return kind == RuleKind::kKernl && kernl.mode == KernlMode::kActing; }
  /// Samples an update, 0: all.
  int batch() const { return kind == RuleKind::kEs ? es.batch : is_acting() ? 0 : kernl.batch; }
};

struct RunSection {
  int n_updates = 100;
  int report_every = 10;
  int test_every =
      0;  // updates between tests of the mean, a multiple of report_every; 0: at each report
  int n_test_report = 0;       // held-out samples used at a report; 0: all. The final test uses all
  int checkpoint_updates = 0;  // updates between checkpoints; 0: by time
  double checkpoint_s = 60.0;  // seconds between them; 0: only at the end
};

struct RunConfig {
  std::uint64_t seed = 1;
  double dt_ms = 1.0;
  std::string data_dir;  // as written; empty: not given
  std::string
      config_path;  // where the config was read from; data_dir and files are relative to its folder
  TaskConfig task;
  NetworkDescription network;  // n_inputs is filled in from the task
  LossConfig loss;
  RuleConfig rule;
  RunSection run;
};

}  // namespace spikelane
