#include "tests/run/scene_runs.h"

#include <algorithm>
#include <numeric>

#include "engine/state/hash.h"
#include "kernels/step/loss.h"

namespace spikelane::test {

std::string Outcome::score_hash() const {
  StateHash hash;
  hash.add(std::span<const float>(logits));
  hash.add(std::span<const double>(losses));
  for (std::uint8_t correct : is_correct) hash.add(std::uint64_t{correct});
  return hash.text();
}

std::string name_of(Form form) {
  if (form == Form::kNeuronLanes) return "neuron lanes";
  return form == Form::kSampleLanes ? "sample lanes" : "sample lanes, step-major";
}

std::string name_of(Way way) {
  const char* names[] = {"fused", "step by step", "windows", "caller's inputs"};
  return names[static_cast<int>(way)];
}

PlanOptions options_of(Form form, bool keeps_counts) {
  PlanOptions options;
  options.layout =
      form == Form::kNeuronLanes ? LayoutChoice::kNeuronLanes : LayoutChoice::kSampleLanes;
  options.step_major = form == Form::kSampleLanesStepMajor;
  options.keeps_counts = keeps_counts;
  return options;
}

std::unique_ptr<const Plan> plan_of(const Scene& scene, Form form, bool keeps_counts) {
  return compile_plan(scene.network, scene.loss, scene.n_steps, options_of(form, keeps_counts));
}

PreparedScene::PreparedScene(Scene made) : scene(std::move(made)) {
  const Dataset& data = scene.inputs;
  samples.resize(static_cast<std::size_t>(scene.n_samples));
  std::iota(samples.begin(), samples.end(), 0);
  const auto plan = plan_of(scene, Form::kSampleLanes);
  for (int member = 0; member < scene.n_members; ++member)
    parameters.push_back(scene_parameters(scene, *plan, member));
  // written from the data set itself, not from what the engine makes of it
  const auto n_samples = static_cast<std::size_t>(scene.n_samples);
  const auto n_steps = static_cast<std::size_t>(scene.n_steps);
  const auto n_inputs = static_cast<std::size_t>(data.n_inputs);
  frames.assign(n_steps * n_samples * n_inputs, 0.0f);
  for (std::size_t b = 0; b < n_samples; ++b) {
    for (std::size_t i = 0; data.is_dense && i < n_steps * n_inputs; ++i)
      frames[(i / n_inputs * n_samples + b) * n_inputs + i % n_inputs] =
          data.values[b * n_steps * n_inputs + i];
    if (data.is_dense) continue;
    for (auto k = data.offsets[b]; k < data.offsets[b + 1]; ++k) {
      const InputEvent& event = data.events[static_cast<std::size_t>(k)];
      frames[(static_cast<std::size_t>(event.step) * n_samples + b) * n_inputs +
             static_cast<std::size_t>(event.unit)] = 1.0f;
    }
  }
}

std::span<const float> PreparedScene::frame(int sample, int t) const {
  const auto n_inputs = static_cast<std::size_t>(scene.inputs.n_inputs);
  return std::span(frames).subspan(
      static_cast<std::size_t>(t * scene.n_samples + sample) * n_inputs, n_inputs);
}

Outcome run_twin(const PreparedScene& prepared, const Plan& plan, std::vector<double>* rates) {
  const Scene& scene = prepared.scene;
  const PlanView& view = plan.view();
  std::vector<FinalState> finals(static_cast<std::size_t>(view.n_populations));
  Outcome outcome;
  std::vector<float> block(static_cast<std::size_t>(plan.n_block_floats()));
  for (int member = 0; member < scene.n_members; ++member) {
    plan.fill_block(prepared.parameters[static_cast<std::size_t>(member)].data(), block.data());
    reference::Twin twin(view, block.data());
    for (int sample = 0; sample < scene.n_samples; ++sample) {
      twin.reset();
      for (int t = 0; t < scene.n_steps; ++t) twin.step(prepared.frame(sample, t));
      for (int p = 0; p < view.n_populations; ++p) {
        const reference::TwinPopulation& population = twin.population(p);
        FinalState row{is_spiking(view.populations[p].model),
                       population.v,
                       population.sent,
                       population.b,
                       population.refractory,
                       {},
                       {}};
        if (view.populations[p].at.b < 0) row.b.clear();
        if (view.populations[p].at.refractory < 0) row.refractory.clear();
        for (float n : population.n_spikes) row.n_spikes.push_back(static_cast<std::int32_t>(n));
        finals[static_cast<std::size_t>(p)].is_spiking = row.is_spiking;
        finals[static_cast<std::size_t>(p)].append(row);
      }
      const std::vector<float> logits = twin.logits();
      outcome.logits.insert(outcome.logits.end(), logits.begin(), logits.end());
      double loss = 0.0;
      std::int32_t is_correct = 0;
      evaluate_logits<1>(view.loss, static_cast<double>(view.margin), logits.data(),
                         static_cast<int>(logits.size()),
                         &scene.inputs.labels[static_cast<std::size_t>(sample)], &loss,
                         &is_correct);
      outcome.losses.push_back(loss);
      outcome.is_correct.push_back(static_cast<std::uint8_t>(is_correct));
    }
  }
  StateHash hash;
  for (const FinalState& final : finals) {
    final.add_to(hash);
    if (rates && final.is_spiking)
      rates->push_back(std::accumulate(final.n_spikes.begin(), final.n_spikes.end(), 0.0) /
                       (static_cast<double>(final.n_spikes.size()) * scene.n_steps));
  }
  outcome.state_hash = hash.text();
  return outcome;
}

void set_parameters(Simulation& simulation, const PreparedScene& prepared) {
  for (int member = 0; member < prepared.scene.n_members; ++member)
    simulation.set_parameters(member, prepared.parameters[static_cast<std::size_t>(member)]);
}

Outcome run_scene(const PreparedScene& prepared, const Plan& plan, const EncodedInputs& inputs,
                  const KernelTable& kernels, ThreadPool& pool, Way way, bool poisons) {
  const Scene& scene = prepared.scene;
  const int n_steps = scene.n_steps;
  Simulation simulation(plan, kernels, pool, scene.n_members, scene.n_samples, n_steps);
  set_parameters(simulation, prepared);
  if (poisons) simulation.edit_state().poison_padding();
  if (way == Way::kFused) simulation.run(inputs, n_steps);
  if (way == Way::kSingleSteps)
    while (simulation.t() < n_steps) simulation.run(inputs, 1);
  const int windows[] = {1, 5, 16, 2, 31};
  for (int i = 0; way == Way::kWindows && simulation.t() < n_steps; i = (i + 1) % 5)
    simulation.run(inputs, std::min(windows[i], n_steps - simulation.t()));
  if (way == Way::kCaller) {
    // all members see the same samples
    std::vector<float> x;
    const auto n_frame = static_cast<std::ptrdiff_t>(scene.n_samples * scene.inputs.n_inputs);
    while (simulation.t() < n_steps) {
      const auto begin = prepared.frames.begin() + simulation.t() * n_frame;
      x.clear();
      for (int member = 0; member < scene.n_members; ++member)
        x.insert(x.end(), begin, begin + n_frame);
      simulation.step(x);
    }
  }
  Outcome outcome;
  outcome.state_hash = hash_state(plan, simulation.state());
  simulation.score(inputs, &outcome.losses, &outcome.is_correct, &outcome.logits);
  return outcome;
}

}  // namespace spikelane::test
