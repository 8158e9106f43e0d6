// mpirun spikelane train: the same files as one process, whatever the number of ranks; who dies,
// and who is called wrongly. Skipped where there is no mpirun, or the program was built without
// MPI.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>
#include <tuple>

#include "engine/report/checkpoint.h"
#include "tests/scratch_folder.h"
#include "tests/tools/mpi_program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

struct Folder {
  ScratchFolder scratch;
  explicit Folder(const char* config = kTinyConfig) { write_file(scratch / "config.json", config); }

  ProgramOutcome train(std::vector<std::string> more) const {
    more.insert(more.begin(), {"train", "config.json", "--threads", "1"});
    ProgramSetting setting;
    setting.folder = scratch.path();
    return run_program(more, setting);
  }

  ProgramOutcome train_on(int n_ranks, std::vector<std::string> more) const {
    more.insert(more.begin(), {"train", "config.json", "--threads", "1"});
    return run_ranks(n_ranks, more, scratch.path());
  }

  json results(const std::string& out) const {
    return json::parse(read_file(scratch / (out + "/results.json")));
  }
  std::string weights(const std::string& out) const {
    return read_file(scratch / (out + "/weights.safetensors"));
  }
};

int n_lines_with(const std::string& text, const std::string& part) {
  int n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The process of one rank whose command line names `part`; 0: there is none yet.
pid_t find_rank(int rank, const std::string& part) {
  const std::string wanted = "OMPI_COMM_WORLD_RANK=" + std::to_string(rank);
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string command, environment;
    try {
      command = read_file(entry.path() / "cmdline");
      environment = '\0' + read_file(entry.path() / "environ");
    } catch (const std::exception&) {
      continue;
    }
    if (command.find(part) != std::string::npos &&
        environment.find('\0' + wanted + '\0') != std::string::npos)
      return std::stoi(name);
  }
  return 0;
}

}  // namespace

TEST_CASE("mpi: ranks with other configs, data or checkpoints are refused, with what differs") {
  if (!can_run_ranks()) return;
  // rank 0 works in folder a, rank 1 in folder b
  const auto run_in_two = [](const Folder& a, const Folder& b, std::vector<std::string> more) {
    more.insert(more.begin(), {SPIKELANE_PROGRAM, "train", "config.json", "--threads", "1"});
    std::vector<std::string> arguments{"--oversubscribe", "--allow-run-as-root", "-n", "1",
                                       "-wdir",           a.scratch.path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {":", "-n", "1", "-wdir", b.scratch.path()});
    arguments.insert(arguments.end(), more.begin(), more.end());
    ProgramSetting setting = mpirun_setting(a.scratch.path());
    const auto start = std::chrono::steady_clock::now();
    const ProgramOutcome outcome = run_program(arguments, setting);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
    return outcome;
  };
  const Folder plain;
  std::string text = kTinyConfig;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    REQUIRE(changed.find(from) != std::string::npos);
    return changed.replace(changed.find(from), from.size(), to);
  };
  for (const auto& [from, to, place] :
       {std::tuple{"\"beta\": 0.95", "\"beta\": 0.94", "config of process 1"},
        std::tuple{"\"seed\": 3", "\"seed\": 4", "config of process 1"},
        std::tuple{"\"n_updates\": 5", "\"n_updates\": 6", "run.n_updates of process 1"}}) {
    const std::string config = with(from, to);
    const Folder other(config.c_str());
    const ProgramOutcome outcome = run_in_two(plain, other, {"--out", "run"});
    INFO(to, ": ", outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.error.find(place) != std::string::npos);
    CHECK(!std::filesystem::exists(plain.scratch / "run/results.json"));
  }
  const Folder other;
  REQUIRE(run_in_two(plain, other, {}).exit_code == 0);
  REQUIRE(plain.train({"--out", "run", "--set", "run.n_updates=4"}).exit_code == 0);
  REQUIRE(other.train({"--out", "run", "--set", "run.n_updates=2"}).exit_code == 0);
  const ProgramOutcome resumed =
      run_in_two(plain, other, {"--resume", "run", "--set", "run.n_updates=8"});
  INFO(resumed.error);
  CHECK(resumed.exit_code == 2);
  CHECK(resumed.error.find("update to go on from of process 1") != std::string::npos);
}

TEST_CASE("mpi: 1, 2, 3 and 4 ranks write what one process writes") {
  if (!can_run_ranks()) return;
  const std::string cartpole = read_file(SPIKELANE_SOURCE_DIR "/configs/cartpole_es.json");
  struct Case {
    const char* config;
    std::vector<std::string> changes;
    std::vector<int> ranks;
  };
  for (const Case& c :
       {Case{kTinyConfig, {"--set", "rule.n_members=20"}, {1, 2, 3, 4}},
        Case{kRecurrentConfig,
             {"--set", "rule.n_members=24", "--set", R"(rule.noise={"kind":"low_rank"})"},
             {3}},
        Case{cartpole.c_str(),
             {"--set", "rule.n_members=32", "--set", "task.n_episodes=2", "--set",
              "task.n_test_episodes=5", "--set", "task.max_steps=60", "--set",
              R"(run={"n_updates":3})"},
             {1, 2, 3, 4}},
        Case{kKernlConfig, {"--set", "rule.batch=30", "--set", "run.n_updates=3"}, {2, 4}},
        Case{kKernlConfig,
             {"--set", "rule.batch=30", "--set", "rule.mode=online", "--set", "run.n_updates=3"},
             {1, 2, 3}},
        Case{kKernlConfig,
             {"--set", "rule.batch=30", "--set", "rule.filters=membrane", "--set",
              R"(rule.regression={"noise_std":0.5})", "--set", "run.n_updates=3"},
             {1, 2, 3}}}) {
    const Folder folder(c.config);
    std::vector<std::string> more{"--out", "alone"};
    more.insert(more.end(), c.changes.begin(), c.changes.end());
    REQUIRE(folder.train(more).exit_code == 0);
    const json alone = folder.results("alone");
    for (const int n_ranks : c.ranks) {
      const std::string out = "on" + std::to_string(n_ranks);
      more[1] = out;
      const ProgramOutcome outcome = folder.train_on(n_ranks, more);
      INFO(n_ranks, " ranks: ", outcome.error);
      REQUIRE(outcome.exit_code == 0);
      json results = folder.results(out);
      CHECK(results["state_hash"] == alone["state_hash"]);
      results["final"]["wall_s"] = alone["final"]["wall_s"];
      CHECK(results["final"] == alone["final"]);
      CHECK(results["config_digest"] == alone["config_digest"]);
      CHECK(results["machine"]["n_ranks"] == n_ranks);
      CHECK((folder.weights(out) == folder.weights("alone")));
      // whatever mpirun lets a process take for a terminal: JSON lines, and nothing rewritten
      std::istringstream lines(outcome.out);
      int n_lines = 0;
      for (std::string line; std::getline(lines, line); ++n_lines) CHECK(json::accept(line));
      CHECK(n_lines == static_cast<int>(results["reports"].size()) + 1);
      // the others are silent
      const std::string said = outcome.out + outcome.error;
      CHECK(n_lines_with(said, "state hash:") == 1);
      CHECK(n_lines_with(said, "backend ") == 1);
      if (n_ranks > 1) CHECK(results["timing"]["exchange_bytes"].get<double>() > 0.0);
    }
  }
}

TEST_CASE("mpi: every rule is stopped on some ranks and goes on on others") {
  if (!can_run_ranks()) return;
  const std::string cartpole = read_file(SPIKELANE_SOURCE_DIR "/configs/cartpole_es.json");
  struct Case {
    const char* config;
    std::vector<std::string> changes;
    int first_ranks, then_ranks;
  };
  for (const Case& c :
       {Case{kTinyConfig, {"rule.n_members=24"}, 3, 2},
        Case{kTinyConfig, {"rule.n_members=24", R"(rule.noise={"kind":"low_rank"})"}, 1, 3},
        Case{cartpole.c_str(),
             {"rule.n_members=32", "task.n_episodes=2", "task.n_test_episodes=5",
              "task.max_steps=60"},
             2,
             4},
        Case{kKernlConfig, {"rule.batch=30", "rule.average_decay=0.7"}, 4, 3},
        Case{kKernlConfig, {"rule.batch=30", "rule.mode=online", "rule.k_steps=5"}, 2, 3},
        Case{kKernlConfig,
             {"rule.batch=30", "rule.filters=membrane", R"(rule.regression={"noise_std":0.5})"},
             3,
             1}}) {
    const Folder folder(c.config);
    std::vector<std::string> more;
    for (const std::string& change : c.changes) more.insert(more.end(), {"--set", change});
    const auto with = [&](std::vector<std::string> arguments, const char* n_updates) {
      arguments.insert(arguments.end(), more.begin(), more.end());
      arguments.insert(
          arguments.end(),
          {"--set", "run={\"report_every\":1,\"n_updates\":" + std::string(n_updates) + "}"});
      return arguments;
    };
    REQUIRE(folder.train(with({"--out", "alone"}, "4")).exit_code == 0);
    const ProgramOutcome first = folder.train_on(c.first_ranks, with({"--out", "out"}, "2"));
    INFO(first.error);
    REQUIRE(first.exit_code == 0);
    const ProgramOutcome then = folder.train_on(c.then_ranks, with({"--resume", "out"}, "4"));
    INFO(then.error);
    REQUIRE(then.exit_code == 0);
    CHECK(folder.results("out")["state_hash"] == folder.results("alone")["state_hash"]);
    CHECK(folder.results("out")["reports"].size() == 4);
    CHECK((folder.weights("out") == folder.weights("alone")));
  }
}

TEST_CASE("mpi: a rank that dies ends the run, and other ranks go on from the checkpoint") {
  if (!can_run_ranks()) return;
  const Folder folder;
  const std::string members = "rule.n_members=24", saves = "run.checkpoint_every=1";
  const std::string out = folder.scratch / "out";
  ProgramOutcome outcome;
  std::thread runs([&] {
    outcome = folder.train_on(3, {"--out", out, "--set", members, "--set", saves, "--set",
                                  "run.n_updates=1000000", "--set", "run.report_every=1000000"});
  });
  pid_t victim = 0;
  const auto checkpoint = std::filesystem::path(out) / "checkpoint.previous.safetensors";
  for (int i = 0; i < 3000 && (victim == 0 || !std::filesystem::exists(checkpoint)); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (std::filesystem::exists(checkpoint)) victim = find_rank(1, out);
  }
  REQUIRE(victim != 0);
  ::kill(victim, SIGKILL);
  runs.join();
  CHECK(outcome.exit_code != 0);
  CHECK(outcome.error.find("signal 9") != std::string::npos);
  // two others go on from where the three were, and come to where one process comes to
  std::vector<std::string> notes;
  const std::int64_t n_done = read_checkpoint(out, notes).update;
  const std::string n_updates = "run.n_updates=" + std::to_string(n_done + 3);
  const ProgramOutcome resumed = folder.train_on(
      2,
      {"--resume", out, "--set", members, "--set", "run.report_every=1000000", "--set", n_updates});
  INFO(n_done, " updates: ", resumed.error);
  REQUIRE(resumed.exit_code == 0);
  REQUIRE(folder.train({"--out", "straight", "--set", members, "--set", n_updates}).exit_code == 0);
  CHECK(folder.results("out")["state_hash"] == folder.results("straight")["state_hash"]);
  CHECK((folder.weights("out") == folder.weights("straight")));
}

TEST_CASE("mpi: what is wrong is said once, and nothing is written") {
  if (!can_run_ranks()) return;
  const Folder folder;
  const auto before = listing(folder.scratch.path());
  const ProgramOutcome wrong = folder.train_on(3, {"--out", "out", "--set", "rule.sigma=-1"});
  CHECK(wrong.exit_code == 2);
  CHECK(n_lines_with(wrong.error, "error: rule.sigma") == 1);
  CHECK(listing(folder.scratch.path()) == before);
  const ProgramOutcome failed =
      folder.train_on(3, {"--set", "rule.n_members=40", "--set",
                          R"(rule.optimiser={"kind":"sgd","lr":1e30,"weight_decay":1e30})"});
  CHECK(failed.exit_code == 1);
  CHECK(n_lines_with(failed.error, "error: ") == 1);
  CHECK(n_lines_with(failed.error, "not finite") == 1);
}

TEST_CASE("mpi: several processes of what cannot share its work are refused") {
  const Folder folder;
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    ProgramSetting setting;
    setting.folder = folder.scratch.path();
    setting.variables = {variable + std::string("=4")};
    for (const char* command : {"eval", "check", "bench"}) {
      const ProgramOutcome outcome = run_program({command, "config.json"}, setting);
      CHECK(outcome.exit_code == 2);
      CHECK(outcome.error.find("4 processes of \"" + std::string(command)) != std::string::npos);
    }
    CHECK(run_program({"--version"}, setting).exit_code == 0);
    if (has_mpi()) continue;
    const ProgramOutcome outcome = run_program({"train", "config.json", "--out", "out"}, setting);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.error.find("built without MPI") != std::string::npos);
    CHECK(!std::filesystem::exists(folder.scratch / "out"));
  }
}

}  // namespace spikelane::test
