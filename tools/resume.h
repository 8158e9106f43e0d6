// --resume and --allow-changed: from which checkpoint a training goes on, and whether it may.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/report/checkpoint.h"
#include "tools/problem_list.h"

namespace spikelane {

/// As typed.
struct ResumeOptions {
  std::optional<std::string> from;           // a checkpoint file, or a folder with one
  std::vector<std::string> allowed_changes;  // keys of the config, each with all below it
};

void add_resume_options(CLI::App& command, ResumeOptions& options);

/// Whether `key` or something above it is named.
bool is_allowed_change(const std::string& key, const std::vector<std::string>& allowed);

struct ResumePoint {
  Checkpoint checkpoint;
  std::filesystem::path folder;    // that it lies in
  std::vector<std::string> notes;  // why the newest checkpoint was not taken; empty: it was
};

/// Reads the checkpoint and holds it against `config`: what differs must be allowed by name, and
/// run.n_updates must not be less than what is done. Nothing when there are problems; they join the
/// list.
std::optional<ResumePoint> read_resume_point(const ResumeOptions& options, const RunConfig& config,
                                             ProblemList& problems);

}  // namespace spikelane
