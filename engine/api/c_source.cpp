#include "engine/api/c_source.h"

#include <bit>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <functional>
#include <set>

#include "engine/api/c_source_parts.h"
#include "engine/api/coding.h"
#include "engine/config/user_error.h"
#include "engine/plan/plan.h"

namespace spikelane {
namespace {

std::string float_text(float value) {
  char text[48];
  // nine digits name one float32 and no other
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  std::string literal = text;
  if (literal.find_first_of(".e") == std::string::npos) literal += ".0";
  return literal + "f";
}

/// A number of milliseconds for people and macros.
std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

/// Replaces every `from` of a piece of C.
std::string with(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

class CSource {
 public:
  CSource(const Policy& policy, const std::string& name)
      : policy_(policy),
        name_(name),
        coding_(policy.config, false),
        plan_(compile_plan(policy.config.network, LossConfig{}, 1 << 20, PlanOptions{})) {
    for (const ProjectionDescription& projection : policy.config.network.projections)
      if (!projection.delay_steps.empty())
        throw UserError("network.projections",
                        projection.from + " to " + projection.to + " with delay_steps",
                        "projections without delays where a policy is exported as C");
    std::set<std::string> taken{"input"};
    for (const PopulationDescription& population : policy.config.network.populations) {
      std::string id = c_identifier(population.name);
      while (!taken.insert(id).second) id += "_";
      ids_.push_back(name_ + "_" + id);
    }
  }

  std::string text() {
    for (int p = 0; p < plan_->view().n_populations; ++p) {
      const bool is_readout = plan_->population(p).model == Model::kReadout;
      declare(p);
      if (is_readout)
        write_readout(p);
      else
        write_spiking(p);
    }
    const std::string codes = coding_.is_raw() ? std::string() : write_codes();
    std::string text = head();
    text += with(kCPrelude, "NAME", name_);
    text += constants_ + "\n/* ---- state ---- */\n\n" + state_ + "\n/* ---- steps ---- */\n";
    text += steps_ + codes + tail();
    return text;
  }

 private:
  const PopulationView& view(int p) const { return plan_->population(p); }
  std::string n_of(int p) const { return std::to_string(view(p).n); }

  /// The source of a projection: how it is called and how many neurons it has.
  std::string source_id(const ProjectionView& projection) const {
    return projection.source == kInputSource ? name_ + "_input"
                                             : ids_[static_cast<std::size_t>(projection.source)];
  }

  /// What neuron `i` reads of a parameter: a number where all neurons share it, else a table.
  template <class Value>
  std::string parameter(const std::string& id, int n, const Value& value) {
    bool is_shared = true;
    for (int i = 1; i < n; ++i)
      is_shared &= std::bit_cast<std::uint32_t>(value(i)) == std::bit_cast<std::uint32_t>(value(0));
    if (is_shared) return float_text(value(0));
    table(id, {n}, value);
    return id + "[i]";
  }

  /// A table of constants, (n) or (rows, columns).
  template <class Value>
  void table(const std::string& id, std::initializer_list<int> shape, const Value& value) {
    const int n_rows = shape.size() == 2 ? *shape.begin() : 1, n = *(shape.end() - 1);
    constants_ += "static const float " + id;
    for (int size : shape) constants_.append("[").append(std::to_string(size)).append("]");
    constants_ += " = {\n";
    for (int row = 0; row < n_rows; ++row) {
      constants_ += shape.size() == 2 ? "  {" : "  ";
      for (int i = 0; i < n; ++i) {
        const float x = value(row * n + i);
        fold(x);
        constants_ += float_text(x) + (i + 1 < n ? (i % 8 == 7 ? ",\n   " : ", ") : "");
      }
      constants_ += shape.size() == 2 ? "},\n" : "\n";
    }
    constants_ += "};\n";
    const std::string first = shape.size() == 2 ? "[0]" : "";
    folds_ += "  hash = " + name_ + "_fold(hash, " + id + first + ", " +
              std::to_string(n_rows * n) + "u);\n";
  }

  // FNV-1a over the constants' bits, word by word: what self_check compares
  void fold(float x) { hash_ = (hash_ ^ std::bit_cast<std::uint32_t>(x)) * 16777619u; }

  void state_array(const std::string& type, const std::string& id, const std::string& n,
                   const std::string& meaning) {
    state_ += "static " + type + " " + id + "[" + n + "]; /* " + meaning + " */\n";
    resets_ += "  for (i = 0; i < " + n + "; ++i) " + id + "[i] = 0;\n";
  }

  const float* weights_of(const ProjectionView& projection) const {
    // the tensor whose block begins where the projection's weights do
    for (const TensorPlan& tensor : plan_->tensors())
      if (!tensor.is_bias && tensor.block_begin == projection.weight)
        return policy_.parameters.data() + tensor.logical.begin;
    return nullptr;
  }

  std::string declare_weights(int p, const ProjectionView& projection) {
    const std::string id =
        ids_[static_cast<std::size_t>(p)] + "_from" + source_id(projection).substr(name_.size());
    const float* weights = weights_of(projection);
    constants_ += "\n/* weights, (" + std::to_string(projection.n_pre) + " presynaptic, " +
                  std::to_string(projection.n_post) + " postsynaptic) */\n";
    table(id, {projection.n_pre, projection.n_post}, [&](int i) { return weights[i]; });
    return id;
  }

  std::string bias_of(int p) {
    const std::string id = ids_[static_cast<std::size_t>(p)] + "_bias";
    for (const TensorPlan& tensor : plan_->tensors())
      if (tensor.is_bias && tensor.block_begin == view(p).bias) {
        const float* bias = policy_.parameters.data() + tensor.logical.begin;
        constants_ += "\n";
        table(id, {view(p).n}, [&](int i) { return bias[i]; });
      }
    return id;
  }

  void declare(int p) {
    const std::string& id = ids_[static_cast<std::size_t>(p)];
    const PopulationView& population = view(p);
    state_array("float", id + "_v", n_of(p), "membrane potential");
    if (!is_spiking(population.model)) return;
    state_array("uint8_t", id + "_s", n_of(p), "who fired in the last step");
    if (population.at.b >= 0) state_array("float", id + "_b", n_of(p), "adaptation");
    if (population.at.refractory >= 0)
      state_array("float", id + "_refractory", n_of(p), "steps until it may fire again");
    if (population.delta > 0.0f)
      state_array("float", id + "_trace", n_of(p), "synaptic trace, S = delta*S + s");
  }

  /// The sum of one projection into `to`.
  void write_sum(int p, int q, const std::string& to) {
    const PopulationView& population = view(p);
    const ProjectionView& projection = population.projections[q];
    const std::string weights = declare_weights(p, projection);
    const bool is_input = projection.source == kInputSource;
    std::string piece = is_input ? kCInputSum : kCSpikeSum;
    if (projection.delta > 0.0f) {
      const std::string drive = weights + "_drive";
      state_array("float", drive, n_of(p), "current of a synaptic trace, J = delta*J + P(spikes)");
      piece += with(with(kCDrive, "DRIVE", drive), "DELTA", float_text(projection.delta));
    }
    piece = with(with(piece, "WEIGHTS", weights), "SUM", to);
    piece = with(with(piece, "SPIKES", source_id(projection) + "_s"), "NAME", name_);
    steps_ += with(with(piece, "N_PRE", std::to_string(projection.n_pre)), "N_POST", n_of(p));
  }

  void write_spiking(int p) {
    const std::string& id = ids_[static_cast<std::size_t>(p)];
    const PopulationView& population = view(p);
    steps_ += "\nstatic void " + id + "_step(const float *x) {\n";
    steps_ += "  static float current[" + n_of(p) + "]";
    if (population.n_projections > 1) steps_ += ", sum[" + n_of(p) + "]";
    steps_ += ";\n  int i, j;\n  (void)x;\n";
    for (int q = 0; q < population.n_projections; ++q) {
      write_sum(p, q, q == 0 ? "current" : "sum");
      if (q > 0)
        steps_ += "  for (i = 0; i < " + n_of(p) + "; ++i) current[i] = current[i] + sum[i];\n";
    }
    if (population.bias >= 0)
      steps_ += "  for (i = 0; i < " + n_of(p) + "; ++i) current[i] = current[i] + " + bias_of(p) +
                "[i];\n";
    steps_ +=
        with(with(population.model == Model::kAlif ? alif(p) : leaky(p), "ID", id), "NAME", name_);
    steps_ += "}\n";
  }

  std::string leaky(int p) {
    const std::string& id = ids_[static_cast<std::size_t>(p)];
    const PopulationView& population = view(p);
    std::string piece = kCLeaky;
    const char* step = population.reset == Reset::kSubtract ? kCLeakySubtract
                       : population.reset == Reset::kZero   ? kCLeakyZero
                                                            : kCLeakyNone;
    const char* undelayed = population.reset_delay                 ? ""
                            : population.reset == Reset::kSubtract ? kCUndelayedSubtract
                            : population.reset == Reset::kZero     ? kCUndelayedZero
                                                                   : "";
    piece = with(with(piece, "    STEP\n", step), "    UNDELAYED\n", undelayed);
    piece = with(piece, "BETA",
                 parameter(id + "_beta", population.n, [&](int i) { return population.beta[i]; }));
    piece = with(piece, "THRESHOLD", parameter(id + "_threshold", population.n, [&](int i) {
                   return population.threshold[i];
                 }));
    return with(piece, "N_POST", n_of(p));
  }

  std::string alif(int p) {
    const std::string& id = ids_[static_cast<std::size_t>(p)];
    const PopulationView& population = view(p);
    const AlifView& alif = population.alif;
    auto of = [&](const char* what, const float* values) {
      return parameter(id + "_" + what, population.n, [&](int i) { return values[i]; });
    };
    const bool adapts = population.at.b >= 0, rests = population.at.refractory >= 0;
    std::string piece = kCAlif;
    piece = with(piece, "    ELIGIBLE\n", rests ? kCAlifEligible : kCAlifAlways);
    piece = with(piece, "    THRESHOLD\n", adapts ? kCAlifAdaptive : kCAlifFixed);
    piece = with(piece, "    RESET\n", alif.subtracts ? kCAlifSubtract : kCAlifReset);
    piece = with(piece, "    ADAPT\n", adapts ? kCAlifAdapt : "");
    piece = with(piece, "    REST\n", rests ? kCAlifRest : "");
    piece = with(piece, "    TRACE\n", population.delta > 0.0f ? kCAlifTrace : "");
    piece = with(piece, "ALPHA", of("alpha", population.beta));
    piece = with(piece, "INPUT_GAIN", of("input_gain", alif.input_gain));
    piece = with(piece, "B_ZERO", of("threshold", population.threshold));
    if (adapts) {
      piece = with(piece, "ADAPTATION", of("adaptation", alif.adaptation));
      piece = with(piece, "RHO", of("rho", alif.rho));
      piece = with(piece, "B_GAIN", of("b_gain", alif.b_gain));
    }
    if (!alif.subtracts) piece = with(piece, "V_RESET", of("v_reset", alif.v_reset));
    if (rests) piece = with(piece, "T_REFRACTORY", of("t_refractory", alif.t_refractory));
    piece = with(piece, "DELTA", float_text(population.delta));
    return with(piece, "N_POST", n_of(p));
  }

  /// z = kappa*z + s of one trace, and which array its source's signal stands in.
  void write_trace(const ProjectionView& projection, const std::string& z, float kappa) {
    const std::string signal = projection.source == kInputSource ? std::string("x[j]")
                               : projection.delta > 0.0f
                                   ? source_id(projection) + "_trace[j]"
                                   : "(float)" + source_id(projection) + "_s[j]";
    const std::string n_pre = std::to_string(projection.n_pre);
    state_array("float", z, n_pre, "filtered spikes, z = kappa*z + s");
    steps_ +=
        with(with(with(with(with(kCTrace, "Z", z), "N_PRE", n_pre), "KAPPA", float_text(kappa)),
                  "SIGNAL", signal),
             "NAME", name_);
  }

  void write_readout(int p) {
    const std::string& id = ids_[static_cast<std::size_t>(p)];
    const PopulationView& population = view(p);
    steps_ += "\nstatic void " + id + "_step(const float *x) {\n  static float value[" + n_of(p) +
              "], sum[" + n_of(p) + "];\n  int i, j;\n  (void)x;\n";
    for (int q = 0; q < population.n_projections; ++q) {
      const ProjectionView& projection = population.projections[q];
      const std::string weights = declare_weights(p, projection);
      steps_ += "  for (i = 0; i < " + n_of(p) + "; ++i) sum[i] = 0.0f;\n";
      for (int k = 0; k < projection.n_traces; ++k) {
        const std::string z = weights + "_z" + std::to_string(k);
        const int trace = projection.first_trace + k;
        write_trace(projection, z, plan_->view().traces[trace].kappa);
        std::string piece = projection.n_traces == 1 ? kCReadoutSum : kCReadoutSumOf;
        if (projection.n_traces > 1) {
          // which neurons read this trace
          const std::string members = weights + "_reads" + std::to_string(k);
          constants_ += "static const uint8_t " + members + "[" + n_of(p) + "] = {";
          for (int i = 0; i < population.n; ++i)
            constants_ +=
                std::string(i > 0 ? ", " : "") + (projection.trace_of[i] == trace ? "1" : "0");
          constants_ += "};\n";
          piece = with(piece, "READS", members);
        }
        piece = with(with(with(piece, "Z", z), "WEIGHTS", weights), "NAME", name_);
        steps_ += with(with(piece, "N_PRE", std::to_string(projection.n_pre)), "N_POST", n_of(p));
      }
      steps_ += "  for (i = 0; i < " + n_of(p) +
                "; ++i) value[i] = " + (q == 0 ? "sum[i];\n" : "value[i] + sum[i];\n");
    }
    if (population.bias >= 0) {
      state_array("float", id + "_bias_trace", n_of(p), "the bias's own filter, z = kappa*z + 1");
      const std::string kappa =
          parameter(id + "_kappa", population.n, [&](int i) { return population.beta[i]; });
      const std::string piece = with(with(kCBias, "KAPPA", kappa), "BIAS", bias_of(p));
      steps_ += with(with(with(piece, "ID", id), "N_POST", n_of(p)), "NAME", name_);
    }
    // + 0: a sum of products that underflowed leaves no sign
    steps_ += "  for (i = 0; i < " + n_of(p) + "; ++i) " + id +
              "_v[i] = " + float_text(population.gain) + " * (value[i] + 0.0f);\n}\n";
  }

  /// From observations to inputs and from readouts to actions, and their tables.
  std::string write_codes() {
    const ObservationCode& in = coding_.loop().view().observation;
    const ActionCode& out = coding_.loop().view().action;
    const bool is_gaussian = in.coding == ObservationCoding::kGaussian;
    constants_ += "\n/* codes of the observations */\n";
    table(name_ + "_inverse_scale", {in.n_observations},
          [&](int i) { return in.inverse_scale[i]; });
    if (is_gaussian)
      table(name_ + "_centre", {in.n_observations, in.n_fields},
            [&](int i) { return in.centres[i]; });
    std::string text = is_gaussian ? kCExp : "";
    if (in.coding == ObservationCoding::kRates || out.coding == ActionCoding::kClip) text += kCClip;
    if (out.coding == ActionCoding::kTanh) text += kCTanh;
    text += is_gaussian                              ? kCEncodeGaussian
            : in.coding == ObservationCoding::kRates ? kCEncodeRates
                                                     : kCEncodeDirect;
    text += out.coding == ActionCoding::kArgmax ? kCDecodeArgmax
            : out.coding == ActionCoding::kTanh ? kCDecodeTanh
                                                : kCDecodeClip;
    text = with(with(text, "N_OBSERVATIONS", std::to_string(in.n_observations)), "N_FIELDS",
                std::to_string(in.n_fields));
    text = with(with(text, "N_READOUTS", std::to_string(out.n_outputs)), "SCALE",
                float_text(out.scale));
    return with(text, "NAME", name_);
  }

  std::string head() const {
    const PlanView& plan = plan_->view();
    std::string text = "/* A spiking network, written by `spikelane export --c`.\n *\n";
    text += " *   " + std::to_string(plan.n_inputs) + " inputs\n";
    for (int p = 0; p < plan.n_populations; ++p) {
      const PopulationDescription& population =
          plan_->network().populations[static_cast<std::size_t>(p)];
      const Model model = view(p).model;
      text += " *   " + population.name + ": " + n_of(p) + " neurons, " +
              (model == Model::kLeaky  ? "leaky"
               : model == Model::kAlif ? "alif"
                                       : "readout") +
              "\n";
    }
    const double period_ms = coding_.control_period_ms();
    text += " *   call " + name_ + "_step every " +
            (period_ms > 0.0 ? short_text(period_ms) + " ms (the control period)\n"
                             : std::string("timestep of the model x task.physics_steps\n"));
    text += " *   a step is " + std::to_string(coding_.n_steps()) +
            " of the network, whose dt_ms is " + short_text(policy_.config.dt_ms) + "\n";
    std::string macro = name_;
    for (char& c : macro) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::string words = with(
        with(with(kCHead, "NAME", name_), "INPUT_COUNT", std::to_string(coding_.n_observations())),
        "OUTPUT_COUNT", std::to_string(coding_.n_actions()));
    const bool is_raw = coding_.is_raw();
    const std::string period =
        period_ms > 0.0 ? "#define MACRO_CONTROL_PERIOD_MS " + short_text(period_ms) + "\n" : "";
    return text + with(with(with(words + period, " INPUTS", is_raw ? " inputs" : " observations"),
                            " OUTPUTS", is_raw ? " outputs" : " actions"),
                       "MACRO", macro);
  }

  std::string tail() const {
    const PlanView& plan = plan_->view();
    std::string text = "\nvoid " + name_ + "_reset(void) {\n  int i;\n" + resets_ + "  " + name_ +
                       "_t = 0;\n}\n\nstatic void " + name_ + "_step_network(const float *x) {\n";
    for (int p = 0; p < plan.n_populations; ++p)
      text += "  " + ids_[static_cast<std::size_t>(p)] + "_step(x);\n";
    text +=
        "  ++" + name_ + "_t;\n}\n\nstatic int " + name_ + "_state_is_finite(void) {\n  return ";
    for (int p = 0; p < plan.n_populations; ++p)
      text += (p > 0 ? " &&\n         " : "") + name_ + "_are_finite(" +
              ids_[static_cast<std::size_t>(p)] + "_v, " + n_of(p) + ")";
    text += ";\n}\n";
    const std::string output = ids_[static_cast<std::size_t>(plan.output)];
    if (coding_.is_raw()) {
      const bool fires = is_spiking(view(plan.output).model);
      const std::string step = with(kCRawStep, "N_INPUTS", std::to_string(plan.n_inputs));
      text += with(with(with(step, "N_OUTPUTS", n_of(plan.output)), "VALUE",
                        (fires ? "(float)" + output + "_s" : output + "_v")),
                   "NAME", name_);
    } else {
      const std::string step = with(with(kCControlStep, "N_INPUTS", std::to_string(plan.n_inputs)),
                                    "N_OBSERVATIONS", std::to_string(coding_.n_observations()));
      text += with(
          with(with(step, "CONTROL_STEPS", std::to_string(coding_.n_steps())), "OUTPUT", output),
          "NAME", name_);
    }
    text += with(with(with(kCCheck, "  FOLDS\n", folds_), "EXPECTED", std::to_string(hash_) + "u"),
                 "NAME", name_);
    return text;
  }

  const Policy& policy_;
  std::string name_;
  ApiCoding coding_;
  std::unique_ptr<const Plan> plan_;
  std::vector<std::string> ids_;  // of the populations
  std::string constants_, state_, resets_, steps_, folds_;
  std::uint32_t hash_ = 2166136261u;
};

}  // namespace

std::string c_identifier(const std::string& text) {
  std::string id;
  for (const char c : text.substr(0, text.find_last_of('.')))
    // lower case: capitals are the words that are replaced in the pieces of C
    id += std::isalnum(static_cast<unsigned char>(c))
              ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
              : '_';
  if (id.empty() || std::isdigit(static_cast<unsigned char>(id[0]))) id = "p" + id;
  return id;
}

std::string policy_to_c(const Policy& policy, const std::string& name) {
  return CSource(policy, name).text();
}

}  // namespace spikelane
