#include "engine/config/config_checks.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "engine/config/config_keys.h"

namespace spikelane {
namespace {

constexpr std::size_t kMaxNameLength = 64;
constexpr long kMaxWeights = 2'147'483'647;
constexpr long kMaxInputSpikes = 1'000'000'000;

std::string item(const char* list, std::size_t index, const char* key) {
  return std::string(list) + '.' + std::to_string(index) + key;
}

std::string population_at(std::size_t i, const char* key = "") {
  return item("network.populations", i, key);
}

std::string projection_at(std::size_t i, const char* key = "") {
  return item("network.projections", i, key);
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameLength &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) || c == '_' || c == '-');
         });
}

const PopulationDescription* find_population(const NetworkDescription& network,
                                             const std::string& name) {
  for (const PopulationDescription& population : network.populations) {
    if (population.name == name) return &population;
  }
  return nullptr;
}

void check_population_names(const NetworkDescription& network, Problems& problems) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < network.populations.size(); ++i) {
    const std::string& name = network.populations[i].name;
    if (name.empty()) continue;  // reported by the reader
    if (!is_plain_name(name)) {
      problems.add(population_at(i, ".name"), in_quotes(name),
                   "letters, digits, _ and -, at most " + std::to_string(kMaxNameLength));
    } else if (name == "input") {
      problems.add(population_at(i, ".name"), in_quotes(name),
                   "another name: this one is the task's");
    } else if (!seen.insert(name).second) {
      problems.add(population_at(i, ".name"), in_quotes(name) + ", a second time",
                   "a name of its own for each population");
    }
  }
}

void check_init(const InitDescription& init, const std::string& place, Problems& problems) {
  const bool is_read = !problems.has_at(place + ".low") && !problems.has_at(place + ".high");
  if (init.kind == InitKind::kUniform && init.high < init.low && is_read) {
    problems.add(place + ".high", number_text(init.high),
                 "a number >= low = " + number_text(init.low));
  }
}

void check_ends(const NetworkDescription& network, std::size_t i, Problems& problems) {
  const ProjectionDescription& projection = network.projections[i];
  std::vector<std::string> targets;
  for (const PopulationDescription& population : network.populations) {
    targets.push_back(population.name);
  }
  std::vector<std::string> sources = targets;
  sources.insert(sources.begin(), "input");
  const PopulationDescription* from = find_population(network, projection.from);
  const PopulationDescription* to = find_population(network, projection.to);
  if (!from && projection.from != "input" && !projection.from.empty()) {
    problems.add(projection_at(i, ".from"), in_quotes(projection.from),
                 one_of_text(sources, projection.from));
  }
  if (!to && !projection.to.empty()) {
    problems.add(projection_at(i, ".to"), in_quotes(projection.to),
                 one_of_text(targets, projection.to));
  }
  if (from && from->model == NeuronModel::kReadout) {
    problems.add(projection_at(i, ".from"), in_quotes(projection.from) + ", a readout",
                 "a spiking population: readouts send no projections");
  }
  const long n_pre = from ? from->n : network.n_inputs;
  const long n_post = to ? to->n : 0;
  if (n_pre * n_post > kMaxWeights) {
    problems.add(projection_at(i),
                 std::to_string(n_pre) + " x " + std::to_string(n_post) + " weights",
                 "at most " + std::to_string(kMaxWeights));
  }
}

// false where a projection's ends or bias could not be read: then nothing follows from the others
bool knows_all_ends(const NetworkDescription& network, const Problems& problems) {
  for (std::size_t i = 0; i < network.projections.size(); ++i) {
    const ProjectionDescription& projection = network.projections[i];
    if (projection.from.empty() || projection.to.empty()) return false;
    for (const char* key : {".from", ".to", ".bias"}) {
      if (problems.has_at(projection_at(i, key))) return false;
    }
  }
  return !network.projections.empty();
}

// what delays may be hangs on who hears them
void check_delays(const NetworkDescription& network, std::size_t i, Problems& problems) {
  const ProjectionDescription& projection = network.projections[i];
  const PopulationDescription* from = find_population(network, projection.from);
  const PopulationDescription* to = find_population(network, projection.to);
  if (projection.delay_steps.empty() || !to) return;
  const std::string place = projection_at(i, ".delay_steps");
  const auto& steps = projection.delay_steps;
  if (to->model == NeuronModel::kReadout)
    problems.add(place, "delays to " + in_quotes(projection.to) + ", a readout",
                 "delays to spiking populations");
  const bool is_recurrent = from && from >= to;
  if (is_recurrent && std::find(steps.begin(), steps.end(), 0) != steps.end())
    problems.add(place, "0",
                 "at least 1 where a projection is recurrent: the spikes of a step are not there "
                 "before it");
  const long n_weights = (from ? from->n : network.n_inputs) * static_cast<long>(to->n);
  if (n_weights * projection.n_delays() > kMaxWeights)
    problems.add(place,
                 std::to_string(steps.size()) + " x " + std::to_string(n_weights) + " weights",
                 "at most " + std::to_string(kMaxWeights));
}

void check_projections(const NetworkDescription& network, Problems& problems) {
  std::set<std::pair<std::string, std::string>> seen;
  std::set<std::string> reached, biased;
  const bool has_every_name =
      std::none_of(network.populations.begin(), network.populations.end(),
                   [](const PopulationDescription& p) { return p.name.empty(); });
  for (std::size_t i = 0; i < network.projections.size(); ++i) {
    const ProjectionDescription& projection = network.projections[i];
    if (has_every_name) check_ends(network, i, problems);
    if (!projection.from.empty() && !projection.to.empty() &&
        !seen.emplace(projection.from, projection.to).second) {
      problems.add(projection_at(i),
                   "a second projection from " + in_quotes(projection.from) + " to " +
                       in_quotes(projection.to),
                   "at most one from one population to another");
    }
    if (projection.has_bias && !biased.insert(projection.to).second) {
      problems.add(projection_at(i, ".bias"), "a second bias of " + in_quotes(projection.to),
                   "at most one projection with a bias to a population");
    }
    check_delays(network, i, problems);
    check_init(projection.init, projection_at(i, ".init"), problems);
    if (projection.has_bias) check_init(projection.bias_init, projection_at(i, ".bias"), problems);
    reached.insert(projection.to);
  }
  if (!knows_all_ends(network, problems)) return;
  for (std::size_t i = 0; i < network.populations.size(); ++i) {
    const std::string& name = network.populations[i].name;
    // a population that must be renamed will have its projections renamed too
    const bool has_name = !name.empty() && !problems.has_at(population_at(i, ".name"));
    if (has_name && reached.count(name) == 0) {
      problems.add(population_at(i), in_quotes(name) + " without a projection to it",
                   "at least one projection to each population");
    }
  }
}

double value_of(const std::vector<double>& values, std::size_t i) {
  return values.size() == 1 ? values[0] : values[i];
}

// a neuron reset to its threshold or above would fire for ever
void check_alif(const PopulationDescription& population, const std::string& place,
                Problems& problems) {
  const std::size_t n_resets = population.v_reset.size(),
                    n_thresholds = population.threshold.size();
  // arrays of different lengths where n itself is wrong cannot be compared
  const bool fit = n_resets == 1 || n_thresholds == 1 || n_resets == n_thresholds;
  const bool is_read =
      !problems.has_at(place + ".v_reset") && !problems.has_at(place + ".threshold");
  const std::size_t n = fit && is_read ? std::max(n_resets, n_thresholds) : 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double v_reset = value_of(population.v_reset, i);
    const double threshold = value_of(population.threshold, i);
    if (v_reset < threshold) continue;
    problems.add(place + ".v_reset" + (n_resets > 1 ? '.' + std::to_string(i) : std::string()),
                 number_text(v_reset), "a number < threshold = " + number_text(threshold));
    if (n_resets == 1) break;
  }
  const bool adapts = std::any_of(population.adaptation.begin(), population.adaptation.end(),
                                  [](double x) { return x != 0.0; });
  const bool has_decay =
      std::any_of(population.adaptation_decay.begin(), population.adaptation_decay.end(),
                  [](double x) { return x != 0.0; });
  if (adapts && !has_decay && !problems.has_at(place + ".rho") &&
      !problems.has_at(place + ".tau_a_ms"))
    problems.add(place + ".tau_a_ms", "nothing", "a time constant, since adaptation is not 0");
}

void check_network(const NetworkDescription& network, Problems& problems) {
  // an object that could not be read is reported; its absence is no second mistake
  if (network.populations.empty()) return;
  check_population_names(network, problems);
  check_projections(network, problems);
  for (std::size_t i = 0; i < network.populations.size(); ++i)
    if (network.populations[i].model == NeuronModel::kAlif)
      check_alif(network.populations[i], population_at(i), problems);
}

void check_loss(const RunConfig& config, Problems& problems) {
  if (config.network.populations.empty() || problems.has_at("loss.logits")) return;
  const std::size_t last = config.network.populations.size() - 1;
  const PopulationDescription& output = config.network.populations[last];
  const bool needs_spikes =
      config.loss.logits == LogitKind::kCounts || config.loss.logits == LogitKind::kFirstSpike;
  if (needs_spikes && output.model == NeuronModel::kReadout &&
      !problems.has_at(population_at(last, ".model"))) {
    problems.add("loss.logits", in_quotes(name_of(config.loss.logits, kLogitKinds)),
                 "\"final\", \"max\" or \"mean\": the output population " + in_quotes(output.name) +
                     " is a readout and does not spike");
  }
}

std::vector<std::string> tensor_names(const NetworkDescription& network) {
  std::vector<std::string> names;
  for (const ProjectionDescription& projection : network.projections) {
    names.push_back(projection.from + '.' + projection.to + ".weight");
    if (projection.has_bias) names.push_back(projection.to + ".bias");
  }
  return names;
}

void check_tensor_name(const std::string& name, const std::string& place,
                       const std::vector<std::string>& known, Problems& problems) {
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    problems.add(place, in_quotes(name), one_of_text(known, name));
  }
}

void check_phases(const EsConfig& es, bool is_phase_list, const std::vector<std::string>& tensors,
                  Problems& problems) {
  for (std::size_t i = 0; i < es.phases.size(); ++i) {
    const SearchPhase& phase = es.phases[i];
    const std::string at = is_phase_list ? item("rule.phases", i, "") : "rule";
    if (i == 0 && phase.from_update != 0) {
      problems.add(at + ".from_update", std::to_string(phase.from_update),
                   "0: the first phase starts with the run");
    } else if (i > 0 && phase.from_update <= es.phases[i - 1].from_update) {
      problems.add(
          at + ".from_update", std::to_string(phase.from_update),
          "an integer > " + std::to_string(es.phases[i - 1].from_update) + ", the phase before it");
    }
    std::set<std::string> seen;
    for (std::size_t j = 0; j < phase.searched.size(); ++j) {
      const std::string place = at + ".searched." + std::to_string(j);
      if (!tensors.empty()) check_tensor_name(phase.searched[j], place, tensors, problems);
      if (!seen.insert(phase.searched[j]).second) {
        problems.add(place, in_quotes(phase.searched[j]) + ", a second time", "each tensor once");
      }
    }
  }
}

void check_es(const RunConfig& config, bool is_phase_list, Problems& problems) {
  const EsConfig& es = config.rule.es;
  if (es.antithetic && es.n_members % 2 != 0 && !problems.has_at("rule.n_members")) {
    problems.add("rule.n_members", std::to_string(es.n_members),
                 "an even number where antithetic is true: members come in pairs");
  }
  if (es.noise == EsNoiseKind::kLowRank && es.unsearched == UnsearchedKind::kRedraw)
    problems.add("rule.unsearched", in_quotes(name_of(es.unsearched, kUnsearchedKinds)),
                 "\"keep\" where rule.noise.kind is \"low_rank\": members share their weights");
  // with a network that is not understood nothing is known about tensors
  const std::vector<std::string> tensors = knows_all_ends(config.network, problems)
                                               ? tensor_names(config.network)
                                               : std::vector<std::string>{};
  if (!tensors.empty()) {
    for (const auto& [name, sigma] : es.sigma_of) {
      check_tensor_name(name, "rule.sigma_of." + printable(name), tensors, problems);
    }
  }
  if (!problems.has_at("rule.phases") && !problems.has_at("rule.searched")) {
    check_phases(es, is_phase_list, tensors, problems);
  }
}

// KeRNL needs a readout that hears an alif population, and a loss with a derivative
void check_kernl(const RunConfig& config, Problems& problems) {
  const KernlConfig& kernl = config.rule.kernl;
  const NetworkDescription& network = config.network;
  if (!knows_all_ends(network, problems) || network.populations.empty()) return;
  const std::vector<std::string> tensors = tensor_names(network);
  for (std::size_t i = 0; i < kernl.trained.size(); ++i)
    check_tensor_name(kernl.trained[i], "rule.trained." + std::to_string(i), tensors, problems);
  const std::size_t last = network.populations.size() - 1;
  const PopulationDescription& output = network.populations[last];
  if (output.model != NeuronModel::kReadout)
    problems.add(population_at(last, ".model"), in_quotes(name_of(output.model, kNeuronModels)),
                 "\"readout\" for the last population: rule kernl takes its error from there");
  else if (std::any_of(output.beta.begin(), output.beta.end(),
                       [&](double beta) { return beta != output.beta[0]; }))
    problems.add(population_at(last, ".beta"), "different decays",
                 "one decay for all readout neurons where the rule is kernl");
  const bool has_alif = std::any_of(network.populations.begin(), network.populations.end(),
                                    [](const auto& p) { return p.model == NeuronModel::kAlif; });
  if (!has_alif)
    problems.add("network.populations", "none of model \"alif\"",
                 "at least one alif population where the rule is kernl");
  if (config.loss.kind == LossKind::kCountHinge)
    problems.add("loss.kind", "\"count_hinge\"",
                 "\"cross_entropy\" or \"mean_squared_error\" where the rule is kernl");
  if (config.loss.logits != LogitKind::kMean && config.loss.logits != LogitKind::kFinal &&
      !problems.has_at("loss.logits"))
    problems.add("loss.logits", in_quotes(name_of(config.loss.logits, kLogitKinds)),
                 "\"final\" or \"mean\" where the rule is kernl");
  for (std::size_t p = 0; p < network.populations.size(); ++p) {
    if (network.populations[p].model != NeuronModel::kAlif) continue;
    std::set<double> deltas;
    for (const ProjectionDescription& projection : network.projections) {
      if (projection.to != network.populations[p].name) continue;
      const PopulationDescription* from = find_population(network, projection.from);
      if (from && projection.signal == SignalKind::kTrace && from->synaptic_decay[0] > 0.0)
        deltas.insert(from->synaptic_decay[0]);
    }
    if (deltas.size() > 1)
      problems.add(population_at(p), "sources with different synaptic time constants",
                   "one synaptic time constant among the sources of a population that learns");
  }
}

// what delays are not made for yet
void check_learned_delays(const RunConfig& config, Problems& problems) {
  const KernlConfig& kernl = config.rule.kernl;
  const bool has_tensor = kernl.has_tensor();
  if (kernl.mode == KernlMode::kTrial && !has_tensor) return;
  for (std::size_t i = 0; i < config.network.projections.size(); ++i)
    if (!config.network.projections[i].delay_steps.empty())
      problems.add(projection_at(i, ".delay_steps"), "delays",
                   has_tensor
                       ? "none where the rule has a sensitivity tensor (rule.sensitivity.kind but "
                         "for \"identity\", rule.regression)"
                       : "none where the mode is " + name_of(kernl.mode, kKernlModes) +
                             "; mode \"trial\" has them");
}

// what traces that advance with time cannot do
void check_online(const RunConfig& config, Problems& problems) {
  const KernlConfig& kernl = config.rule.kernl;
  if (kernl.mode == KernlMode::kTrial) return;
  const std::string mode = name_of(kernl.mode, kKernlModes);
  if (kernl.regression.is_on)
    problems.add("rule.regression", "given", "none where the mode is " + mode);
  if (kernl.sensitivity.kind != SensitivityKind::kIdentity)
    problems.add("rule.sensitivity.kind",
                 in_quotes(name_of(kernl.sensitivity.kind, kSensitivityKinds)),
                 "\"identity\" where the mode is " + mode);
  if (kernl.derivative_at != DerivativeAt::kError && kernl.derivative_at != DerivativeAt::kTrace)
    problems.add("rule.derivative_at", in_quotes(name_of(kernl.derivative_at, kDerivativePlaces)),
                 "\"error\" or \"trace\" where the mode is " + mode);
  for (std::size_t p = 0; p < config.network.populations.size(); ++p)
    if (config.network.populations[p].model == NeuronModel::kAlif &&
        config.network.populations[p].synaptic_decay[0] > 0.0)
      problems.add(population_at(p, ".tau_s_ms"), "a synaptic trace",
                   "none (delta 0) where the mode is " + mode);
  if (config.rule.is_acting() && !config.task.is_control() && !problems.has_at("task"))
    problems.add("rule.mode", in_quotes(mode),
                 "\"trial\" or \"online\": there is no reward where the task is not control");
}

void check_optimiser(const OptimiserConfig& optimiser, const std::string& place,
                     Problems& problems) {
  if (optimiser.kind == OptimiserKind::kSgd && optimiser.nesterov && optimiser.momentum == 0.0 &&
      !problems.has_at(place + ".momentum")) {
    problems.add(place + ".nesterov", "true", "false where momentum is 0");
  }
}

// M and g are those of one population that hears itself
void check_regression(const RunConfig& config, Problems& problems) {
  const KernlConfig& kernl = config.rule.kernl;
  const RegressionConfig& regression = kernl.regression;
  if (!regression.is_on) {
    if (!kernl.trains_weights)
      problems.add("rule.trains_weights", "false",
                   "true where there is no rule.regression: nothing would learn");
    return;
  }
  check_optimiser(regression.optimiser, "rule.regression.optimiser", problems);
  if (regression.start != RegressionStart::kAnalytic &&
      regression.gamma_high < regression.gamma_low &&
      !problems.has_at("rule.regression.gamma_low") &&
      !problems.has_at("rule.regression.gamma_high"))
    problems.add("rule.regression.gamma_high", number_text(regression.gamma_high),
                 "a number >= gamma_low = " + number_text(regression.gamma_low));
  const FilterKind wanted =
      regression.n_filters == 1 ? FilterKind::kMembrane : FilterKind::kAdaptation;
  if (kernl.filters != wanted && !problems.has_at("rule.filters") &&
      !problems.has_at("rule.regression.n_filters"))
    problems.add("rule.filters", in_quotes(name_of(kernl.filters, kFilterKinds)),
                 in_quotes(name_of(wanted, kFilterKinds)) + " where rule.regression.n_filters is " +
                     std::to_string(regression.n_filters));
  int n_alif = 0;
  std::size_t place = 0;
  for (std::size_t p = 0; p < config.network.populations.size(); ++p)
    if (config.network.populations[p].model == NeuronModel::kAlif) {
      ++n_alif;
      place = p;
    }
  if (n_alif > 1)
    problems.add("network.populations", std::to_string(n_alif) + " alif populations",
                 "one alif population where there is a rule.regression");
  if (n_alif != 1) return;
  const std::string& name = config.network.populations[place].name;
  for (const ProjectionDescription& projection : config.network.projections)
    if (projection.from == name && projection.to == name) return;
  problems.add("network.projections", "none from " + in_quotes(name) + " to itself",
               "a recurrent projection where there is a rule.regression");
}

void check_run(const RunSection& run, Problems& problems) {
  if (problems.has_at("run.report_every") || problems.has_at("run.test_every")) return;
  if (run.test_every % run.report_every != 0) {
    problems.add("run.test_every", std::to_string(run.test_every),
                 "0, or a multiple of report_every = " + std::to_string(run.report_every));
  }
}

void check_randman(const RunConfig& config, Problems& problems) {
  const RandmanConfig& task = config.task.randman;
  const long n_samples = static_cast<long>(task.n_classes) * task.n_samples_per_class;
  const std::string product = "n_classes * n_samples_per_class = " + std::to_string(n_samples);
  if (n_samples > static_cast<long>(kMaxRows)) {
    problems.add("task.n_samples_per_class", std::to_string(task.n_samples_per_class),
                 "at most " + std::to_string(kMaxRows) + " samples in all; " + product);
    return;
  }
  const long n_spikes_per_sample = static_cast<long>(task.n_units) * task.n_spikes;
  if (n_spikes_per_sample > kMaxInputSpikes / n_samples) {
    problems.add("task.n_units", std::to_string(task.n_units),
                 "so many that the data have at most " + std::to_string(kMaxInputSpikes) +
                     " spikes; " + product + ", n_spikes = " + std::to_string(task.n_spikes));
    return;
  }
  if (task.n_test >= n_samples) {
    problems.add("task.n_test", std::to_string(task.n_test),
                 "an integer < " + std::to_string(n_samples) +
                     ", so that samples to train on are left; " + product);
    return;
  }
  check_task_sizes(
      config, {task.n_units, task.n_steps, task.n_classes, n_samples - task.n_test, task.n_test},
      problems);
}

}  // namespace

void check_config(const RunConfig& config, bool is_phase_list, Problems& problems) {
  check_network(config.network, problems);
  if (!config.task.is_control()) check_loss(config, problems);
  if (config.rule.kind == RuleKind::kEs) {
    check_es(config, is_phase_list, problems);
    check_optimiser(config.rule.es.optimiser, "rule.optimiser", problems);
  } else {
    check_kernl(config, problems);
    check_optimiser(config.rule.kernl.optimiser, "rule.optimiser", problems);
    check_online(config, problems);
    check_learned_delays(config, problems);
    check_regression(config, problems);
  }
  check_run(config.run, problems);
  if (config.task.is_control() && !problems.has_at("task")) check_control(config, problems);
  if (config.task.kind == TaskKind::kRandman && !problems.has_at("task")) {
    check_randman(config, problems);
  }
}

void check_task_sizes(const RunConfig& config, const TaskSizes& sizes, Problems& problems) {
  const auto at_most = [&](const char* place, long value, long limit, const char* what) {
    if (value > limit && !problems.has_at(place)) {
      problems.add(place, std::to_string(value),
                   "an integer <= " + std::to_string(limit) + ", " + what);
    }
  };
  at_most("rule.batch", config.rule.batch(), sizes.n_train, "the number of training samples");
  at_most("loss.window", config.loss.logits == LogitKind::kMean ? config.loss.window : 0,
          sizes.n_steps, "the steps of a trial");
  at_most("run.n_test_report", config.run.n_test_report, sizes.n_test,
          "the number of held-out samples");

  if (config.network.n_inputs != 0 && config.network.n_inputs != sizes.n_inputs) {
    problems.add("network", std::to_string(config.network.n_inputs) + " inputs",
                 std::to_string(sizes.n_inputs) + " inputs, as the task has");
  }
  const bool is_control = config.task.is_control();
  if (sizes.n_classes < 2 && !is_control) {
    problems.add("task", sizes.n_classes == 0 ? "no labels" : "a single class",
                 "labels of two or more classes: the loss compares them with the output");
    return;
  }
  const auto& populations = config.network.populations;
  if (populations.empty()) return;
  const std::string place = population_at(populations.size() - 1, ".n");
  const bool is_acting = config.rule.is_acting();
  const int n_outputs = sizes.n_classes + is_acting;
  if (populations.back().n != n_outputs && !problems.has_at(place) &&
      !problems.has_at(population_at(populations.size() - 1, ".model"))) {
    problems.add(place, std::to_string(populations.back().n),
                 std::to_string(n_outputs) +
                     (is_acting    ? ", one for each action and the critic: "
                      : is_control ? ", one for each action: "
                                   : ", one for each class: ") +
                     in_quotes(populations.back().name) +
                     " is the output population, the last one");
  }
}

}  // namespace spikelane
