// The built program, run as a user would: arguments in; exit code, standard output and error out.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace spikelane::test {

struct ProgramOutcome {
  int exit_code = -1;  // 128 + n where signal n ended it
  std::string out, error;
};

struct ProgramSetting {
  std::string program = SPIKELANE_PROGRAM;
  std::filesystem::path folder = ".";  // it runs in
  long max_file_bytes = -1;            // files may not grow beyond it: a full disk
  bool closes_stdout = false;          // nobody reads standard output
  int signal = 0;                      // sent when the first byte of `out` or `error` has come
  long max_memory_bytes = -1;          // of address space
  std::string stdout_file;             // standard output goes there
  std::vector<std::string> variables;  // NAME=value, beside those of the test
  std::function<bool()> kill_when;     // asked every millisecond: true sends kill_signal, once
  int kill_signal = SIGKILL;
};

/// Runs the program and waits for its end.
inline ProgramOutcome run_program(const std::vector<std::string>& arguments,
                                  const ProgramSetting& setting = {}) {
  std::vector<std::string> texts{setting.program};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);

  int out[2], error[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(error, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no fork");
  if (child == 0) {
    if (::chdir(setting.folder.c_str()) != 0) ::_exit(126);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(error[1], STDERR_FILENO);
    if (!setting.stdout_file.empty())
      ::dup2(::open(setting.stdout_file.c_str(), O_WRONLY), STDOUT_FILENO);
    for (const std::string& variable : setting.variables)
      ::putenv(const_cast<char*>(variable.c_str()));
    const auto limit_to = [](auto resource, long n_bytes) {
      const auto n = static_cast<rlim_t>(n_bytes);
      const rlimit limit{n, n};
      if (n_bytes >= 0) ::setrlimit(resource, &limit);
    };
    limit_to(RLIMIT_FSIZE, setting.max_file_bytes);
    limit_to(RLIMIT_AS, setting.max_memory_bytes);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(error[1]);
  if (setting.closes_stdout) ::close(out[0]);

  ProgramOutcome outcome;
  pollfd ends[2] = {{setting.closes_stdout ? -1 : out[0], POLLIN, 0}, {error[0], POLLIN, 0}};
  std::string* texts_read[2] = {&outcome.out, &outcome.error};
  bool has_signalled = setting.signal == 0, has_killed = false;
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    ::poll(ends, 2, setting.kill_when ? 1 : -1);
    if (setting.kill_when && !has_killed && setting.kill_when()) {
      ::kill(child, setting.kill_signal);
      has_killed = true;
    }
    for (int i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t n = ::read(ends[i].fd, buffer, sizeof buffer);
      if (n > 0) {
        texts_read[i]->append(buffer, static_cast<std::size_t>(n));
      } else {
        ::close(ends[i].fd);
        ends[i].fd = -1;
      }
    }
    if (!has_signalled && !(outcome.out + outcome.error).empty()) {
      ::kill(child, setting.signal);
      has_signalled = true;
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

/// Everything below a folder, sorted: two equal lists, and nothing was made or removed.
inline std::vector<std::string> listing(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    names.push_back(entry.path().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace spikelane::test
