// A small training in a folder of its own, for tests that do it harm.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/report/checkpoint.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {

/// A run without its times.
inline nlohmann::json timeless_results(const std::filesystem::path& file) {
  nlohmann::json results = nlohmann::json::parse(read_file(file));
  for (nlohmann::json& report : results["reports"]) report.erase("wall_s");
  if (results.contains("final")) results["final"].erase("wall_s");
  results.erase("timing");
  results.erase("machine");
  results["config"].erase("run");
  return results;
}

struct FaultyTraining {
  ScratchFolder folder;
  FaultyTraining() { write_file(folder / "config.json", kTinyConfig); }

  /// `train config.json` with `more` behind it, in the folder.
  ProgramOutcome train(const std::vector<std::string>& more, ProgramSetting setting = {}) const {
    std::vector<std::string> arguments{"train", "config.json", "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    setting.folder = folder.path();
    return run_program(arguments, setting);
  }

  std::filesystem::path file(const char* name) const { return folder / "out" / name; }

  /// The update of the newest checkpoint in out, -1 where there is none; it must not be damaged.
  std::int64_t update() const {
    if (!std::filesystem::exists(file(kCheckpointName))) return -1;
    std::vector<std::string> notes;
    return read_checkpoint(file(kCheckpointName), notes).update;
  }

  /// Trains in `straight` without any fault to n_updates, resumes `out` to the same, and holds all
  /// results against each other. Nothing but the run's own files may be left in out.
  void check_resumes_to(std::int64_t n_updates, const std::vector<std::string>& more = {}) const {
    const std::string until = "run.n_updates=" + std::to_string(n_updates);
    std::vector<std::string> straight{"--out", "straight", "--set", until};
    std::vector<std::string> resumed{"--resume", "out", "--set", until};
    straight.insert(straight.end(), more.begin(), more.end());
    resumed.insert(resumed.end(), more.begin(), more.end());
    REQUIRE(train(straight).exit_code == 0);
    const ProgramOutcome outcome = train(resumed);
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    CHECK(timeless_results(file("results.json")) ==
          timeless_results(folder / "straight/results.json"));
    CHECK((read_file(file("weights.safetensors")) ==
           read_file(folder / "straight/weights.safetensors")));
    for (const auto& entry : std::filesystem::directory_iterator(folder / "out")) {
      CAPTURE(entry.path().string());
      CHECK(entry.path().string().find(".tmp-") == std::string::npos);
    }
  }
};

}  // namespace spikelane::test
