// The built program on several ranks, by mpirun.
#pragma once

#include "tests/skip.h"
#include "tests/tools/program.h"
#include "tools/mpi_ranks.h"

namespace spikelane::test {

inline const std::string kMpirun = SPIKELANE_MPIRUN;

/// False, and the running test is noted as skipped, where there is no mpirun or no MPI was built
/// in.
inline bool can_run_ranks() {
  const bool is_there = has_mpi() && !kMpirun.empty() && std::filesystem::exists(kMpirun);
  if (!is_there) note_skip("no mpirun, or built without MPI (Debian: libopenmpi-dev openmpi-bin)");
  return is_there;
}

inline ProgramSetting mpirun_setting(const std::filesystem::path& folder) {
  ProgramSetting setting;
  setting.folder = folder;
  setting.program = kMpirun;
  // shared memory only, and no questions about root, cores or kernel features of a container
  setting.variables = {"OMPI_MCA_btl=self,vader", "OMPI_MCA_btl_vader_single_copy_mechanism=none",
                       "OMPI_MCA_plm=isolated", "OMPI_MCA_mpi_yield_when_idle=1",
                       // OpenMPI never frees some memory of its own
                       "ASAN_OPTIONS=detect_leaks=0"};
  return setting;
}

inline ProgramOutcome run_ranks(int n_ranks, std::vector<std::string> arguments,
                                const std::filesystem::path& folder) {
  const ProgramSetting setting = mpirun_setting(folder);
  arguments.insert(arguments.begin(), {"--oversubscribe", "--allow-run-as-root", "-n",
                                       std::to_string(n_ranks), SPIKELANE_PROGRAM});
  return run_program(arguments, setting);
}

}  // namespace spikelane::test
