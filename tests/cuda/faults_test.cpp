// What a device can do to a run: too little memory, launches that fail, a device that is lost. The
// run ends with a message and exit code 1, what it had written stays whole, and resuming it, here
// on the CPU, gives the bits of the straight run.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "tests/cuda/cuda_kernels.h"
#include "tests/faults/training.h"

namespace spikelane::test {
namespace {

ProgramSetting with_cuda_fault(const std::string& fault) {
  ProgramSetting setting;
  setting.variables = {"LD_PRELOAD=" SPIKELANE_CUDA_FAULT_SHIM, "SPIKELANE_CUDA_FAULT=" + fault};
  return setting;
}

const std::vector<std::string> kEveryUpdate{
    "--backend", "cuda",  "--out",
    "out",       "--set", "run={\"n_updates\":40,\"report_every\":2,\"checkpoint_every\":1}"};

/// The fault comes after some updates: of these all is there, and nothing of later ones.
void check_kept(const std::string& fault, const std::string& message) {
  CAPTURE(fault);
  const FaultyTraining training;
  const ProgramOutcome outcome = training.train(kEveryUpdate, with_cuda_fault(fault));
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.error.find("CUDA: ") != std::string::npos);
  CHECK(outcome.error.find(message) != std::string::npos);
  const auto n_done = training.update();
  CHECK(n_done >= 2);
  CHECK(n_done < 40);
  // results.json may be a second older; each report is a line of reports.jsonl as soon as it is
  // made
  const auto results = nlohmann::json::parse(read_file(training.file("results.json")));
  CHECK(!results["reports"].empty());
  const std::string lines = read_file(training.file("reports.jsonl"));
  REQUIRE(lines.size() > 1);
  REQUIRE(lines.back() == '\n');
  const std::size_t last = lines.rfind('\n', lines.size() - 2) + 1;
  CHECK(nlohmann::json::parse(lines.substr(last))["update"] >= n_done - 2);
  CHECK(std::filesystem::exists(training.file("weights.safetensors")));
  training.check_resumes_to((n_done + 2) / 2 * 2, {"--backend", "cpu"});
}

}  // namespace

TEST_CASE("cuda: a launch that fails ends the run, and results so far are kept") {
  if (!cuda_kernels_or_skip()) return;
  check_kept("launch=33", "CUDA: launching ");
}

TEST_CASE("cuda: a lost device ends the run, and results so far are kept") {
  if (!cuda_kernels_or_skip()) return;
  // two updates and a report are twelve launches: trials, means of losses, shaping, gradient and
  // optimiser twice, the test of the mean and its count of spikes; the device is lost in each once
  for (int launch = 30; launch <= 41; ++launch)
    check_kept("lost=" + std::to_string(launch), "cudaErrorLaunchFailure");
}

TEST_CASE("cuda: single steps on a device that goes wrong end with a message") {
  if (!cuda_kernels_or_skip()) return;
  // the reset, the capture, and then a graph a step
  const std::pair<const char*, const char*> faults[] = {
      {"launch=2", "CUDA: launching trials: "},
      {"launch=9", "CUDA: launching a graph: "},
      {"lost=9", "CUDA: waiting for the device: cudaErrorLaunchFailure"}};
  for (const auto& [fault, message] : faults) {
    CAPTURE(fault);
    const ProgramOutcome outcome =
        run_program({"bench", "latency", "--backend", "cuda"}, with_cuda_fault(fault));
    CAPTURE(outcome.error);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.error.find(message) != std::string::npos);
  }
}

TEST_CASE("cuda: a run that needs more memory than there is says so") {
  if (!cuda_kernels_or_skip()) return;
  // a device has what it has
  if (!std::getenv("EMU_HOME")) {
    note_skip("only an emulator can be told how much memory it has");
    return;
  }
  const FaultyTraining training;
  ProgramSetting setting;
  setting.variables = {"EMU_MEM_MB=1"};
  const ProgramOutcome outcome = training.train(
      {"--backend", "cuda", "--out", "out", "--set", "rule.n_members=4096"}, setting);
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.error.find("CUDA: the run needs ") != std::string::npos);
  CHECK(outcome.error.find(" of 1.0 MiB are free") != std::string::npos);
}

}  // namespace spikelane::test
