// Compilers and other programs that a test runs.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <string>

namespace spikelane::test {

/// Runs a shell command: its output, standard error too, and its exit status.
inline std::string run_shell(const std::string& command, int& status) {
  FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::string output;
  std::array<char, 4096> text{};
  while (pipe && fgets(text.data(), text.size(), pipe)) output += text.data();
  status = pipe ? pclose(pipe) : -1;
  return output;
}

/// The same where it must succeed.
inline std::string run_shell(const std::string& command) {
  int status = -1;
  const std::string output = run_shell(command, status);
  INFO(command, "\n", output);
  CHECK(status == 0);
  return output;
}

inline bool has_program(const std::string& name) {
  int status = -1;
  run_shell("command -v " + name, status);
  return status == 0;
}

}  // namespace spikelane::test
