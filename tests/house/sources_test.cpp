// The rules of the house, read from the sources: which way includes point, how long files are, what
// they are called, how they are formatted.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/skip.h"

namespace fs = std::filesystem;

namespace {

const fs::path kRoot = SPIKELANE_SOURCE_DIR;
const std::vector<std::string> kRooms = {"kernels", "engine", "tasks", "tools", "tests"};

/// Files of the rooms with one of the extensions, relative to the root, sorted.
std::vector<fs::path> files_with(const std::set<std::string>& extensions) {
  std::vector<fs::path> files;
  for (const std::string& room : kRooms)
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / room))
      if (entry.is_regular_file() && extensions.count(entry.path().extension().string()))
        files.push_back(fs::relative(entry.path(), kRoot));
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> cpp_files() { return files_with({".cpp", ".h", ".cu", ".cuh", ".c"}); }

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(kRoot / file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// What stands between the quotes or brackets of an #include line; empty for other lines.
std::string included(const std::string& line) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return "";
  const auto word = line.find_first_not_of(" \t", hash + 1);
  if (word == std::string::npos || line.compare(word, 7, "include") != 0) return "";
  const auto open = line.find_first_of("\"<", word + 7);
  if (open == std::string::npos) return "";
  const auto close = line.find_first_of("\">", open + 1);
  return close == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
}

std::string room_of(const fs::path& path) { return path.begin()->string(); }

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return text.rfind(prefix, 0) == 0; });
}

/// Where a library may be included; the rest of the tree stays free of it.
const std::map<std::string, std::vector<std::string>> kLibraryRooms = {
    {"nlohmann/", {"engine/config/", "engine/report/", "tests/", "tools/"}},
    {"CLI/", {"tools/"}},
    {"doctest/", {"tests/"}},
};

}  // namespace

TEST_CASE("house: an include line is recognised") {
  CHECK(included("#include \"engine/run/task.h\"") == "engine/run/task.h");
  CHECK(included("  #  include <vector>  // why") == "vector");
  CHECK(included("// #include <vector>") == "");
  CHECK(included("#define X \"include\"") == "");
}

TEST_CASE("house: includes point from tools to tasks to engine to kernels") {
  const std::map<std::string, int> height = {
      {"kernels", 0}, {"engine", 1}, {"tasks", 2}, {"tools", 3}, {"tests", 4}};
  int n_checked = 0;
  for (const fs::path& file : cpp_files()) {
    const int own = height.at(room_of(file));
    for (const std::string& line : lines_of(file)) {
      const std::string target = included(line);
      if (target.empty()) continue;
      INFO(file.string(), ": ", line);
      CHECK(target.find("..") == std::string::npos);
      const auto other = height.find(room_of(target));
      if (other == height.end()) continue;
      ++n_checked;
      CHECK(own >= other->second);
      CHECK(fs::is_regular_file(kRoot / target));
    }
  }
  CHECK(n_checked > 0);
}

TEST_CASE("house: libraries stay in their rooms") {
  for (const fs::path& file : cpp_files())
    for (const std::string& line : lines_of(file)) {
      const std::string target = included(line);
      for (const auto& [library, rooms] : kLibraryRooms) {
        if (target.rfind(library, 0) != 0) continue;
        INFO(file.string(), ": ", line);
        CHECK(starts_with_any(file.generic_string(), rooms));
      }
    }
}

TEST_CASE("house: headers are guarded by #pragma once") {
  for (const fs::path& file : files_with({".h", ".cuh"})) {
    INFO(file.string());
    const auto lines = lines_of(file);
    CHECK(std::count(lines.begin(), lines.end(), "#pragma once") == 1);
  }
}

TEST_CASE("house: no file has more than 600 lines") {
  for (const fs::path& file :
       files_with({".cpp", ".h", ".cu", ".cuh", ".c", ".py", ".sh", ".cmake", ".txt"})) {
    INFO(file.string());
    CHECK(lines_of(file).size() <= 600);
  }
}

TEST_CASE("house: no file or folder has a name that says nothing") {
  const std::set<std::string> forbidden = {"util",   "utils",   "utility", "utilities", "common",
                                           "helper", "helpers", "misc",    "stuff"};
  for (const std::string& room : kRooms)
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / room)) {
      INFO(entry.path().string());
      CHECK(forbidden.count(entry.path().stem().string()) == 0);
    }
}

TEST_CASE("house: the sources are formatted by clang-format 14") {
  // other versions break lines elsewhere; Debian 12 has this one
  std::string version;
  if (FILE* pipe = popen("clang-format --version 2>/dev/null", "r")) {
    std::array<char, 256> text{};
    if (fgets(text.data(), text.size(), pipe)) version = text.data();
    pclose(pipe);
  }
  if (version.find("version 14.") == std::string::npos)
    return spikelane::test::note_skip(
        "the format check needs clang-format 14 (sudo apt-get install clang-format)");
  std::string command =
      "cd '" + kRoot.string() + "' && clang-format --dry-run -Werror --ferror-limit=1";
  for (const fs::path& file : cpp_files()) command += " '" + file.string() + "'";
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  for (std::array<char, 4096> text{}; fgets(text.data(), text.size(), pipe);) output += text.data();
  const int status = pclose(pipe);
  INFO(output);
  CHECK(status == 0);
}
