#include "tools/output_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
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
  if (path_) lock(problems);
}

// the lock goes with the process, however it ends. Where the file system has none, nothing is
// known about others and nothing is removed
void OutputFolder::lock(ProblemList& problems) {
  lock_ = ::open(path_->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) return;
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) {
    remove_temporary_files(*path_);
  } else if (errno == EWOULDBLOCK) {
    problems.add("--out", "\"" + path_->string() + "\" (another run is writing to it)",
                 "a folder of its own for each run");
    path_.reset();
  }
}

OutputFolder::~OutputFolder() {
  if (lock_ >= 0) ::close(lock_);
  // remove() leaves folders alone that have something in them
  std::error_code ignored;
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) fs::remove(*path, ignored);
}

void OutputFolder::write_checkpoint(std::string_view content, bool keeps_previous) const {
  if (path_) spikelane::write_checkpoint(*path_, content, keeps_previous);
}

void OutputFolder::append(std::string_view name, std::string_view content) const {
  if (path_) append_to_file(file(name), content);
}

void OutputFolder::write(std::string_view name, std::string_view content) const {
  if (path_) write_file_atomically(file(name), content);
}

}  // namespace spikelane
