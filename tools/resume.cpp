#include "tools/resume.h"

#include <algorithm>

#include "engine/config/config_differences.h"

namespace spikelane {

namespace fs = std::filesystem;

void add_resume_options(CLI::App& command, ResumeOptions& options) {
  command.add_option("--resume", options.from,
                     "goes on from a checkpoint: its file, or the --out folder it lies in");
  command
      .add_option(
          "--allow-changed", options.allowed_changes,
          "keys of the config, with commas, that may differ from the checkpoint's; data: the "
          "task's data may")
      ->delimiter(',')
      ->allow_extra_args(false);
}

bool is_allowed_change(const std::string& key, const std::vector<std::string>& allowed) {
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& name) {
    return key == name || (key.size() > name.size() && key.compare(0, name.size(), name) == 0 &&
                           key[name.size()] == '.');
  });
}

std::optional<ResumePoint> read_resume_point(const ResumeOptions& options, const RunConfig& config,
                                             ProblemList& problems) {
  ResumePoint point;
  const fs::path from = *options.from;
  if (!problems.attempt([&] { point.checkpoint = read_checkpoint(from, point.notes); }))
    return std::nullopt;
  const Checkpoint& checkpoint = point.checkpoint;
  std::error_code error;
  point.folder = fs::is_directory(from, error) ? from : from.parent_path();
  if (point.folder.empty()) point.folder = ".";

  bool is_right = true;
  for (const ConfigDifference& difference : config_differences(checkpoint.config, config)) {
    if (is_allowed_change(difference.key, options.allowed_changes)) continue;
    is_right = false;
    problems.add(difference.key, difference.now,
                 difference.before + ", as in " + checkpoint.place + "; or --allow-changed " +
                     difference.key);
  }
  if (config.run.n_updates < checkpoint.update) {
    is_right = false;
    problems.add("run.n_updates", std::to_string(config.run.n_updates),
                 "at least " + std::to_string(checkpoint.update) + ", which " + checkpoint.place +
                     " has done");
  }
  if (!is_right) return std::nullopt;
  return point;
}

}  // namespace spikelane
