// What ptxas reports of the kernels for sm_80 and sm_90: no warning, no spill, no local memory.
// ptxas compiles for a device that need not be there.
#include <doctest/doctest.h>

#include <sstream>
#include <string>

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

}  // namespace

TEST_CASE("cuda: no kernel spills or has local memory on sm_80 and sm_90") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  const ProgramOutcome report = cuda_report({"80", "90"});
  INFO(report.out, report.error);
  CHECK(report.exit_code == 0);
  // every kernel that the library tells of was looked at, and it tells of all its own
  int n_kernels = 0;
  for (CudaKernelInfo info; cuda_of(*kernels)->describe_kernel(n_kernels, &info);) ++n_kernels;
  CHECK(n_kernels >= 3);
  CHECK(count_own(report.out, " | sm_80 | ") == n_kernels);
  CHECK(count_own(report.out, " | sm_90 | ") == n_kernels);
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
