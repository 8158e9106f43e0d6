#include "tools/plot_gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/report/atomic_file.h"

extern char** environ;

namespace spikelane {

namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using TemporaryFile = std::unique_ptr<std::FILE, FileCloser>;

/// A file without a name: nothing is left behind, and no pipe can fill up or break.
TemporaryFile make_temporary_file() {
  TemporaryFile file(std::tmpfile());
  if (!file) throw RunError(std::string("cannot make a temporary file: ") + std::strerror(errno));
  return file;
}

std::string content_of(std::FILE* file) {
  std::string content;
  char block[65536];
  const int descriptor = fileno(file);
  if (lseek(descriptor, 0, SEEK_SET) != 0) throw RunError("cannot read gnuplot's output");
  for (;;) {
    const ssize_t n = read(descriptor, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw RunError("cannot read gnuplot's output");
    if (n == 0) return content;
    content.append(block, static_cast<std::size_t>(n));
  }
}

bool is_picture(const std::string& content, PictureFormat format) {
  if (format == PictureFormat::kPng) return content.rfind("\x89PNG\r\n\x1a\n", 0) == 0;
  return content.find("<svg") != std::string::npos && content.find("</svg>") != std::string::npos;
}

}  // namespace

std::string terminal_line(PictureFormat format, int width, int height) {
  const std::string size = std::to_string(width) + "," + std::to_string(height);
  if (format == PictureFormat::kSvg)
    return "set terminal svg size " + size + " noenhanced font 'sans,13' background '#ffffff'\n";
  return "set terminal pngcairo size " + size + " noenhanced font 'sans,11' background '#ffffff'\n";
}

std::string gnuplot_quoted(std::string_view text) {
  std::string literal = "'";
  for (const char c : printable(text)) {
    literal += c;
    if (c == '\'') literal += c;
  }
  return literal + "'";
}

std::string run_gnuplot(const std::string& script, PictureFormat format) {
  const TemporaryFile input = make_temporary_file();
  const TemporaryFile output = make_temporary_file();
  const TemporaryFile errors = make_temporary_file();
  if (const int error = write_all(fileno(input.get()), script))
    throw RunError(std::string("cannot write a temporary file: ") + std::strerror(error));
  if (lseek(fileno(input.get()), 0, SEEK_SET) != 0) throw RunError("cannot rewind the script");

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(input.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(output.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(errors.get()), STDERR_FILENO);
  // -d: the user's own gnuplot settings must not change the picture
  char name[] = "gnuplot", defaults[] = "-d";
  char* arguments[] = {name, defaults, nullptr};
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, name, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT)
    throw UserError("gnuplot", "no such program in PATH",
                    "an installed gnuplot: sudo apt-get install gnuplot-nox");
  if (error != 0) throw RunError(std::string("cannot start gnuplot: ") + std::strerror(error));

  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) throw RunError("gnuplot was lost");
  std::string picture = content_of(output.get());
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !is_picture(picture, format))
    throw RunError("gnuplot failed: " + printable(content_of(errors.get()), 400));
  return picture;
}

}  // namespace spikelane
