// spikelane train --resume end to end: interrupted, refused, damaged, finished and old checkpoints.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/report/checkpoint.h"
#include "engine/report/safetensors.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

using nlohmann::json;

struct Folder {
  ScratchFolder scratch;
  Folder() { write_file(scratch / "config.json", kTinyConfig); }

  ProgramOutcome train(std::vector<std::string> more, int signal = 0) const {
    std::vector<std::string> arguments{"train", "config.json", "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ProgramSetting setting;
    setting.folder = scratch.path();
    setting.signal = signal;
    return run_program(arguments, setting);
  }
  json results(const std::string& out = "out") const {
    return json::parse(read_file(scratch / (out + "/results.json")));
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("resume: other data are refused and allowed by name; the same from elsewhere are not") {
  const Folder folder;
  const auto write_data = [&](int n_samples, int first_label) {
    const std::int64_t n = n_samples;
    std::vector<std::uint8_t> inputs(static_cast<std::size_t>(n) * 10 * 4);
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = i % 7 == 0;
    std::vector<std::int32_t> labels;
    for (int b = 0; b < n_samples; ++b) labels.push_back((b + first_label) % 3);
    write_file(
        folder.scratch / "data.safetensors",
        to_safetensors(
            {make_tensor("inputs", {n, 10, 4}, inputs), make_tensor("labels", {n}, labels)}, {}));
  };
  const std::string task = R"(task={"kind": "array", "file": "data.safetensors", "n_test": 10})";
  const std::vector<std::string> longer{"--resume", "out",   "--set",
                                        task,       "--set", "run.n_updates=8"};
  write_data(60, 0);
  REQUIRE(folder.train({"--out", "out", "--set", task}).exit_code == 0);
  const std::string fingerprint = folder.results()["data_fingerprint"].get<std::string>();
  CHECK(fingerprint.size() == 16);
  for (const auto& [n_samples, first_label] : {std::pair{60, 1}, std::pair{70, 0}}) {
    write_data(n_samples, first_label);
    const ProgramOutcome refused = folder.train(longer);
    CAPTURE(refused.error);
    CHECK(refused.exit_code == 2);
    CHECK(has(refused.error, "the task's data"));
    CHECK(has(refused.error, fingerprint));
    CHECK(has(refused.error, "--allow-changed data"));
  }
  write_data(60, 0);
  CHECK(folder.train(longer).exit_code == 0);
  write_data(60, 1);
  std::vector<std::string> allowed = longer;
  allowed.back() = "run.n_updates=9";
  allowed.insert(allowed.end(), {"--allow-changed", "data"});
  CHECK(folder.train(allowed).exit_code == 0);
}

TEST_CASE("resume: a run stopped by a signal goes on to the end of the straight run") {
  const Folder folder;
  const std::string until = "run.n_updates=400", reports = "run.report_every=100";
  REQUIRE(folder.train({"--out", "straight", "--set", until, "--set", reports}).exit_code == 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    // the signal comes with the first report or before, so that much is left to do
    const ProgramOutcome stopped = folder.train(
        {"--out", "out", "--set", "run.n_updates=100000000", "--set", reports}, signal);
    REQUIRE(stopped.exit_code == 130);
    CHECK(has(stopped.error, "checkpoint:    out/checkpoint.safetensors"));
    const int update = folder.results()["final"]["update"].get<int>();
    if (update > 400) continue;  // the machine was too busy to stop it in time
    const ProgramOutcome resumed =
        folder.train({"--resume", "out", "--set", until, "--set", reports});
    CAPTURE(resumed.error);
    CHECK(resumed.exit_code == 0);
    CHECK(has(resumed.error, "resumed from out/checkpoint.safetensors, update "));
    json results = folder.results(), straight = folder.results("straight");
    CHECK(results["state_hash"] == straight["state_hash"]);
    CHECK(!results.contains("interrupted"));
    CHECK(results["reports"].size() == 4);
    CHECK(results["timing"]["total_s"] >= results["reports"][3]["wall_s"]);
    for (json* both : {&results, &straight}) {
      for (json& report : (*both)["reports"]) report.erase("wall_s");
      (*both)["final"].erase("wall_s");
      both->erase("timing");
    }
    CHECK(results == straight);
    std::filesystem::remove_all(folder.scratch / "out");
  }
}

TEST_CASE("resume: a finished run writes its results again; more updates go on from it") {
  const Folder folder;
  REQUIRE(folder.train({"--out", "out"}).exit_code == 0);
  const json before = folder.results();
  std::filesystem::remove(folder.scratch / "out/results.json");
  CHECK(folder.train({"--resume", "out"}).exit_code == 0);
  CHECK(folder.results()["state_hash"] == before["state_hash"]);
  CHECK(folder.results()["reports"] == before["reports"]);

  REQUIRE(folder.train({"--out", "long", "--set", "run.n_updates=8"}).exit_code == 0);
  // a file instead of its folder, and another folder for the results
  const ProgramOutcome longer = folder.train(
      {"--resume", "out/checkpoint.safetensors", "--out", "copy", "--set", "run.n_updates=8"});
  CHECK(longer.exit_code == 0);
  CHECK(folder.results("copy")["state_hash"] == folder.results("long")["state_hash"]);
  CHECK(folder.results()["state_hash"] == before["state_hash"]);

  const ProgramOutcome less = folder.train({"--resume", "copy", "--set", "run.n_updates=7"});
  CHECK(less.exit_code == 2);
  CHECK(has(less.error, "run.n_updates: found 7; allowed: at least 8"));
}

TEST_CASE("resume: a changed config is refused with every difference, or allowed by name") {
  const Folder folder;
  REQUIRE(folder.train({"--out", "out"}).exit_code == 0);
  const std::vector<std::string> changed{"--resume", "out",
                                         "--out",    "new",
                                         "--set",    "run.n_updates=7",
                                         "--set",    "rule.sigma=0.1",
                                         "--set",    "rule.optimiser.lr=0.2",
                                         "--set",    "network.populations.0.beta=0.9"};
  const ProgramOutcome refused = folder.train(changed);
  CHECK(refused.exit_code == 2);
  CHECK(
      has(refused.error, "rule.sigma: found 0.1; allowed: 0.05, as in out/checkpoint.safetensors"));
  CHECK(has(refused.error, "rule.optimiser.lr: found 0.2; allowed: 0.01"));
  CHECK(has(refused.error, "--allow-changed network.populations.0.beta"));
  CHECK(!std::filesystem::exists(folder.scratch / "new"));

  auto allowed = changed;
  allowed.insert(allowed.end(), {"--allow-changed", "rule.sigma,rule.optimiser"});
  const ProgramOutcome still = folder.train(allowed);
  CHECK(still.exit_code == 2);
  CHECK(!has(still.error, "rule."));
  CHECK(has(still.error, "network.populations.0.beta"));
  allowed.back() += ",network";
  CHECK(folder.train(allowed).exit_code == 0);
  CHECK(folder.results("new")["config"]["rule"]["sigma"] == 0.1);

  // allowed, but the state does not fit
  const ProgramOutcome unfit =
      folder.train({"--resume", "out", "--set", "network.populations.0.n=8", "--set",
                    "run.n_updates=7", "--allow-changed", "network"});
  CHECK(unfit.exit_code == 2);
  CHECK(has(unfit.error, "parameters: found shape (72) of dtype F32; allowed: shape (64)"));
}

TEST_CASE("resume: the checkpoint before stands in for a damaged one, and stays the one before") {
  const Folder folder;
  REQUIRE(folder.train({"--out", "out", "--set", "run.checkpoint_every=2"}).exit_code == 0);
  const json straight = folder.results();
  const auto newest = folder.scratch / "out/checkpoint.safetensors";
  const auto previous = folder.scratch / "out/checkpoint.previous.safetensors";
  const std::string good = read_file(previous);
  std::string damaged = read_file(newest);
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 4);
  write_file(newest, damaged);

  const ProgramOutcome file = folder.train({"--resume", "out/checkpoint.safetensors"});
  CHECK(file.exit_code == 2);
  CHECK(has(file.error, "the file is damaged"));
  const ProgramOutcome resumed = folder.train({"--resume", "out"});
  CHECK(resumed.exit_code == 0);
  CHECK(has(resumed.error, "the file is damaged"));
  CHECK(has(resumed.error,
            "so the one before is taken: out/checkpoint.previous.safetensors, update 4"));
  CHECK(folder.results()["state_hash"] == straight["state_hash"]);
  CHECK((read_file(previous) == good));
  std::vector<std::string> notes;
  CHECK(read_checkpoint(newest, notes).update == 5);
}

TEST_CASE("resume: what is no checkpoint is an error that says so") {
  const Folder folder;
  std::filesystem::create_directory(folder.scratch / "empty");
  const ProgramOutcome empty = folder.train({"--resume", "empty"});
  CHECK(empty.exit_code == 2);
  CHECK(has(empty.error, "empty: found a folder without a checkpoint"));
  CHECK(folder.train({"--resume", "nowhere"}).exit_code == 2);
  CHECK(folder.train({"--resume", "config.json"}).exit_code == 2);
  CHECK(folder.train({"--resume", "/dev/null"}).exit_code == 2);
  REQUIRE(folder.train({"--out", "out"}).exit_code == 0);
  CHECK(folder.train({"--resume", "out/weights.safetensors"}).exit_code == 2);
  CHECK(
      has(folder.train({"--out", "out"}).error, "training from the start; the checkpoint in out"));
}

TEST_SUITE("long") {
  TEST_CASE("stop: an update that takes longer than a second is said to be why") {
    const Folder folder;
    ProgramSetting setting;
    setting.folder = folder.scratch.path();
    setting.kill_signal = SIGINT;
    const auto start = std::chrono::steady_clock::now();
    setting.kill_when = [&] {
      return std::chrono::steady_clock::now() - start > std::chrono::milliseconds(200);
    };
    const ProgramOutcome stopped = run_program({"train", "config.json", "--threads", "1", "--out",
                                                "out", "--set", "rule.n_members=1000000"},
                                               setting);
    CAPTURE(stopped.error);
    CHECK(stopped.exit_code == 130);
    CHECK(has(stopped.error, "takes longer than a second"));
    std::vector<std::string> notes;
    CHECK(read_checkpoint(folder.scratch / "out", notes).update >= 1);
  }
}

// written by the program in format version 1; a later version must read it and go on to these bits
TEST_CASE("resume: a checkpoint of format version 1 goes on to the bits of its time") {
  const Folder folder;
  const std::string old = SPIKELANE_SOURCE_DIR "/tests/data/checkpoint_v1.safetensors";
  CHECK(has(read_file(old), "\"format_version\":\"1\""));
  const ProgramOutcome resumed = folder.train({"--resume", old, "--out", "out"});
  CAPTURE(resumed.error);
  REQUIRE(resumed.exit_code == 0);
  CHECK(has(resumed.error, "this checkpoint has no fingerprint of its data"));
  CHECK(folder.results()["state_hash"] == "d815ebe63aaa26b3");
  CHECK(folder.results()["reports"].size() == 2);
}

}  // namespace spikelane::test
