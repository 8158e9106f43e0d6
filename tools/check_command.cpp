// spikelane check: reads and validates a config, and says what it describes and what it will cost.
#include <cstdio>
#include <memory>

#include "engine/config/config_keys.h"
#include "engine/config/parse_config.h"
#include "engine/learning/kernl_memory.h"
#include "engine/learning/learning_memory.h"
#include "engine/learning/members.h"
#include "engine/report/results_json.h"
#include "engine/state/scratch.h"
#include "tasks/randman/nearest_neighbour.h"
#include "tools/commands.h"
#include "tools/run_options.h"

namespace spikelane {
namespace {

// beyond that many comparisons of numbers the nearest neighbours would take minutes
constexpr double kMaxComparisons = 2e11;

constexpr double kMaxMeasuredBytes = 1u << 30;

// "1,234,567"
std::string with_commas(std::int64_t n) {
  std::string text = std::to_string(n);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::string bytes_text(double n_bytes) {
  char text[40];
  if (n_bytes < 1024.0 * 1024.0)
    std::snprintf(text, sizeof text, "%.1f KiB", n_bytes / 1024.0);
  else
    std::snprintf(text, sizeof text, "%.1f MiB", n_bytes / (1024.0 * 1024.0));
  return text;
}

void print_task(const CheckedConfig& checked) {
  const TaskShape& shape = checked.shape;
  if (checked.config.task.is_control()) {
    const ControlConfig& control = checked.config.task.control;
    std::printf(
        "task %s: %d inputs, %d actions, up to %d control steps of %d step%s; "
        "%s episodes to train, %s to test\n",
        name_of(checked.config.task.kind, kTaskKinds).c_str(), shape.n_inputs, shape.n_classes,
        control.max_steps, control.control_steps, control.control_steps == 1 ? "" : "s",
        with_commas(shape.n_train).c_str(), with_commas(shape.n_test).c_str());
    return;
  }
  std::printf("task %s: %d inputs, %d steps, %d classes; %s samples to train, %s to test\n",
              name_of(checked.config.task.kind, kTaskKinds).c_str(), shape.n_inputs, shape.n_steps,
              shape.n_classes, with_commas(shape.n_train).c_str(),
              with_commas(shape.n_test).c_str());
}

void print_network(const NetworkDescription& network) {
  const NetworkSizes sizes = network_sizes(network);
  std::printf("network: %s neurons, %s parameters\n", with_commas(sizes.n_neurons).c_str(),
              with_commas(sizes.n_parameters).c_str());
  for (const PopulationDescription& population : network.populations)
    std::printf("  population %-16s %-8s n = %d\n", population.name.c_str(),
                name_of(population.model, kNeuronModels).c_str(), population.n);
  for (const auto& tensor : sizes.tensors) {
    std::string shape;
    for (std::int64_t n : tensor.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(n);
    std::printf("  tensor %s (%s)\n", tensor.name.c_str(), shape.c_str());
  }
}

void print_rule(const CheckedConfig& checked) {
  const RunConfig& config = checked.config;
  if (config.rule.kind == RuleKind::kKernl) {
    const KernlConfig& kernl = config.rule.kernl;
    const int n = kernl.batch == 0 ? checked.shape.n_train : kernl.batch;
    std::printf("rule kernl: filters %s, sensitivity %s, batch of %s samples\n",
                name_of(kernl.filters, kFilterKinds).c_str(),
                name_of(kernl.sensitivity.kind, kSensitivityKinds).c_str(), with_commas(n).c_str());
    std::printf("  an update: %.4g sample-steps; the run of %s updates: %.4g epochs\n",
                static_cast<double>(n) * checked.shape.n_steps,
                with_commas(config.run.n_updates).c_str(),
                static_cast<double>(config.run.n_updates) * n / checked.shape.n_train);
    if (!kernl.trains_weights || kernl.mode == KernlMode::kTrial) return;
    const LearningMemory memory = learning_memory(config, checked.shape.n_steps, n);
    std::printf("  memory of learning: %s a thread, %s for the batch\n",
                bytes_text(memory.n_thread_bytes).c_str(),
                bytes_text(memory.n_batch_bytes).c_str());
    return;
  }
  const EsConfig& es = config.rule.es;
  const int batch = es.batch == 0 ? checked.shape.n_train : es.batch;
  const std::string noise =
      es.noise == EsNoiseKind::kLowRank ? ", noise of rank " + std::to_string(es.rank) : "";
  const bool is_control = config.task.is_control();
  std::printf(is_control ? "rule es: %d members%s%s, %s episodes each\n"
                         : "rule es: %d members%s%s, batch of %s samples\n",
              es.n_members, es.antithetic ? " in antithetic pairs" : "", noise.c_str(),
              with_commas(batch).c_str());
  const double sample_steps = static_cast<double>(es.n_members) * batch * checked.shape.n_steps;
  std::printf("  a generation: %s%.4g sample-steps; the run of %s updates: %.4g\n",
              is_control ? "up to " : "", sample_steps, with_commas(config.run.n_updates).c_str(),
              sample_steps * config.run.n_updates);
}

// what rule.max_memory_mib is there for
void print_trial_memory(const CheckedConfig& checked) {
  const RunConfig& config = checked.config;
  const KernlConfig& kernl = config.rule.kernl;
  if (config.rule.kind != RuleKind::kKernl || kernl.mode != KernlMode::kTrial) return;
  const auto plan = compile_plan(config.network, config.loss, checked.shape.n_steps,
                                 for_learning(PlanOptions{}, false));
  const KernlRule rule(*plan, *find_kernels(""), kernl, config.seed);
  std::printf(
      "  of a trial with its history: %s a thread; of gradients: %s for each 8 samples; at "
      "most %s together\n",
      bytes_text(static_cast<double>(KernlMemory::n_bytes_of_trial(*plan, rule, kernl, false)))
          .c_str(),
      bytes_text(static_cast<double>(plan->n_block_floats()) * sizeof(float)).c_str(),
      bytes_text(kernl.max_memory_mib * 1024.0 * 1024.0).c_str());
}

void print_memory(const CheckedConfig& checked) {
  const NetworkSizes sizes = network_sizes(checked.config.network);
  const RuleConfig& rule = checked.config.rule;
  const auto plan =
      compile_plan(checked.config.network, checked.config.loss, checked.shape.n_steps,
                   rule.kind == RuleKind::kEs ? for_members({}, rule.es) : PlanOptions{});
  std::printf("layout %s: %d sample%s a tile\n", layout_name(plan->layout()),
              plan->lanes_per_tile(), plan->lanes_per_tile() == 1 ? "" : "s");
  const auto n_tile_bytes = static_cast<double>(plan->view().tile_bytes);
  // mostly a member's parameters and, layer after layer, the spikes of a trial
  double n_thread_bytes =
      n_tile_bytes + static_cast<double>(plan->n_block_floats()) * sizeof(float);
  if (plan->view().layer_major)
    n_thread_bytes += static_cast<double>(sizes.n_neurons) * checked.shape.n_steps * 6.0;
  // what may be too much for this machine is not made to be measured
  if (n_thread_bytes < kMaxMeasuredBytes)
    n_thread_bytes = static_cast<double>(Scratch(*plan, checked.shape.n_steps, true).n_bytes());
  std::printf("  memory of a tile: %s; of a thread, with tile and weights: %s\n",
              bytes_text(n_tile_bytes).c_str(), bytes_text(n_thread_bytes).c_str());
  print_trial_memory(checked);
}

void print_ceiling(const CheckedConfig& checked) {
  const RandmanConfig& task = checked.config.task.randman;
  if (checked.config.task.kind != TaskKind::kRandman) return;
  const double n_comparisons = static_cast<double>(checked.shape.n_train) * checked.shape.n_test *
                               task.n_units * task.n_spikes;
  if (n_comparisons > kMaxComparisons) {
    std::printf("nearest neighbour on spike times: not computed, the data set is too large\n");
    return;
  }
  const auto ceiling = nearest_neighbour_ceiling(load_task(checked.config));
  if (ceiling)
    std::printf("nearest neighbour on spike times: %.2f %% of the test samples are right\n",
                100.0 * *ceiling);
}

void warn(const RunConfig& config) {
  const RandmanConfig& task = config.task.randman;
  if (config.task.kind == TaskKind::kRandman && !task.shuffle && task.n_test > 0)
    std::fprintf(stderr,
                 "warning: task.shuffle is false and task.n_test is %d: samples stand in the order "
                 "of their classes, so the held-out ones are of the last classes only\n",
                 task.n_test);
}

int check(const ConfigOptions& options, bool prints_defaults) {
  ProblemList problems;
  const auto checked = read_config(options, problems);
  problems.throw_if_any();
  if (prints_defaults) {
    std::printf("%s\n", config_to_json(checked->config).c_str());
    return 0;
  }
  print_task(*checked);
  print_network(checked->config.network);
  print_rule(*checked);
  print_memory(*checked);
  std::fflush(stdout);
  warn(checked->config);
  print_ceiling(*checked);
  return 0;
}

}  // namespace

void add_check_command(CLI::App& app, int& exit_code) {
  struct Options {
    ConfigOptions config;
    bool prints_defaults = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("check", "validate a config; print its network, memory and cost");
  add_config_options(*command, options->config);
  command->add_flag("--defaults", options->prints_defaults,
                    "print the whole config instead, defaults filled in");
  command->callback(
      [options, &exit_code] { exit_code = check(options->config, options->prints_defaults); });
}

}  // namespace spikelane
