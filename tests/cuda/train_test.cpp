// Whole runs of the program on CUDA: the weights file of the CPU, byte for byte.
#include <doctest/doctest.h>

#include "tests/cuda/cuda_kernels.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {

// the config with noise of low rank
static std::string with_low_rank(std::string config, int rank) {
  const std::string rule = "\"kind\": \"es\", ";
  return config.insert(
      config.find(rule) + rule.size(),
      "\"noise\": {\"kind\": \"low_rank\", \"rank\": " + std::to_string(rank) + "}, ");
}

TEST_CASE("cuda: train writes the weights of the CPU, byte for byte") {
  if (!cuda_kernels_or_skip()) return;
  for (const std::string& config :
       {std::string(kTinyConfig), std::string(kRecurrentConfig), with_low_rank(kTinyConfig, 1),
        with_low_rank(kRecurrentConfig, 3)}) {
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

TEST_CASE("cuda: a training that was saved goes on on the other backend") {
  if (!cuda_kernels_or_skip()) return;
  const ScratchFolder folder;
  write_file(folder / "config.json", kTinyConfig);
  ProgramSetting setting;
  setting.folder = folder.path();
  const auto train = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"train", "config.json"});
    const ProgramOutcome outcome = run_program(arguments, setting);
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
  };
  const std::string cut = "run.n_updates=2";
  train({"--backend", "cpu", "--out", "straight"});
  train({"--backend", "cuda", "--set", cut, "--out", "to_cpu"});
  train({"--backend", "cpu", "--resume", "to_cpu", "--out", "to_cpu"});
  train({"--backend", "cpu", "--set", cut, "--out", "to_cuda"});
  train({"--backend", "cuda", "--resume", "to_cuda", "--out", "to_cuda"});
  for (const char* out : {"to_cpu", "to_cuda"})
    CHECK(read_file(folder / out / "weights.safetensors") ==
          read_file(folder / "straight/weights.safetensors"));
}

TEST_CASE("cuda: info lists the devices") {
  if (!cuda_kernels_or_skip()) return;
  const ProgramOutcome info = run_program({"info"});
  CHECK(info.out.find("backends: cpu, cuda\n") != std::string::npos);
  CHECK(info.out.find("cuda:     device 0: ") != std::string::npos);
}

}  // namespace spikelane::test
