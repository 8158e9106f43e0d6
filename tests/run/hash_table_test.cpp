// One table: every scene has one state hash and one hash of its logits and losses, whoever computes
// it: the reference twin, any instruction set, either layout, either order, any number of threads,
// a trial at once or cut into windows or steps.
#include <doctest/doctest.h>

#include "tests/run/scene_hashes.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

const FrozenHashes* frozen(const std::string& scene) {
  for (const FrozenHashes& row : kFrozenHashes)
    if (scene == row.scene) return &row;
  return nullptr;
}

// a sanitized build is many times slower: there the combinations are thinned out
constexpr int kThinning = SPIKELANE_IS_SANITIZED ? 7 : 1;

}  // namespace

TEST_CASE("scenes: all fire, and the twin has the frozen hashes") {
  const auto scenes = small_scenes();
  CHECK(scenes.size() == std::size(kFrozenHashes));
  for (const Scene& scene : scenes) {
    INFO(scene.name);
    const PreparedScene prepared(scene);
    // the plans of both layouts describe one network to the twin
    std::vector<double> rates;
    const Outcome outcome = run_twin(prepared, *plan_of(scene, Form::kNeuronLanes), &rates);
    REQUIRE(!rates.empty());
    for (double rate : rates) {
      CHECK(rate >= 0.005);
      CHECK(rate <= 0.5);
    }
    CHECK(run_twin(prepared, *plan_of(scene, Form::kSampleLanes), nullptr) == outcome);
    const FrozenHashes* expected = frozen(scene.name);
    if (!expected || outcome.state_hash != expected->state ||
        outcome.score_hash() != expected->scores)
      MESSAGE("    {\"", scene.name, "\", \"", outcome.state_hash, "\", \"", outcome.score_hash(),
              "\"},");
    CHECK(expected != nullptr);
    if (!expected) continue;
    CHECK(outcome.state_hash == expected->state);
    CHECK(outcome.score_hash() == expected->scores);
  }
}

TEST_CASE("scenes: one hash for every ISA, layout, order, cut and number of threads") {
  std::vector<std::unique_ptr<ThreadPool>> pools;
  for (int n_threads = 1; n_threads <= 4; ++n_threads)
    pools.push_back(std::make_unique<ThreadPool>(n_threads));
  int i_run = 0, i_turn = 0;
  for (const Scene& scene : small_scenes()) {
    const FrozenHashes* expected = frozen(scene.name);
    REQUIRE(expected != nullptr);
    const PreparedScene prepared(scene);
    for (Form form : kForms) {
      const auto plan = plan_of(scene, form);
      const EncodedInputs inputs(*plan, scene.inputs, prepared.samples);
      for (const KernelTable* kernels : runnable_kernels()) {
        ++i_turn;
        for (Way way : kWays)
          for (const auto& pool : pools) {
            // several threads: the whole trial always, of the other cuts one at a time in turn
            const int n_threads = pool->n_threads();
            const bool is_wanted = n_threads == 1 || way == Way::kFused ||
                                   static_cast<int>(way) == 1 + (i_turn + n_threads) % 3;
            if (!is_wanted || i_run++ % kThinning != 0) continue;
            INFO(scene.name, ", ", std::string(kernels->isa), ", ", name_of(form), ", ",
                 name_of(way), ", ", n_threads, " threads");
            const Outcome outcome = run_scene(prepared, *plan, inputs, *kernels, *pool, way);
            CHECK(outcome.state_hash == expected->state);
            CHECK(outcome.score_hash() == expected->scores);
          }
      }
    }
  }
}

}  // namespace spikelane::test
