// Whole runs of the program on CUDA: the weights file of the CPU, byte for byte.
#include <doctest/doctest.h>

#include "tests/cuda/cuda_kernels.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {

TEST_CASE("cuda: train writes the weights of the CPU, byte for byte") {
  if (!cuda_kernels_or_skip()) return;
  for (const char* config : {kTinyConfig, kRecurrentConfig}) {
    const ScratchFolder folder;
    write_file(folder / "config.json", config);
    ProgramSetting setting;
    setting.folder = folder.path();
    for (const char* backend : {"cpu", "cuda"}) {
      const ProgramOutcome outcome =
          run_program({"train", "config.json", "--backend", backend, "--out", backend}, setting);
      CAPTURE(outcome.error);
      REQUIRE(outcome.exit_code == 0);
      CHECK(outcome.error.find(std::string("backend ") + backend) != std::string::npos);
    }
    CHECK(read_file(folder / "cpu/weights.safetensors") ==
          read_file(folder / "cuda/weights.safetensors"));
  }
}

TEST_CASE("cuda: info lists the devices") {
  if (!cuda_kernels_or_skip()) return;
  const ProgramOutcome info = run_program({"info"});
  CHECK(info.out.find("backends: cpu, cuda\n") != std::string::npos);
  CHECK(info.out.find("cuda:     device 0: ") != std::string::npos);
}

}  // namespace spikelane::test
