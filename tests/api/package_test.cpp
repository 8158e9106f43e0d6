// The installed package: examples in C and C++ are compiled against it and run, by pkg-config and
// by find_package, shared and static; the shared library shows the API and nothing else.
#include <doctest/doctest.h>

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
