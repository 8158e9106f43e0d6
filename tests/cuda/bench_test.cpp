// spikelane bench --backend cuda in its tiny form: the CPU's hashes, and the columns that
// docs/gpu.md explains. No time is looked at.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cuda/cuda_kernels.h"
#include "tests/scratch_folder.h"
#include "tests/tools/program.h"

namespace spikelane::test {

TEST_CASE("cuda: bench prints the CPU's hashes and what its kernels take") {
  if (!cuda_kernels_or_skip()) return;
  const ScratchFolder folder;
  nlohmann::json documents[2];
  std::string text;
  for (const char* backend : {"cpu", "cuda"}) {
    const std::string file = (folder / backend).string();
    const ProgramOutcome outcome =
        run_program({"bench", "es_seed", "es_randman", "ec_shape", "ec_shape_drawn", "latency",
                     "low_rank_ec", "low_rank_784", "closed_loop", "kernl_tensor", "smnist_trial",
                     "smnist_online", "--quick", "--backend", backend, "--json", file});
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    text = outcome.out;
    documents[backend[1] == 'u'] = nlohmann::json::parse(read_file(file));
  }
  const auto &cpu = documents[0]["scenes"], &cuda = documents[1]["scenes"];
  REQUIRE(cuda.size() == cpu.size());
  // what launches a repetition: one for a whole trial or update, or one a step
  const std::map<std::string, std::map<std::string, int>> wanted = {
      {"es_seed", {{"trials", 1}}},
      {"latency_64", {{"trials", 200}}},
      {"latency_256", {{"trials", 200}}},
      {"low_rank_ec_rank_1", {{"trials", 1}, {"low rank, common weights", 1}}},
      {"closed_loop_cartpole", {{"episodes", 1}}},
      {"kernl_tensor",
       {{"regression, samples", 1},
        {"regression, scoring", 1},
        {"regression, gradient", 1},
        {"regression, update", 1}}},
      {"smnist_trial_b32", {{"KeRNL, whole trials", 1}, {"KeRNL, sums of gradients", 1}}},
      {"smnist_online_b32", {{"KeRNL, online", 2}}}};
  std::size_t n_wanted_found = 0;
  for (std::size_t i = 0; i < cuda.size(); ++i) {
    const std::string name = cuda[i]["scene"];
    CAPTURE(name);
    CHECK(cuda[i]["state_hash"] == cpu[i]["state_hash"]);
    CHECK_FALSE(cpu[i].contains("kernels"));
    if (name == "closed_loop_hopper") {  // MuJoCo stays on the CPU
      CHECK_FALSE(cuda[i].contains("kernels"));
      continue;
    }
    std::map<std::string, int> n_launches;
    for (const auto& kernel : cuda[i]["kernels"]) {
      const std::string full = kernel["name"], head = full.substr(0, full.find(", "));
      const bool is_trial = head == "trials" || head == "episodes";
      n_launches[is_trial ? head : full] += kernel["n_launches"].get<int>();
      CHECK(kernel["n_registers"] > 0);
      // those of an update may do without shared memory
      if (is_trial) CHECK(kernel["n_shared_bytes"] > 0);
      CHECK(kernel["n_resident_blocks"] > 0);
      CHECK(kernel["n_threads"] >= 32);
    }
    CHECK_FALSE(n_launches.empty());
    if (const auto found = wanted.find(name); found != wanted.end()) {
      ++n_wanted_found;
      for (const auto& [kernel, n] : found->second) {
        CAPTURE(kernel);
        CHECK(n_launches[kernel] == n);
      }
    }
    const double operations = cuda[i]["operations_per_sample_step"],
                 bytes = cuda[i]["bytes_per_sample_step"];
    CHECK(operations > 0.0);
    CHECK(bytes > 0.0);
    CHECK(cuda[i]["operations_per_byte"].get<double>() == doctest::Approx(operations / bytes));
    CHECK(cuda[i]["bound"].get<std::string>().find(" as published") != std::string::npos);
    CHECK(cuda[i]["bound_share"] > 0.0);
    CHECK(cuda[i]["command"].get<std::string>().find("--backend cuda") != std::string::npos);
  }
  CHECK(n_wanted_found == wanted.size());
  for (const char* column : {" operations and ", " bytes a sample-step", " operations a byte",
                             "launches ", "registers ", "shared bytes ", "resident blocks "})
    CHECK_MESSAGE(text.find(column) != std::string::npos, column);

  if (std::system("python3 -c 'import jsonschema' > /dev/null 2>&1") != 0) return;
  const std::string command =
      "python3 -c 'import json, jsonschema, sys; "
      "jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' '" +
      (folder / "cuda").string() + "' '" + SPIKELANE_SOURCE_DIR + "/tools/bench.schema.json'";
  CHECK(std::system(command.c_str()) == 0);
}

}  // namespace spikelane::test
