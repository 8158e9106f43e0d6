#include "engine/report/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "engine/config/user_error.h"

namespace spikelane {

namespace {

// a file descriptor that is closed on every way out
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }
  // some file systems report a full disk only here
  int close() {
    const int result = value_ >= 0 ? ::close(value_) : 0;
    value_ = -1;
    return result;
  }

 private:
  int value_;
};

struct TemporaryFile {
  std::filesystem::path path;
  int descriptor;  // -1: could not be made, errno says why
};

// a name beside `path` that no other run takes
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> n_made{0};
  std::filesystem::path temporary = path;
  temporary += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(n_made++);
  return temporary;
}

TemporaryFile make_temporary(const std::filesystem::path& path) {
  for (;;) {
    std::filesystem::path temporary = temporary_name(path);
    const int descriptor =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor >= 0 || errno != EEXIST) return {std::move(temporary), descriptor};
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// the file gets `previous` as a second name, or, where there are no hard links, in place of its
// own. Returns 0 or the errno of the failure
int keep_as(const std::filesystem::path& path, const std::filesystem::path& previous) {
  const std::filesystem::path name = temporary_name(previous);
  if (::link(path.c_str(), name.c_str()) == 0) {
    const int reason = ::rename(name.c_str(), previous.c_str()) == 0 ? 0 : errno;
    // renaming one name of a file to another of its names does nothing at all
    ::unlink(name.c_str());
    return reason;
  }
  if (errno == ENOENT) return 0;
  return ::rename(path.c_str(), previous.c_str()) == 0 ? 0 : errno;
}

[[noreturn]] void throw_run_error(const std::string& what, const std::filesystem::path& path,
                                  int reason) {
  throw RunError(what + " " + path.string() + ": " + std::strerror(reason));
}

}  // namespace

int write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(descriptor, content.data(), content.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    if (n == 0) return ENOSPC;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content,
                           const std::filesystem::path& previous) {
  const TemporaryFile temporary = make_temporary(path);
  if (temporary.descriptor < 0) throw_run_error("cannot write", path, errno);

  Descriptor file(temporary.descriptor);
  int reason = write_all(file.value(), content);
  if (reason == 0 && ::fsync(file.value()) != 0) reason = errno;
  if (file.close() != 0 && reason == 0) reason = errno;
  if (reason == 0 && !previous.empty()) reason = keep_as(path, previous);
  if (reason == 0 && ::rename(temporary.path.c_str(), path.c_str()) != 0) reason = errno;
  if (reason != 0) {
    ::unlink(temporary.path.c_str());
    throw_run_error("cannot write", path, reason);
  }

  // the rename itself survives a power cut only when the folder is flushed too; file systems that
  // cannot flush a folder say EINVAL
  Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.value() >= 0 && ::fsync(folder.value()) != 0 && errno != EINVAL) {
    throw_run_error("written, but its folder could not be flushed to disk:", path, errno);
  }
}

void append_to_file(const std::filesystem::path& path, std::string_view content) {
  Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (file.value() < 0) throw_run_error("cannot write", path, errno);
  int reason = write_all(file.value(), content);
  if (file.close() != 0 && reason == 0) reason = errno;
  if (reason != 0) throw_run_error("cannot write", path, reason);
}

// as temporary_name makes them
static bool is_temporary(const std::string& name) {
  const std::size_t mark = name.rfind(".tmp-");
  return mark != std::string::npos && mark > 0 &&
         name.find_first_not_of("0123456789-", mark + 5) == std::string::npos;
}

void remove_temporary_files(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::error_code ignored;
    if (entry.is_regular_file(ignored) && is_temporary(entry.path().filename().string()))
      std::filesystem::remove(entry.path(), ignored);
  }
}

void make_output_folder(const std::filesystem::path& path) {
  std::string value = "\"";
  value += path.string() + "\"";
  if (path.empty()) throw UserError("--out", value, "the name of a folder");
  std::error_code error;
  std::filesystem::create_directories(path, error);
  std::error_code not_there;
  if (!std::filesystem::is_directory(path, not_there)) {
    const std::string why = error ? error.message() : "not a folder";
    throw UserError("--out", value + " (" + why + ")", "a folder that exists or can be made");
  }
  // permissions say little (root, read-only mounts, quotas): try it
  const TemporaryFile probe = make_temporary(path / "writable");
  if (probe.descriptor < 0) {
    const std::string why = std::strerror(errno);
    throw UserError("--out", value + " (" + why + ")", "a folder in which files can be made");
  }
  Descriptor file(probe.descriptor);
  ::unlink(probe.path.c_str());
}

}  // namespace spikelane
