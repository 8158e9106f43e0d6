// spikelane bench --backend cuda in its tiny form: the CPU's hashes, and the columns that
// docs/gpu.md explains. No time is looked at.
#include <doctest/doctest.h>

#include <cstdlib>
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
                     "--quick", "--backend", backend, "--json", file});
    CAPTURE(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    text = outcome.out;
    documents[backend[1] == 'u'] = nlohmann::json::parse(read_file(file));
  }
  const auto &cpu = documents[0]["scenes"], &cuda = documents[1]["scenes"];
  REQUIRE(cuda.size() == 6);
  for (std::size_t i = 0; i < cuda.size(); ++i) {
    const std::string name = cuda[i]["scene"];
    CAPTURE(name);
    CHECK(cuda[i]["state_hash"] == cpu[i]["state_hash"]);
    CHECK_FALSE(cpu[i].contains("kernels"));
    // a launch for a whole trial, or one a step
    const bool is_latency = name.rfind("latency", 0) == 0;
    std::int64_t n_trial_launches = 0;
    for (const auto& kernel : cuda[i]["kernels"]) {
      // those of an update may do without shared memory
      if (kernel["name"].get<std::string>().rfind("trials", 0) != 0) continue;
      n_trial_launches += kernel["n_launches"].get<std::int64_t>();
      CHECK(kernel["n_registers"] > 0);
      CHECK(kernel["n_shared_bytes"] > 0);
      CHECK(kernel["n_resident_blocks"] > 0);
      CHECK(kernel["n_threads"] >= 32);
    }
    CHECK(n_trial_launches == (is_latency ? 200 : 1));
    const double operations = cuda[i]["operations_per_sample_step"],
                 bytes = cuda[i]["bytes_per_sample_step"];
    CHECK(operations > 0.0);
    CHECK(bytes > 0.0);
    CHECK(cuda[i]["operations_per_byte"].get<double>() == doctest::Approx(operations / bytes));
    CHECK(cuda[i]["bound"].get<std::string>().find(" as published") != std::string::npos);
    CHECK(cuda[i]["bound_share"] > 0.0);
    CHECK(cuda[i]["command"].get<std::string>().find("--backend cuda") != std::string::npos);
  }
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
