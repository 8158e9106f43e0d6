// Several processes with a CUDA device each, or one that they share: the weights of one process.
#include <doctest/doctest.h>

#include "tests/cuda/cuda_kernels.h"
#include "tests/scratch_folder.h"
#include "tests/tools/mpi_program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {

TEST_CASE("cuda: 2 and 3 ranks write the weights of one process on the CPU, byte for byte") {
  if (!cuda_kernels_or_skip() || !can_run_ranks()) return;
  for (const char* config : {kTinyConfig, kRecurrentConfig, kKernlConfig}) {
    const ScratchFolder folder;
    write_file(folder / "config.json", config);
    const std::vector<std::string> train{"train",     "config.json",
                                         "--threads", "1",
                                         "--set",     "run={\"n_updates\":4,\"report_every\":2}",
                                         "--backend"};
    const auto with = [&](const char* backend, const std::string& out) {
      std::vector<std::string> arguments = train;
      arguments.insert(arguments.end(), {backend, "--out", out});
      return arguments;
    };
    ProgramSetting setting;
    setting.folder = folder.path();
    REQUIRE(run_program(with("cpu", "one"), setting).exit_code == 0);
    for (const int n_ranks : {2, 3}) {
      CAPTURE(n_ranks);
      const std::string out = std::to_string(n_ranks);
      const ProgramOutcome outcome = run_ranks(n_ranks, with("cuda", out), folder.path());
      CAPTURE(outcome.error);
      REQUIRE(outcome.exit_code == 0);
      CHECK(outcome.error.find("backend cuda") != std::string::npos);
      CHECK(read_file(folder / out / "weights.safetensors") ==
            read_file(folder / "one/weights.safetensors"));
    }
  }
}

}  // namespace spikelane::test
