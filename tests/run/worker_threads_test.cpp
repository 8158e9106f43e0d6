// Every phase by the team of OS threads: the same hashes as everybody else, and under
// ThreadSanitizer no race. Small scenes, since each sync is a barrier of up to 32 threads.
#include "tests/run/worker_threads.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "tests/run/scene_hashes.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

// a few samples and steps of a scene show each of its phases
Scene shortened(Scene scene) {
  scene.n_samples = std::min(scene.n_samples, 2);
  scene.n_members = 1;
  return scene;
}

}  // namespace

TEST_CASE("a team of OS threads: every scene gives what one CPU worker gives") {
  const KernelTable kernels = thread_kernels();
  ThreadPool pool(1);
  int i_scene = 0;
  for (Scene& made : small_scenes()) {
    ++i_scene;
    // a part of them: every sync is a barrier of 16 or 32 threads on a few cores
    if (i_scene % 9 != 0) continue;
    const PreparedScene prepared(shortened(std::move(made)));
    for (Form form : kForms) {
      const auto plan = plan_of(prepared.scene, form);
      const EncodedInputs inputs(*plan, prepared.scene.inputs, prepared.samples);
      INFO(prepared.scene.name, ", ", name_of(form));
      const Outcome expected =
          run_scene(prepared, *plan, inputs, *find_kernels(""), pool, Way::kFused);
      CHECK(run_scene(prepared, *plan, inputs, kernels, pool, Way::kFused, true) == expected);
    }
  }
}

}  // namespace spikelane::test
