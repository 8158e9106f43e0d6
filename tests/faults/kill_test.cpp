// A run that is killed (SIGKILL) at random moments while it writes checkpoints after every update,
// and resumed each time, ends as the run that was never killed. $SPIKELANE_KILLS: how often.
#include <chrono>
#include <cstdlib>
#include <random>

#include "tests/faults/training.h"

namespace spikelane::test {

TEST_CASE("kills: a run killed at random moments ends with the bits of the straight run") {
  const FaultyTraining training;
  const char* wanted = std::getenv("SPIKELANE_KILLS");
  const int n_kills = wanted ? std::atoi(wanted) : 20;
  REQUIRE(n_kills > 0);
  std::mt19937 generator(7);
  std::int64_t last = -1;
  int n_killed = 0, n_that_got_on = 0;
  for (int kill = 0; kill < n_kills; ++kill) {
    // every second one waits for a new checkpoint first, so that the run gets on; the others hit
    // the start, the reading of the checkpoint and the first updates
    const std::chrono::microseconds delay(std::uniform_int_distribution<int>(0, 30'000)(generator));
    const bool waits = kill % 2 == 1;
    const auto newest = training.file(kCheckpointName);
    const auto stamp = [&] {
      std::error_code none;
      return std::filesystem::last_write_time(newest, none);
    };
    const auto before = stamp();
    auto start = std::chrono::steady_clock::now();
    bool has_begun = !waits;
    ProgramSetting setting;
    setting.kill_when = [&] {
      const auto now = std::chrono::steady_clock::now();
      if (!has_begun && stamp() != before) {
        has_begun = true;
        start = now;
      }
      return (has_begun && now - start >= delay) || now - start > std::chrono::seconds(60);
    };
    std::vector<std::string> arguments{"--set",
                                       "run={\"n_updates\":1000000000,"
                                       "\"report_every\":5,\"checkpoint_every\":1}"};
    arguments.insert(arguments.end(), {last < 0 ? "--out" : "--resume", "out"});
    const ProgramOutcome outcome = training.train(arguments, setting);
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 128 + SIGKILL);
    ++n_killed;
    // whole at every moment, and never older than before
    const std::int64_t update = training.update();
    REQUIRE(update >= last);
    n_that_got_on += update > last ? 1 : 0;
    last = update;
    if (std::filesystem::exists(training.file("results.json")))
      CHECK(timeless_results(training.file("results.json")).contains("reports"));
  }
  MESSAGE(n_killed, " kills, ", n_that_got_on, " after new checkpoints; update ", last);
  CHECK(n_that_got_on >= n_kills / 2);
  training.check_resumes_to(last + 3, {"--set", "run.report_every=5"});
}

}  // namespace spikelane::test
