#include "tools/output_folder.h"

#include <system_error>

#include "engine/report/atomic_file.h"
#include "engine/report/checkpoint.h"

namespace spikelane {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(const std::optional<std::string>& out, ProblemList& problems) {
  if (!out) return;
  std::error_code error;
  // absolute: the loop below ends at the root
  for (fs::path path = fs::absolute(*out, error); !out->empty(); path = path.parent_path()) {
    if (path == path.parent_path() || fs::exists(path, error) || error) break;
    made_.insert(made_.begin(), path);
  }
  if (problems.attempt([&] { make_output_folder(*out); })) path_ = *out;
}

OutputFolder::~OutputFolder() {
  // remove() leaves folders alone that have something in them
  std::error_code ignored;
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) fs::remove(*path, ignored);
}

void OutputFolder::write_checkpoint(std::string_view content, bool keeps_previous) const {
  if (path_) spikelane::write_checkpoint(*path_, content, keeps_previous);
}

void OutputFolder::write(std::string_view name, std::string_view content) const {
  if (path_) write_file_atomically(file(name), content);
}

}  // namespace spikelane
