// Single steps on CUDA: one graph, captured once and replayed, gives the CPU's bits, also where the
// host changes state or parameters between two steps.
#include <doctest/doctest.h>

#include "tests/cuda/cuda_kernels.h"
#include "tests/run/scene_hashes.h"
#include "tests/run/scene_runs.h"
#include "tests/thrown.h"

namespace spikelane::test {
namespace {

// a small net, whose state comes back with each step, and one whose state is too large for that
struct SteppedNet {
  const char* scene;
  int n_samples;
};
constexpr SteppedNet kNets[] = {{"feedback", 3}, {"size_33_recurrent", 150}};

Scene scene_named(const std::string& name, int n_samples) {
  for (Scene& scene : small_scenes())
    if (scene.name == name) {
      scene.n_members = 2;
      scene.n_samples = std::min(n_samples, scene.inputs.n_samples);
      return std::move(scene);
    }
  throw std::runtime_error("no scene " + name);
}

/// Calls check(prepared scene, plan) for both nets in each form.
template <class Check>
void for_each_net(Check check) {
  for (const SteppedNet& net : kNets)
    for (const Form form : kForms) {
      const PreparedScene prepared(scene_named(net.scene, net.n_samples));
      INFO(prepared.scene.name, ", ", name_of(form));
      check(prepared, *plan_of(prepared.scene, form));
    }
}

}  // namespace

TEST_CASE("cuda: single steps are the CPU's, whatever the host does between them") {
  const KernelTable* cuda = cuda_kernels_or_skip();
  if (!cuda) return;
  ThreadPool pool(1);
  for_each_net([&](const PreparedScene& prepared, const Plan& plan) {
    const Scene& scene = prepared.scene;
    const int n_rows = scene.n_members * scene.n_samples;
    std::vector<float> x;
    std::string hashes[2];
    for (int i = 0; i < 2; ++i) {
      const KernelTable& kernels = i == 0 ? *find_kernels("") : *cuda;
      Simulation simulation(plan, kernels, pool, scene.n_members, scene.n_samples, 4);
      set_parameters(simulation, prepared);
      const EncodedInputs inputs(plan, scene.inputs, prepared.samples);
      StateHash hash;
      const std::int64_t n_before = n_launches_of("trials");
      for (int round = 0; round < 2; ++round) {
        if (round > 0) simulation.reset();
        for (int t = 0; t < 12; ++t) {
          // some steps have inputs that are no spikes
          x.clear();
          for (int row = 0; row < n_rows; ++row)
            for (const float value : prepared.frame(row % scene.n_samples, t))
              x.push_back(t % 3 == 2 ? 0.5f * value : value);
          if (t == 5) simulation.edit_state().reset_row(1);
          if (t == 7) simulation.set_parameters(0, prepared.parameters[1]);
          if (t == 9)
            simulation.run(inputs, 1);
          else
            simulation.step(x);
          if (t % 2 == 0) hash.add(hash_state(plan, simulation.state()));
        }
      }
      hash.add(hash_state(plan, simulation.state()));
      hashes[i] = hash.text();
      // a launch a step and a reset, and none of the graph's capture
      if (i == 1) CHECK(n_launches_of("trials") - n_before == 2 * 12 + 1);
      std::int64_t n_spikes = 0;
      for (int p = 0; p < plan.view().n_populations; ++p)
        if (plan.population(p).model != Model::kReadout) n_spikes += simulation.count_spikes(p);
      CHECK(n_spikes > 0);
    }
    CHECK(hashes[1] == hashes[0]);
  });
}

TEST_CASE("cuda: a step after which a state is not finite says which row it was") {
  const KernelTable* cuda = cuda_kernels_or_skip();
  if (!cuda) return;
  ThreadPool pool(1);
  PreparedScene prepared(scene_named("feedback", 3));
  const Scene& scene = prepared.scene;
  for (float& parameter : prepared.parameters[1]) parameter *= 1e38f;
  for (const Form form : kForms) {
    INFO(name_of(form));
    const auto plan = plan_of(scene, form);
    std::string messages[2];
    for (int i = 0; i < 2; ++i) {
      Simulation simulation(*plan, i == 0 ? *find_kernels("") : *cuda, pool, scene.n_members,
                            scene.n_samples, 1);
      set_parameters(simulation, prepared);
      const std::vector<float> x(
          static_cast<std::size_t>(scene.n_members * scene.n_samples * scene.inputs.n_inputs),
          10.0f);
      messages[i] = thrown_by([&] {
        for (int t = 0; t < scene.n_steps; ++t) simulation.step(x);
      });
    }
    CHECK(messages[0].find("state is not finite") == 0);
    CHECK(messages[1] == messages[0]);
  }
}

TEST_CASE("cuda: spikes are counted on the device as on the host") {
  const KernelTable* cuda = cuda_kernels_or_skip();
  if (!cuda) return;
  ThreadPool pool(1);
  for_each_net([&](const PreparedScene& prepared, const Plan& plan) {
    const EncodedInputs inputs(plan, prepared.scene.inputs, prepared.samples);
    Simulation simulation(plan, *cuda, pool, prepared.scene.n_members, prepared.scene.n_samples,
                          prepared.scene.n_steps);
    set_parameters(simulation, prepared);
    simulation.run(inputs, prepared.scene.n_steps);
    std::vector<std::int64_t> counts;
    const auto count = [&](int p) {
      return plan.population(p).model == Model::kReadout ? 0 : simulation.count_spikes(p);
    };
    for (int p = 0; p < plan.view().n_populations; ++p) counts.push_back(count(p));
    CHECK(*std::max_element(counts.begin(), counts.end()) > 0);
    simulation.state();  // from now on the host counts
    for (int p = 0; p < plan.view().n_populations; ++p)
      CHECK(count(p) == counts[static_cast<std::size_t>(p)]);
  });
}

}  // namespace spikelane::test
