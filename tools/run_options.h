// What `train` and `eval` have in common: their options, and the way from options to a run whose
// every part has been checked.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/plan/plan.h"
#include "engine/report/results.h"
#include "kernels/cpu/kernel_table.h"
#include "tasks/load_task.h"
#include "tools/problem_list.h"

namespace spikelane {

/// The config as it is named on the command line.
struct ConfigOptions {
  std::string config;
  std::vector<std::string> overrides;  // --set
};

/// As typed. They are texts: what is wrong is said together with everything else that is wrong.
struct RunOptions {
  ConfigOptions config;
  std::optional<std::string> out, threads, isa, layout;
  std::string backend = "auto";
};

void add_config_options(CLI::App& command, ConfigOptions& options);
void add_run_options(CLI::App& command, RunOptions& options);
/// Of these, only those that say on what to run: --threads, --backend, --isa, --layout.
void add_machine_options(CLI::App& command, RunOptions& options);

/// A checked config and the sizes of its task; network.n_inputs is filled in.
struct CheckedConfig {
  RunConfig config;
  TaskShape shape;
};

/// Reads the config and holds it against its task, whose data are not made. Nothing when there are
/// problems; they join the list.
std::optional<CheckedConfig> read_config(const ConfigOptions& options, ProblemList& problems);

/// How a run is computed: none of it changes a result.
struct MachineChoice {
  const KernelTable* kernels = nullptr;
  std::string device;  // name of the CUDA device, where it was chosen
  int n_threads = 1;
  PlanOptions plan_options;
  bool runs_on_device() const;
};

/// Reads --threads, --backend, --isa and --layout; problems join the list.
MachineChoice choose_machine(const RunOptions& options, ProblemList& problems);

/// A whole number from min to max, or nothing and a problem at `option`.
std::optional<int> read_count(const std::string& text, const std::string& option, int min, int max,
                              ProblemList& problems);

/// False, and a problem, where `n_copies` of the parameters and the data, with what learning on
/// `n_threads` holds (0: nothing is learned), are more than the machine's memory: found now,
/// instead of by the kernel's killer in the middle of a run.
bool check_memory(const CheckedConfig& checked, int n_copies, int n_threads, ProblemList& problems);

/// Whether KeRNL's whole trials fit rule.max_memory_mib with so many threads (on a device: 1); true
/// for other rules.
bool check_trial_memory(const CheckedConfig& checked, int n_threads, ProblemList& problems);

MachineInfo machine_info(const MachineChoice& machine);

/// "cpu (auto), x86-64-v4, 2 threads, layout sample_lanes"
std::string to_text(const MachineChoice& machine, const RunOptions& options, const Plan& plan);

/// "sample_lanes"
const char* layout_name(Layout layout);

}  // namespace spikelane
