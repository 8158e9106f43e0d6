// What the system can do to a run: full disks, writes that are short, fail or are not flushed, no
// memory, no reader, clocks set back. The run ends with a message and exit code 1 or goes on; what
// it had written stays whole, and resuming gives the bits of the straight run.
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

#include "tests/faults/training.h"
#include "tests/skip.h"

namespace spikelane::test {
namespace {

const std::vector<std::string> kEveryUpdate{"--out", "out", "--set", "run.checkpoint_every=1"};

std::vector<std::string> with(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// A run to update 5 into out, then one to update 9 that meets `setting`'s fault and must fail with
/// a message; then the file system is well again.
void check_failed_write(const ProgramSetting& setting, const std::string& message) {
  const FaultyTraining training;
  REQUIRE(training.train(kEveryUpdate).exit_code == 0);
  const std::string results = read_file(training.file("results.json"));
  const ProgramOutcome outcome = training.train(
      {"--resume", "out", "--set", "run={\"n_updates\":9,\"checkpoint_every\":1}"}, setting);
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.error.find(message) != std::string::npos);
  CHECK(outcome.error.find("cannot write ") != std::string::npos);
  CHECK(training.update() == 5);
  CHECK((read_file(training.file("results.json")) == results));
  training.check_resumes_to(9);
}

ProgramSetting with_fault(const std::string& fault) {
  ProgramSetting setting;
  setting.variables = {"LD_PRELOAD=" SPIKELANE_FAULT_SHIM, "SPIKELANE_FAULT=" + fault};
  return setting;
}

// sanitizers want to be the first library
bool has_shim() {
  if (!SPIKELANE_IS_SANITIZED) return true;
  note_skip("LD_PRELOAD does not go with sanitizers");
  return false;
}

// a file system of its own on a folder, until the end of the scope
struct SmallDisk {
  std::string folder;
  bool is_mounted;
  explicit SmallDisk(const std::filesystem::path& path)
      : folder(path.string()),
        is_mounted(::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") == 0) {}
  ~SmallDisk() {
    if (is_mounted) ::umount(folder.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
};

}  // namespace

TEST_CASE("faults: a file that may not grow, a disk that fills, flushes and renames that fail") {
  SUBCASE("limit on the size of files") {
    ProgramSetting setting;
    setting.max_file_bytes = 3000;
    check_failed_write(setting, "File too large");
  }
  SUBCASE("disk full") {
    if (has_shim()) check_failed_write(with_fault("disk_full=2000"), "No space left on device");
  }
  SUBCASE("fsync fails") {
    if (has_shim()) check_failed_write(with_fault("fsync"), "Input/output error");
  }
  SUBCASE("rename fails") {
    if (has_shim()) check_failed_write(with_fault("rename"), "Permission denied");
  }
}

TEST_CASE("faults: a real file system without room") {
  const FaultyTraining training;
  std::filesystem::create_directory(training.folder / "out");
  const SmallDisk disk(training.folder / "out");
  if (!disk.is_mounted) {
    note_skip(std::string("a tmpfs cannot be mounted here: ") + std::strerror(errno));
    return;
  }
  REQUIRE(training.train(kEveryUpdate).exit_code == 0);
  // no more room than for a part of a checkpoint
  const std::string filler = (training.folder / "out/filler").string();
  write_file(filler, std::string(64 << 10, 'x'));
  const ProgramOutcome outcome =
      training.train({"--resume", "out", "--set", "run={\"n_updates\":9,\"checkpoint_every\":1}"});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.error.find("No space left on device") != std::string::npos);
  CHECK(training.update() == 5);
  std::filesystem::remove(filler);
  training.check_resumes_to(9);
}

TEST_CASE("faults: short and interrupted writes change nothing") {
  if (!has_shim()) return;
  const FaultyTraining training;
  CHECK(training.train(kEveryUpdate, with_fault("short")).exit_code == 0);
  CHECK(training.update() == 5);
  CHECK(timeless_results(training.file("results.json"))["final"]["update"] == 5);
  training.check_resumes_to(7);
}

TEST_CASE("faults: the time of day goes back, times and checkpoints do not") {
  if (!has_shim()) return;
  const FaultyTraining training;
  const std::vector<std::string> run{
      "--out", "out", "--set",
      R"(run={"n_updates":40,"report_every":5,"checkpoint_every":{"seconds":0.001}})"};
  REQUIRE(training.train(run, with_fault("clock_back")).exit_code == 0);
  const auto results = nlohmann::json::parse(read_file(training.file("results.json")));
  double last = 0.0;
  for (const auto& report : results["reports"]) {
    CHECK(report["wall_s"].get<double>() >= last);
    last = report["wall_s"].get<double>();
  }
  CHECK(last < 600.0);
  for (const auto& [phase, seconds] : results["timing"].items()) CHECK(seconds.get<double>() >= 0);
  CHECK(std::filesystem::exists(training.file(kPreviousCheckpointName)));
  training.check_resumes_to(43, {"--set", "run.report_every=5"});
}

TEST_CASE("faults: standard output that is closed or full loses no results") {
  const FaultyTraining training;
  ProgramSetting closed, full;
  closed.closes_stdout = true;
  full.stdout_file = "/dev/full";
  for (const ProgramSetting* setting : {&closed, &full}) {
    const ProgramOutcome outcome =
        training.train(with(kEveryUpdate, {"--set", "run.report_every=1"}), *setting);
    CAPTURE(outcome.error);
    CHECK(outcome.exit_code == 0);
    CHECK(timeless_results(training.file("results.json"))["final"]["update"] == 5);
    CHECK(training.update() == 5);
  }
  training.check_resumes_to(6, {"--set", "run.report_every=1"});
}

TEST_CASE("faults: without memory a run ends with a message, and no crash") {
  if (SPIKELANE_IS_SANITIZED) {
    note_skip("sanitizers need more address space than any limit gives");
    return;
  }
  const FaultyTraining training;
  REQUIRE(training.train(kEveryUpdate).exit_code == 0);
  // data and checkpoints that need some 20 MB beside the program
  const std::vector<std::string> large{"--set", "task.n_samples_per_class=100000",
                                       "--set", "run={\"n_updates\":1,\"n_test_report\":50}",
                                       "--out", "large"};
  int n_failed = 0, n_done = 0;
  for (long megabytes = 16; megabytes <= 1024 && n_done == 0; megabytes = megabytes * 3 / 2) {
    ProgramSetting setting;
    setting.max_memory_bytes = megabytes << 20;
    const ProgramOutcome outcome = training.train(large, setting);
    CAPTURE(megabytes);
    CAPTURE(outcome.error);
    // 127: the system's loader had no room for the program itself
    CHECK((outcome.exit_code == 0 || outcome.exit_code == 1 || outcome.exit_code == 127));
    if (outcome.exit_code == 1) {
      CHECK(outcome.error.find("error: ") != std::string::npos);
      ++n_failed;
    }
    if (outcome.exit_code == 0) ++n_done;
  }
  CHECK(n_failed > 0);
  CHECK(n_done > 0);
  CHECK(training.update() == 5);

  // many threads, each with a stack
  ProgramSetting setting;
  setting.max_memory_bytes = 256L << 20;
  const ProgramOutcome many = run_program(
      {"train", (training.folder / "config.json").string(), "--threads", "1000"}, setting);
  CAPTURE(many.error);
  CHECK(many.exit_code == 1);
  CHECK(many.error.find("error: ") != std::string::npos);
}

}  // namespace spikelane::test
