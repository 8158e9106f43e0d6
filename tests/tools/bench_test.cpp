// spikelane bench in its tiny form: the document keeps its contract, the scenes spike as they
// should, and neither the instruction set, nor threads, nor the layout show in a hash. No time is
// looked at.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/config/parse_config.h"
#include "kernels/cpu/kernel_table.h"
#include "tasks/mujoco/mujoco_task.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"
#include "tests/tools/program.h"
#include "tools/bench_scenes.h"

using namespace spikelane;
using nlohmann::json;
using test::ProgramOutcome;
using test::run_program;

namespace {

using Arguments = std::vector<std::string>;

/// The JSON of `bench --quick` with these arguments; null when it did not end well.
json bench_json(const test::ScratchFolder& folder, const Arguments& more) {
  const std::string file = (folder / "bench.json").string();
  Arguments arguments{"bench", "--quick", "--json", file};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProgramOutcome outcome = run_program(arguments);
  INFO(outcome.error);
  REQUIRE(outcome.exit_code == 0);
  return json::parse(test::read_file(file), nullptr, false);
}

std::map<std::string, std::string> hashes_of(const json& document) {
  std::map<std::string, std::string> hashes;
  for (const json& scene : document.at("scenes")) hashes[scene.at("scene")] = scene["state_hash"];
  return hashes;
}

}  // namespace

TEST_CASE("bench: every scene fires as it is meant to and is held against a limit") {
  const test::ScratchFolder folder;
  const json document = bench_json(folder, {});
  CHECK(document["peak_gflops"] > 0.0);
  CHECK(document["bandwidth_gb_s"] > 0.0);
  // net of the floor kernels, and how often its neurons fire there
  std::map<std::string, double> firing = {{"es_seed", -1},
                                          {"es_randman", -1},
                                          {"ec_shape", 0.040},
                                          {"ec_shape_drawn", 0.040},
                                          {"low_rank_ec_full", -1},
                                          {"low_rank_ec_rank_1", -1},
                                          {"low_rank_ec_rank_4", -1},
                                          {"low_rank_784_full", -1},
                                          {"low_rank_784_rank_1", -1},
                                          {"low_rank_784_rank_4", -1},
                                          {"latency_64", 0.47},
                                          {"latency_256", 0.36},
                                          {"latency_api_256", 0.36},
                                          {"closed_loop_cartpole", -1},
                                          {"kernl_tensor", 0.25},
                                          {"smnist_trial_b32", -1},
                                          {"smnist_trial_b256", -1},
                                          {"smnist_online_b32", -1},
                                          {"smnist_online_b256", -1},
                                          {"online_latency_k32", -1},
                                          {"online_latency_k64", -1},
                                          {"online_latency_acting", -1}};
  if (has_mujoco()) firing["closed_loop_hopper"] = -1;
  CHECK(document["scenes"].size() == firing.size());
  for (const json& scene : document["scenes"]) {
    const std::string name = scene["scene"];
    CAPTURE(name);
    REQUIRE(firing.count(name) == 1);
    const double rate = scene["firing_rate"], wanted = firing.at(name);
    CHECK(rate > 0.0);
    if (wanted > 0.0) CHECK(std::abs(rate - wanted) < 0.1 * wanted);
    CHECK(scene["n_repeats"] >= (name == "latency_api_256" ? 1 : 5));
    CHECK(scene.contains("microseconds_max") == (name == "latency_api_256"));
    CHECK(scene["seconds_min"] <= scene["seconds_median"]);
    CHECK(scene["sample_steps_per_s"] > 0.0);
    CHECK(scene["n_operations"] > 0.0);
    CHECK(scene["bound_share"] > 0.0);
    CHECK_FALSE(scene["bound"].get<std::string>().empty());
    CHECK(scene["command"].get<std::string>().find("spikelane bench ") == 0);
    CHECK(scene.contains("env_steps_per_s") == (name.find("closed_loop") == 0));
    CHECK(scene.contains("physics_share") == (name.find("closed_loop") == 0));
    CHECK(scene.contains("normals_per_s") == (name == "ec_shape"));
    CHECK(scene.contains("member_bytes") == (name.find("low_rank") == 0));
    CHECK(scene["resident_mib"] > 0.0);
    CHECK(scene.contains("microseconds_p999") == (name.find("latency") != std::string::npos));
  }
}

// five runs of all scenes: minutes under sanitizers
TEST_SUITE("long") {
  TEST_CASE("bench: instruction set, threads and layout do not show in a hash") {
    const test::ScratchFolder folder;
    const auto hashes = hashes_of(bench_json(folder, {"--threads", "1"}));
    CHECK(hashes.size() == (has_mujoco() ? 23 : 22));
    // the same members, the same weights: drawn in the run or before
    CHECK(hashes.at("ec_shape") == hashes.at("ec_shape_drawn"));
    CHECK(hashes.at("latency_64") != hashes.at("latency_256"));
    // the same steps through the C API
    CHECK(hashes.at("latency_api_256") == hashes.at("latency_256"));
    CHECK(hashes_of(bench_json(folder, {"--threads", "3"})) == hashes);
    CHECK(hashes_of(bench_json(folder, {"--layout", "sample_lanes"})) == hashes);
    CHECK(hashes_of(bench_json(folder, {"--layout", "neuron_lanes"})) == hashes);
    for (const KernelTable* kernels : runnable_kernels()) {
      CAPTURE(kernels->isa);
      const json document = bench_json(folder, {"--isa", kernels->isa});
      CHECK(hashes_of(document) == hashes);
      CHECK(document["machine"]["isa"] == kernels->isa);
    }
  }
}

TEST_CASE("bench: the JSON keeps to its schema") {
  if (std::system("python3 -c 'import jsonschema' > /dev/null 2>&1") != 0) {
    test::note_skip("python3-jsonschema is not installed");
    return;
  }
  const test::ScratchFolder folder;
  bench_json(folder, {"latency", "ec_shape", "ec_shape_drawn"});
  const std::string command =
      "python3 -c 'import json, jsonschema, sys; "
      "jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' '" +
      (folder / "bench.json").string() + "' '" + SPIKELANE_SOURCE_DIR + "/tools/bench.schema.json'";
  CHECK(std::system(command.c_str()) == 0);
}

TEST_CASE("bench: only the scenes asked for are run") {
  const test::ScratchFolder folder;
  const json document = bench_json(folder, {"es_seed", "latency"});
  CHECK(hashes_of(document).size() == 3);
  CHECK(hashes_of(document).count("es_seed") == 1);
  const std::string command = document["command"];
  CHECK(command.find("spikelane bench es_seed latency --threads ") == 0);
  CHECK(document["scenes"][1]["command"].get<std::string>().find("spikelane bench latency ") == 0);
}

TEST_CASE("bench: --list names the scenes") {
  const ProgramOutcome outcome = run_program({"bench", "--list"});
  CHECK(outcome.exit_code == 0);
  for (const BenchScene& scene : bench_scenes())
    CHECK(outcome.out.find(std::string(scene.name) + " ") != std::string::npos);
}

TEST_CASE("bench: what is wrong is said, all of it, and nothing is run") {
  const test::ScratchFolder folder;
  const std::string file = (folder / "none" / "bench.json").string();
  const ProgramOutcome outcome =
      run_program({"bench", "es_sed", "--json", file, "--threads", "0", "--isa", "pdp11"});
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.out.empty());
  for (const char* text : {"es_sed", "es_seed", "es_randman", "ec_shape", "ec_shape_drawn",
                           "latency", "--json", "--threads", "--isa", "pdp11"})
    CHECK_MESSAGE(outcome.error.find(text) != std::string::npos, text);
  CHECK(run_program({"bench", "latency", "--json", folder.path().string()}).exit_code == 2);
  CHECK(test::listing(folder.path()).empty());
}

TEST_CASE("bench: es_randman is the demo's job") {
  const RunConfig demo =
      parse_config_file(std::string(SPIKELANE_SOURCE_DIR) + "/configs/randman_es.json");
  const RunConfig scene = es_randman_config();
  CHECK(network_digest(scene) == network_digest(demo));
  CHECK(scene.rule.es.n_members == demo.rule.es.n_members);
  CHECK(scene.rule.es.batch == demo.rule.es.batch);
  CHECK(scene.rule.es.sigma == demo.rule.es.sigma);
  CHECK(scene.rule.es.antithetic == demo.rule.es.antithetic);
  CHECK(scene.task.randman.n_units == demo.task.randman.n_units);
  CHECK(scene.task.randman.n_steps == demo.task.randman.n_steps);
  CHECK(scene.loss.logits == demo.loss.logits);
}

TEST_CASE("bench: kernl_tensor is the original's update") {
  RunConfig original =
      parse_config_file(std::string(SPIKELANE_SOURCE_DIR) + "/configs/mnist_kernl_original.json");
  const RunConfig scene = kernl_tensor_config();
  original.network.n_inputs = scene.network.n_inputs;
  CHECK(network_digest(scene) == network_digest(original));
  const KernlConfig &ours = scene.rule.kernl, &theirs = original.rule.kernl;
  CHECK(ours.batch == theirs.batch);
  CHECK(ours.derivative_at == theirs.derivative_at);
  CHECK(ours.filters == theirs.filters);
  CHECK(ours.trains_weights == theirs.trains_weights);
  CHECK(ours.regression.noise_std == theirs.regression.noise_std);
  CHECK(ours.regression.copy == theirs.regression.copy);
  CHECK(ours.regression.start == theirs.regression.start);
  CHECK(ours.regression.start_std == theirs.regression.start_std);
  CHECK(ours.regression.gamma_high == theirs.regression.gamma_high);
  CHECK(ours.regression.optimiser.lr == theirs.regression.optimiser.lr);
  CHECK(scene.loss.window == original.loss.window);
}
