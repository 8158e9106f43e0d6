// The installed package: examples in C and C++ are compiled against it and run, by pkg-config and
// by find_package, shared and static; the shared library shows the API and nothing else.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/api/policies.h"
#include "tests/api/shell.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"

using namespace spikelane;
using namespace spikelane::test;

TEST_CASE("api: examples in C and C++ build against the installed package and agree") {
  if (SPIKELANE_IS_SANITIZED || SPIKELANE_BUILD_DIR[0] == '\0')
    return note_skip("the package is not built under sanitizers");
  const ScratchFolder scratch;
  const std::string prefix = (scratch / "prefix").string();
  const std::string examples = std::string(SPIKELANE_SOURCE_DIR) + "/examples";
  run_shell("cmake --install '" SPIKELANE_BUILD_DIR "' --prefix '" + prefix + "'");
  const std::string policy =
      write_file(scratch / "policy.spikelane", policy_bytes(leaky_config(70))).string();

  std::string pc;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(prefix))
    if (entry.path().filename() == "spikelane.pc") pc = entry.path().parent_path().string();
  REQUIRE(!pc.empty());
  const std::string config = "PKG_CONFIG_PATH='" + pc + "' pkg-config --cflags --libs spikelane";
  const std::string rpath =
      " -Wl,-rpath,'" + std::filesystem::path(pc).parent_path().string() + "'";
  const std::string in_c = (scratch / "in_c").string(), in_cpp = (scratch / "in_cpp").string();
  run_shell("cc -std=c11 -Wall -Wextra -pedantic -Werror '" + examples + "/robot_loop.c' $(" +
            config + ")" + rpath + " -o '" + in_c + "'");
  run_shell("c++ -std=c++17 -Wall -Wextra -pedantic -Werror '" + examples + "/robot_loop.cpp' $(" +
            config + ")" + rpath + " -o '" + in_cpp + "'");
  const std::string said = run_shell(in_c + " '" + policy + "' 500");
  CHECK(said.find("500 steps, position ") != std::string::npos);
  // a policy that never spikes would push with nothing
  CHECK(said.find("effort 0.000000") == std::string::npos);
  CHECK(run_shell(in_cpp + " '" + policy + "' 500") == said);

  const std::string build = (scratch / "build").string();
  run_shell("cmake -S '" + examples + "' -B '" + build + "' -DCMAKE_PREFIX_PATH='" + prefix +
            "' && cmake --build '" + build + "'");
  for (const char* name : {"/robot_loop", "/robot_loop_cpp", "/robot_loop_static"})
    CHECK(run_shell(build + name + " '" + policy + "' 500") == said);
  CHECK(run_shell("ldd '" + build + "/robot_loop_static'").find("libspikelane") ==
        std::string::npos);

  int status = 0;
  CHECK(run_shell(in_c + " '" + policy + ".not'", status).find("no ") != std::string::npos);
  CHECK(status != 0);
}

TEST_CASE("api: an install has components, and leaves out what was not built") {
  if (SPIKELANE_IS_SANITIZED || SPIKELANE_BUILD_DIR[0] == '\0')
    return note_skip("the package is not built under sanitizers");
  const ScratchFolder scratch;
  const auto install = [&](const std::string& build, const std::string& component) {
    const std::string prefix = (scratch / (component + "_of")).string();
    std::filesystem::remove_all(prefix);
    run_shell("cmake --install '" + build + "' --prefix '" + prefix + "' --component " + component);
    return run_shell("mkdir -p '" + prefix + "' && cd '" + prefix + "' && find . ! -type d | sort");
  };
  const auto has = [](const std::string& files, const std::string& name) {
    return files.find(name) != std::string::npos;
  };
  const std::string library = install(SPIKELANE_BUILD_DIR, "library");
  CHECK(has(library, "/libspikelane.so.1\n"));
  CHECK(!has(library, "/libspikelane.so\n"));
  CHECK(!has(library, "spikelane.h"));
  const std::string development = install(SPIKELANE_BUILD_DIR, "development");
  for (const char* name : {"/libspikelane.so\n", "/libspikelane.a\n", "/spikelane.h\n",
                           "/spikelane.pc\n", "/spikelaneConfig.cmake\n"})
    CHECK(has(development, name));
  CHECK(!has(development, "bin/"));
  const std::string runtime = install(SPIKELANE_BUILD_DIR, "runtime");
  CHECK(has(runtime, "./bin/spikelane\n"));
  CHECK(!has(runtime, "libspikelane.so"));

  // nothing built yet, CUDA included where there is nvcc
  const std::string empty = (scratch / "empty").string();
  run_shell("cmake -S '" SPIKELANE_SOURCE_DIR "' -B '" + empty + "' -DSPIKELANE_TESTS=OFF");
  CHECK(install(empty, "runtime") == "");
  CHECK(install(empty, "library") == "");
}

TEST_CASE("api: README's loop is compiled and runs on the policy that README names") {
  if (SPIKELANE_IS_SANITIZED || SPIKELANE_BUILD_DIR[0] == '\0')
    return note_skip("the package is not built under sanitizers");
  const ScratchFolder scratch;
  const std::string readme = read_file(std::string(SPIKELANE_SOURCE_DIR) + "/README.md");
  std::string blocks;
  int n_blocks = 0;
  for (std::size_t at = 0; (at = readme.find("```c\n", at)) != std::string::npos; ++n_blocks) {
    at += 5;
    blocks += readme.substr(at, readme.find("```", at) - at);
  }
  REQUIRE(n_blocks == 1);
  write_file(
      scratch / "policy.spikelane",
      policy_bytes(read_file(std::string(SPIKELANE_SOURCE_DIR) + "/configs/cartpole_es.json")));
  write_file(scratch / "main.c", R"(#include <spikelane/spikelane.h>
#include <stdio.h>
#include <stdlib.h>
static int n_steps;
static int robot_is_on(void) { return n_steps++ < 20; }
static void read_sensors(float *x) { for (int i = 0; i < 4; ++i) x[i] = 0.01f * (float)i; }
static void stop(const char *why) { puts(why); exit(1); }
static void drive(const float *y) { printf("%g\n", y[0]); }
int main(void) {
)" + blocks + "  return 0;\n}\n");
  const std::string folder = SPIKELANE_BUILD_DIR "/engine/api";
  const std::string said =
      run_shell("cd '" + scratch.path().string() +
                "' && cc -std=c11 -Wall -Wextra -Werror main.c -I'" SPIKELANE_SOURCE_DIR
                "/include' '" SPIKELANE_SHARED_LIBRARY "' -Wl,-rpath,'" +
                folder + "' -o loop && ./loop");
  CHECK(std::count(said.begin(), said.end(), '\n') == 20);
  CHECK(said.find_first_not_of("01\n") == std::string::npos);
}

TEST_CASE("api: the shared library exports spikelane_ functions and nothing else") {
  if (SPIKELANE_IS_SANITIZED || SPIKELANE_SHARED_LIBRARY[0] == '\0')
    return note_skip("the package is not built under sanitizers");
  if (!has_program("nm") || !has_program("readelf"))
    return note_skip("no nm and readelf (Debian: binutils)");
  const std::string symbols =
      run_shell("nm -D --defined-only '" SPIKELANE_SHARED_LIBRARY "' | awk '{print $3}'");
  int n_symbols = 0, n_strange = 0;
  for (std::size_t begin = 0, end; (end = symbols.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    ++n_symbols;
    const bool is_ours = symbols.compare(begin, 10, "spikelane_") == 0;
    if (!is_ours) INFO(symbols.substr(begin, end - begin));
    n_strange += !is_ours;
  }
  CHECK(n_symbols >= 10);
  CHECK(n_strange == 0);
  CHECK(symbols.find("spikelane_step\n") != std::string::npos);
  const std::string soname = run_shell("readelf -d '" SPIKELANE_SHARED_LIBRARY "'");
  CHECK(soname.find("libspikelane.so." + std::to_string(spikelane_abi_version()) + "]") !=
        std::string::npos);
}
