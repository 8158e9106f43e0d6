// What ptxas reports of the kernels: no warning, no spill, no local memory. ptxas compiles for a
// device that need not be there. SPIKELANE_PTXAS lists the architectures; tools/test_long.sh sets
// it to all of them, and without it sm_80 alone is looked at, whose PTX the library holds.
#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cuda/cuda_kernels.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"

namespace spikelane::test {
namespace {

ProgramOutcome cuda_report(const std::vector<std::string>& arguments) {
  ProgramSetting setting;
  setting.program = SPIKELANE_SOURCE_DIR "/tools/cuda_report.sh";
  setting.variables = {"BUILD=" SPIKELANE_BUILD_DIR};
  return run_program(arguments, setting);
}

// lines of the project's own kernels: those of Thrust, which it launches itself, begin with cub
int count_own(const std::string& report, const std::string& what) {
  std::istringstream lines(report);
  int n = 0;
  for (std::string line; std::getline(lines, line);)
    n += line.find(what) != std::string::npos && line.rfind("cub::", 0) != 0;
  return n;
}

std::vector<std::string> wanted_architectures() {
  const char* text = std::getenv("SPIKELANE_PTXAS");
  std::istringstream words(text ? text : "80");
  std::vector<std::string> architectures;
  for (std::string word; words >> word;) architectures.push_back(word);
  return architectures;
}

}  // namespace

TEST_CASE("cuda: no kernel spills or has local memory") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  const std::vector<std::string> architectures = wanted_architectures();
  REQUIRE(!architectures.empty());
  const ProgramOutcome report = cuda_report(architectures);
  INFO(report.out, report.error);
  CHECK(report.exit_code == 0);
  // every kernel that the library tells of was looked at, and it tells of all its own
  int n_kernels = 0;
  for (CudaKernelInfo info; cuda_of(*kernels)->describe_kernel(n_kernels, &info);) ++n_kernels;
  CHECK(n_kernels >= 3);
  for (const std::string& architecture : architectures) {
    CAPTURE(architecture);
    CHECK(count_own(report.out, " | sm_" + architecture + " | ") == n_kernels);
  }
}

TEST_CASE("cuda: a spill, local memory, a warning or an empty report is an error") {
  const ScratchFolder folder;
  const std::string file = (folder / "some.sm_90.txt").string();
  const std::string head =
      "ptxas info    : Compiling entry function 'some' for 'sm_90'\n"
      "ptxas info    : Function properties for some\n";
  const std::string tail =
      "ptxas info    : Used 40 registers, used 1 barriers, 64 bytes smem\n"
      "ptxas info    : Compile time = 7.000 ms\n";
  const std::string none = "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n";
  write_file(file, head + none + tail);
  const ProgramOutcome good = cuda_report({"--read", file});
  CHECK(good.exit_code == 0);
  CHECK(good.out.find("some | sm_90 | 40 | 64 | 0 | 0 | 0\n") != std::string::npos);

  const std::string spill = "    8 bytes stack frame, 8 bytes spill stores, 16 bytes spill loads\n";
  const std::string local = "    56 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n";
  const std::string of_callee = "ptxas info    : Function properties for callee\n";
  for (const std::string& text :
       {std::string(), head + spill + tail, head + local + tail,
        head + none + tail + of_callee + spill, of_callee + local + head + none + tail,
        "some.cu(3): warning #177-D: variable was declared\n" + head + none + tail}) {
    write_file(file, text);
    CHECK(cuda_report({"--read", file}).exit_code == 1);
  }
}

}  // namespace spikelane::test
