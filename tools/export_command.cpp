// spikelane export: a trained network in the form that programs embed.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/api/c_source.h"
#include "engine/report/atomic_file.h"
#include "engine/report/policy_file.h"
#include "tools/commands.h"
#include "tools/problem_list.h"
#include "tools/progress.h"

namespace spikelane {
namespace {

struct ExportOptions {
  std::string folder;
  std::optional<std::string> policy, c_source;
};

void export_training(const ExportOptions& options) {
  ProblemList problems;
  std::optional<Policy> policy;
  problems.attempt([&] { policy = read_training(options.folder); });
  if (!options.policy && !options.c_source)
    problems.add("export", "nothing to write", "--policy FILE, --c FILE, or both");
  problems.throw_if_any();
  if (options.policy) {
    write_file_atomically(*options.policy,
                          policy_to_safetensors(policy->config, policy->parameters));
    say(text_stream(), "policy:        " + *options.policy + "\n");
  }
  if (options.c_source) {
    const std::filesystem::path path = *options.c_source;
    const std::string name = c_identifier(path.filename().string());
    write_file_atomically(path, policy_to_c(*policy, name));
    say(text_stream(), "C source:      " + path.string() + ", " + name + "_step\n");
  }
}

}  // namespace

void add_export_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<ExportOptions>();
  CLI::App* command =
      app.add_subcommand("export", "write a trained network as a file that programs embed");
  command->add_option("DIR", options->folder, "the folder of `spikelane train --out`")->required();
  command->add_option("--policy", options->policy,
                      "one file with config and weights, for the C API (policy.spikelane)");
  command->add_option("--c", options->c_source,
                      "one C99 file with weights and a step, for machines where this library does "
                      "not run (policy.c); its functions are called after it");
  command->callback([options, &exit_code] {
    export_training(*options);
    exit_code = 0;
  });
}

}  // namespace spikelane
