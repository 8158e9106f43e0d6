// The folder of --out, while a run is prepared and under way.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/problem_list.h"

namespace spikelane {

/// One program at a time: a folder that another one is writing to is refused, and what killed ones
/// have left of half-written files is removed.
/// Without --out there is no folder and nothing is written. What was made for --out and is still
/// empty at the end of the scope (the input was wrong, the run failed early) is removed again.
class OutputFolder {
 public:
  /// Makes the folder and tries whether files can be made in it; a UserError joins `problems`.
  OutputFolder(const std::optional<std::string>& out, ProblemList& problems);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  bool is_there() const { return path_.has_value(); }
  std::filesystem::path file(std::string_view name) const { return *path_ / name; }

  /// Replaces the file atomically; does nothing without --out. Throws RunError.
  void write(std::string_view name, std::string_view content) const;

  /// Adds `content` to the end of the file; does nothing without --out. Throws RunError.
  void append(std::string_view name, std::string_view content) const;

  /// Replaces the checkpoint; as write_checkpoint.
  void write_checkpoint(std::string_view content, bool keeps_previous) const;

 private:
  void lock(ProblemList& problems);

  std::optional<std::filesystem::path> path_;
  int lock_ = -1;                            // descriptor of the folder, while it is locked
  std::vector<std::filesystem::path> made_;  // outermost first
};

}  // namespace spikelane
