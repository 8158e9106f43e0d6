// Files are replaced whole or not at all, and a folder that cannot be written is found beforehand.
#include "engine/report/atomic_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "engine/config/user_error.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"

namespace spikelane {
namespace {

using test::read_file;
using test::ScratchFolder;
using test::write_file;

long n_entries(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

// files may not grow beyond n bytes while this lives: a full disk that needs no privileges
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t n) {
    old_handler_ = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_limit_);
    rlimit limit = old_limit_;
    limit.rlim_cur = n;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_limit_{};
  void (*old_handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("atomic file: a file is made and replaced, and nothing else stays behind") {
  const ScratchFolder folder;
  const auto path = folder / "results.json";
  const std::string large(3 << 20, 'x');
  write_file_atomically(path, "first");
  CHECK(read_file(path) == "first");
  write_file_atomically(path, large);
  CHECK(read_file(path) == large);
  write_file_atomically(path, "");
  CHECK(read_file(path).empty());
  CHECK(n_entries(folder.path()) == 1);

  // readable as any file the user makes, not private to this process
  const mode_t mask = umask(022);
  write_file_atomically(folder / "plain", "x");
  umask(mask);
  struct stat status {};
  REQUIRE(stat((folder / "plain").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0644);
}

TEST_CASE("atomic file: when writing fails the old file stays and the temporary one goes") {
  const ScratchFolder folder;
  const auto path = write_file(folder / "results.json", "old");
  const std::string large(100000, 'x');
  std::string message;
  {
    const FileSizeLimit limit(4096);
    try {
      write_file_atomically(path, large);
    } catch (const RunError& error) {
      message = error.what();
    }
  }
  CHECK(message.find(path.string()) != std::string::npos);
  CHECK(message.find(std::strerror(EFBIG)) != std::string::npos);
  CHECK(read_file(path) == "old");
  CHECK(n_entries(folder.path()) == 1);
  write_file_atomically(path, large);
  CHECK(read_file(path) == large);

  // the rename fails: a folder stands where the file should be
  std::filesystem::create_directories(folder / "taken/inside");
  CHECK_THROWS_AS(write_file_atomically(folder / "taken", "x"), RunError);
  CHECK(n_entries(folder.path()) == 2);
  CHECK_THROWS_AS(write_file_atomically(folder / "missing/file", "x"), RunError);
}

TEST_CASE("atomic file: a full disk is reported") {
  const int full = open("/dev/full", O_WRONLY);
  if (full < 0) return test::note_skip("no /dev/full");
  CHECK(write_all(full, "x") == ENOSPC);
  close(full);

  // a short write is gone on with: a pipe takes what fits and then says it would block
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  CHECK(write_all(ends[1], std::string(1 << 22, 'x')) == EAGAIN);
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("output folder: made where it can be, refused before the run where not") {
  const ScratchFolder folder;
  make_output_folder(folder / "a/b/c");
  CHECK(std::filesystem::is_directory(folder / "a/b/c"));
  CHECK(n_entries(folder / "a/b/c") == 0);
  write_file(folder / "a/b/c/kept", "x");
  make_output_folder(folder / "a/b/c");
  CHECK(n_entries(folder / "a/b/c") == 1);

  write_file(folder / "file", "x");
  // /proc takes no files, not even from root
  for (const std::filesystem::path& bad :
       {std::filesystem::path(), folder / "file", folder / "file/below",
        folder / std::string(5000, 'x'), std::filesystem::path("/proc"),
        std::filesystem::path("/proc/spikelane_test/out")}) {
    try {
      make_output_folder(bad);
      FAIL("not refused: " << bad);
    } catch (const UserError& error) {
      REQUIRE(error.problems().size() == 1);
      CHECK(error.problems()[0].place == "--out");
      CHECK(error.problems()[0].value.find(bad.string()) != std::string::npos);
    }
  }
}

}  // namespace spikelane
