// The table of tests/run/hash_table_test.cpp with CUDA as one more column: the same hashes, bit for
// bit, in both layouts and orders, fused, step by step and in windows.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "tests/cuda/cuda_kernels.h"
#include "tests/run/scene_hashes.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

// what a scene asks of the emulator: all threads of all steps, roughly
double thread_steps(const Scene& scene, Form form) {
  double n_neurons = 0;
  for (const PopulationDescription& population : scene.network.populations)
    n_neurons += population.n;
  const double n_rows = static_cast<double>(scene.n_members) * scene.n_samples;
  const double n_threads = form == Form::kNeuronLanes ? std::max(32.0, n_neurons) : n_neurons;
  return n_rows * scene.n_steps * n_threads;
}

bool is_race_checked() {
  const char* race = std::getenv("EMU_RACE");
  return race && std::string(race) != "0";
}

}  // namespace

TEST_CASE("cuda: every scene has its frozen hashes, in every layout, order and cut") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  ThreadPool pool(1);
  // the emulator is a hundred times slower than the CPU: larger scenes are for devices
  const double most = is_race_checked() ? 1e6 : 1e7;
  int i_run = 0, n_checked = 0;
  for (const Scene& scene : small_scenes()) {
    const FrozenHashes* expected = nullptr;
    for (const FrozenHashes& row : kFrozenHashes)
      if (scene.name == row.scene) expected = &row;
    REQUIRE(expected != nullptr);
    const PreparedScene prepared(scene);
    for (Form form : kForms) {
      const auto plan = plan_of(scene, form);
      const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
      for (Way way : kWays) {
        if (thread_steps(scene, form) > most) continue;
        // the whole trial always; of the other cuts one in turn
        if (way != Way::kFused && static_cast<int>(way) != 1 + i_run % 3) continue;
        INFO(scene.name, ", ", name_of(form), ", ", name_of(way));
        const Outcome outcome = run_scene(prepared, *plan, inputs, *kernels, pool, way, true);
        CHECK(outcome.state_hash == expected->state);
        CHECK(outcome.score_hash() == expected->scores);
        ++n_checked;
      }
      ++i_run;
    }
  }
  CHECK(n_checked > 100);
  MESSAGE(n_checked, " runs");
}

}  // namespace spikelane::test
