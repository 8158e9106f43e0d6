// spikelane export: what it writes is the network that was trained, for the C API and as C source.
#include <doctest/doctest.h>

#include <cstring>

#include "engine/report/policy_file.h"
#include "include/spikelane/spikelane.h"
#include "tests/api/shell.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

using namespace spikelane;
using namespace spikelane::test;

TEST_CASE("export: the C API and the C file give the spikes of spikelane eval") {
  const ScratchFolder scratch;
  const std::string data = (scratch / "data.safetensors").string();
  // inputs known to this test: (B, T, I), and labels
  constexpr int kSamples = 3, kSteps = 25, kInputs = 4, kHidden = 70;
  std::vector<float> inputs;
  for (int i = 0; i < kSamples * kSteps * kInputs; ++i)
    inputs.push_back(static_cast<float>(i * 7 % 11) / 8.0f);
  const std::vector<std::int32_t> labels{0, 1, 2};
  write_file(data, to_safetensors({make_tensor("inputs", {kSamples, kSteps, kInputs}, inputs),
                                   make_tensor("labels", {kSamples}, labels)},
                                  {}));
  std::string config = kRecurrentConfig;
  const auto task = config.find("\"task\"");
  config.replace(task, config.find('}', task) + 1 - task,
                 "\"task\": {\"kind\": \"array\", \"file\": \"" + data + "\"}");
  write_file(scratch / "c.json", config);
  ProgramSetting here;
  here.folder = scratch.path();
  auto run = [&](const std::vector<std::string>& arguments) {
    const ProgramOutcome outcome = run_program(arguments, here);
    INFO(outcome.error);
    CHECK(outcome.exit_code == 0);
  };
  run({"train", "c.json", "--out", "run"});
  run({"eval", "c.json", "--weights", "run/weights.safetensors", "--record", "hidden.s,hidden.v",
       "--out", "record"});
  run({"export", "run", "--policy", "policy.spikelane", "--c", "policy.c"});
  const auto record = read_safetensors(scratch / "record/record.safetensors");
  const auto spikes = values_of<std::uint8_t>(*find_tensor(record, "hidden.s"));
  const auto v = values_of<float>(*find_tensor(record, "hidden.v"));

  // through the C API, a sample a row
  spikelane_network network{};
  spikelane_session session{};
  char error[300] = "";
  const std::string policy = (scratch / "policy.spikelane").string();
  CHECK(spikelane_load(policy.c_str(), nullptr, &network, error, sizeof error) == SPIKELANE_OK);
  spikelane_session_options options = spikelane_default_session_options();
  options.n_rows = kSamples;
  REQUIRE(spikelane_open(network, &options, &session, error, sizeof error) == SPIKELANE_OK);
  std::vector<float> x(kSamples * kInputs), y(kSamples * 3), s(kSamples * kHidden), now(s.size());
  int n_spikes = 0, n_different = 0;
  for (int t = 0; t < kSteps; ++t) {
    for (int row = 0; row < kSamples; ++row)
      std::memcpy(&x[static_cast<std::size_t>(row * kInputs)],
                  &inputs[static_cast<std::size_t>((row * kSteps + t) * kInputs)],
                  kInputs * sizeof(float));
    REQUIRE(spikelane_step(session, x.data(), x.size(), y.data(), y.size(), error, sizeof error) ==
            SPIKELANE_OK);
    spikelane_read(session, 0, SPIKELANE_SPIKES, s.data(), s.size(), nullptr, 0);
    spikelane_read(session, 0, SPIKELANE_MEMBRANE, now.data(), now.size(), nullptr, 0);
    for (int row = 0; row < kSamples; ++row)
      for (int i = 0; i < kHidden; ++i) {
        const auto at = static_cast<std::size_t>((row * kSteps + t) * kHidden + i);
        const auto here_at = static_cast<std::size_t>(row * kHidden + i);
        n_spikes += spikes[at];
        n_different += s[here_at] != static_cast<float>(spikes[at]) || now[here_at] != v[at];
      }
  }
  CHECK(n_spikes > 100);
  CHECK(n_different == 0);
  spikelane_close(session, nullptr, 0);
  spikelane_unload(network, nullptr, 0);

  // and through the file in C: the first sample's spikes, one line a step
  std::string program = "#include \"policy.c\"\n#include <stdio.h>\nstatic const float x[] = {";
  for (int i = 0; i < kSteps * kInputs; ++i)
    program += std::to_string(inputs[static_cast<std::size_t>(i)]) + "f, ";
  program += R"(};
int main(void) {
  float y[POLICY_N_OUTPUTS];
  if (!policy_self_check()) return 1;
  for (int t = 0; t < )" +
             std::to_string(kSteps) + R"(; ++t) {
    policy_step(x + t * POLICY_N_INPUTS, y);
    for (int i = 0; i < 70; ++i) putchar(policy_hidden_s[i] ? '1' : '0');
    putchar('\n');
  }
  return 0;
})";
  write_file(scratch / "main.c", program);
  const std::string folder = "cd '" + scratch.path().string() + "' && ";
  run_shell(folder + "cc -std=c99 -O1 -ffp-contract=off main.c -o program");
  std::string expected;
  for (int t = 0; t < kSteps; ++t) {
    for (int i = 0; i < kHidden; ++i)
      expected += spikes[static_cast<std::size_t>(t * kHidden + i)] != 0 ? '1' : '0';
    expected += '\n';
  }
  CHECK(run_shell(folder + "./program") == expected);
}

TEST_CASE("export: what cannot be exported is told") {
  const ScratchFolder scratch;
  const ProgramOutcome outcome = run_program({"export", scratch.path().string()});
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.error.find("results.json") != std::string::npos);
  CHECK(outcome.error.find("--policy FILE, --c FILE, or both") != std::string::npos);
}
