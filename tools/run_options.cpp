#include "tools/run_options.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "engine/config/parse_config.h"
#include "engine/config/problems.h"
#include "engine/learning/learning_memory.h"
#include "engine/report/build_info.h"
#include "engine/report/results_json.h"
#include "engine/run/kernl_evaluator.h"
#include "kernels/cuda/cuda_library.h"

namespace spikelane {

constexpr int kMaxThreads = 1024;

void add_config_options(CLI::App& command, ConfigOptions& options) {
  command.add_option("CONFIG.json", options.config, "the config file")->required();
  command
      .add_option("--set", options.overrides,
                  "key.path=value: changes a key of the config; may be given again")
      ->allow_extra_args(false);
}

void add_run_options(CLI::App& command, RunOptions& options) {
  add_config_options(command, options.config);
  command.add_option("--out", options.out,
                     "folder for the files, made if it is not there; without it none are written");
  add_machine_options(command, options);
}

void add_machine_options(CLI::App& command, RunOptions& options) {
  command.add_option("--threads", options.threads, "threads, 1 to 1024 (default: all cores)");
  command.add_option("--backend", options.backend, "auto, cpu or cuda")->capture_default_str();
  command.add_option("--isa", options.isa,
                     "instruction set: " + runnable_isa_names() + " (default: the last)");
  command.add_option("--layout", options.layout,
                     "neuron_lanes or sample_lanes (default: by the network)");
}

std::optional<CheckedConfig> read_config(const ConfigOptions& options, ProblemList& problems) {
  CheckedConfig checked;
  const bool is_right = problems.attempt([&] {
    checked.config = parse_config_file(options.config, options.overrides);
    checked.shape = describe_task(checked.config);
    checked.config.network.n_inputs = checked.shape.n_inputs;
    check_against_task(checked.config, checked.shape.n_inputs, checked.shape.n_steps,
                       checked.shape.n_classes, checked.shape.n_train, checked.shape.n_test);
  });
  if (!is_right) return std::nullopt;
  return checked;
}

std::optional<int> read_count(const std::string& text, const std::string& option, int min, int max,
                              ProblemList& problems) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec == std::errc() && result.ptr == end && value >= min && value <= max) return value;
  problems.add(option, in_quotes(text),
               "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

bool MachineChoice::runs_on_device() const { return kernels && cuda_of(*kernels) != nullptr; }

MachineChoice choose_machine(const RunOptions& options, ProblemList& problems) {
  MachineChoice machine;
  machine.n_threads = std::clamp(usable_cores().n_usable, 1, kMaxThreads);
  if (options.threads)
    machine.n_threads =
        read_count(*options.threads, "--threads", 1, kMaxThreads, problems).value_or(1);

  if (options.backend != "auto" && options.backend != "cuda" && options.backend != "auto" &&
      options.backend != "cpu")
    problems.add("--backend", in_quotes(options.backend),
                 one_of_text({"auto", "cpu", "cuda"}, options.backend));

  // an empty name would mean the fastest, which nobody asked for
  const std::string isa = options.isa.value_or("");
  machine.kernels = options.isa && isa.empty() ? nullptr : find_kernels(isa);
  if (machine.kernels == nullptr && options.isa)
    problems.add("--isa", in_quotes(isa), "what this machine can run: " + runnable_isa_names());
  else if (machine.kernels == nullptr)
    throw RunError("this processor runs none of the instruction sets of this program");

  if (machine.kernels && (options.backend == "cuda" || options.backend == "auto")) {
    std::string why;
    const CudaFunctions* cuda = find_cuda(&why);
    CudaDeviceInfo info{};
    if (cuda && cuda->describe_device(0, &info) == nullptr) {
      machine.kernels = with_cuda(*machine.kernels, *cuda);
      machine.device = info.name;
    } else if (options.backend == "cuda") {
      problems.add("--backend", "\"cuda\"", "\"auto\" or \"cpu\" on this machine: " + why);
    }
  }

  if (!options.layout) return machine;
  if (*options.layout == "neuron_lanes")
    machine.plan_options.layout = LayoutChoice::kNeuronLanes;
  else if (*options.layout == "sample_lanes")
    machine.plan_options.layout = LayoutChoice::kSampleLanes;
  else
    problems.add("--layout", in_quotes(*options.layout),
                 one_of_text({"neuron_lanes", "sample_lanes"}, *options.layout));
  return machine;
}

bool check_memory(const CheckedConfig& checked, int n_copies, int n_threads,
                  ProblemList& problems) {
  const RunConfig& config = checked.config;
  const double n_parameters = static_cast<double>(network_sizes(config.network).n_parameters);
  double n_bytes = n_parameters * sizeof(float) * n_copies;
  double n_learning_bytes = 0.0;
  if (config.rule.kind == RuleKind::kKernl && config.rule.kernl.trains_weights && n_threads > 0) {
    const int n_batch = config.rule.batch() == 0 ? checked.shape.n_train : config.rule.batch();
    const LearningMemory learning = learning_memory(config, checked.shape.n_steps, n_batch);
    n_learning_bytes = n_threads * learning.n_thread_bytes + learning.n_batch_bytes;
  }
  if (config.task.kind == TaskKind::kRandman)
    n_bytes += static_cast<double>(sizeof(InputEvent)) * config.task.randman.n_classes *
               config.task.randman.n_samples_per_class * config.task.randman.n_units *
               config.task.randman.n_spikes;
  const double n_machine_bytes =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (n_bytes + n_learning_bytes <= n_machine_bytes) return true;
  constexpr double kGiB = 1u << 30;
  char needed[120], there[80];
  std::snprintf(needed, sizeof needed, "%.4g parameters; with the data at least %.1f GiB",
                n_parameters, n_bytes / kGiB);
  std::snprintf(there, sizeof there, "what fits this machine's memory of %.1f GiB",
                n_machine_bytes / kGiB);
  if (n_bytes > n_machine_bytes) {
    problems.add("network", needed, there);
    return false;
  }
  std::snprintf(needed, sizeof needed,
                "%d threads, trials of %d steps and this batch; learning takes at least %.1f GiB",
                n_threads, checked.shape.n_steps, (n_bytes + n_learning_bytes) / kGiB);
  problems.add("rule.batch", needed, there);
  return false;
}

bool check_trial_memory(const CheckedConfig& checked, int n_threads, ProblemList& problems) {
  const RunConfig& config = checked.config;
  if (config.rule.kind != RuleKind::kKernl || config.rule.kernl.mode != KernlMode::kTrial ||
      !config.rule.kernl.trains_weights)
    return true;
  return problems.attempt([&] {
    const auto plan = compile_plan(config.network, config.loss, checked.shape.n_steps,
                                   for_learning(PlanOptions{}, false));
    const KernlRule rule(*plan, *find_kernels(""), config.rule.kernl, config.seed);
    n_bytes_for_gradients(*plan, rule, config.rule.kernl, n_threads);
  });
}

MachineInfo machine_info(const MachineChoice& machine) {
  MachineInfo info;
  info.cpu = cpu_name();
  info.isa = machine.kernels->isa;
  info.backend = machine.runs_on_device() ? "cuda" : "cpu";
  info.device = machine.device;
  info.n_threads = machine.n_threads;
  return info;
}

const char* layout_name(Layout layout) {
  return layout == Layout::kSampleLanes ? "sample_lanes" : "neuron_lanes";
}

std::string to_text(const MachineChoice& machine, const RunOptions& options, const Plan& plan) {
  std::string text = machine.runs_on_device() ? "cuda" : "cpu";
  text += options.backend == "auto" ? " (auto), " : ", ";
  if (machine.runs_on_device()) text += machine.device + ", ";
  text += machine.kernels->isa;
  text += ", " + std::to_string(machine.n_threads);
  text += machine.n_threads == 1 ? " thread, layout " : " threads, layout ";
  return text + layout_name(plan.layout());
}

}  // namespace spikelane
