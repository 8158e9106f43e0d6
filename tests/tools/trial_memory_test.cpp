// rule.max_memory_mib through the program: what a trial needs is said before anything starts.
#include <doctest/doctest.h>

#include "tests/scratch_folder.h"
#include "tests/tools/program.h"

namespace spikelane::test {

TEST_CASE("program: a trial that does not fit the memory is refused before anything starts") {
  const ScratchFolder folder;
  const std::string text = R"({
    "task": {"kind": "randman", "n_classes": 2, "n_units": 4, "n_samples_per_class": 10,
             "n_steps": 500, "n_test": 4},
    "network": {"populations": [{"name": "h", "model": "alif", "n": 30, "alpha": 0.9},
                                {"name": "o", "model": "readout", "n": 2, "beta": 0.9}],
                "projections": [{"from": "input", "to": "h"}, {"from": "h", "to": "o"}]},
    "rule": {"kind": "kernl", "batch": 4, "max_memory_mib": 0.1},
    "run": {"n_updates": 1, "report_every": 1}})";
  write_file(folder / "c.json", text);
  ProgramSetting setting;
  setting.folder = folder.path();
  const ProgramOutcome outcome =
      run_program({"train", "c.json", "--out", "out", "--threads", "2"}, setting);
  CAPTURE(outcome.error);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.error.find("rule.max_memory_mib: found 0.1") != std::string::npos);
  CHECK(outcome.error.find("a trial of 500 steps on each of 2 threads") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
  const ProgramOutcome checked = run_program({"check", "c.json"}, setting);
  CHECK(checked.exit_code == 0);
  CHECK(checked.out.find("of a trial with its history: ") != std::string::npos);
  CHECK(
      run_program({"train", "c.json", "--threads", "2", "--set", "rule.max_memory_mib=10"}, setting)
          .exit_code == 0);
}

}  // namespace spikelane::test
