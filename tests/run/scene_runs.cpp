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

const char* name_of(Form form) {
  if (form == Form::kNeuronLanes) return "neuron lanes";
  return form == Form::kSampleLanes ? "sample lanes" : "sample lanes, step-major";
}

const char* name_of(Way way) {
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

std::vector<std::int32_t> all_samples(const Dataset& data) {
  std::vector<std::int32_t> samples(static_cast<std::size_t>(data.n_samples));
  std::iota(samples.begin(), samples.end(), 0);
  return samples;
}

std::vector<float> frame_of(const Dataset& data, int sample, int t) {
  const auto n_inputs = static_cast<std::size_t>(data.n_inputs);
  const auto at = static_cast<std::size_t>(sample);
  if (data.is_dense) {
    const auto begin =
        data.values.begin() + (std::int64_t{sample} * data.n_steps + t) * data.n_inputs;
    return {begin, begin + data.n_inputs};
  }
  std::vector<float> frame(n_inputs, 0.0f);
  for (std::int64_t k = data.offsets[at]; k < data.offsets[at + 1]; ++k) {
    const InputEvent& event = data.events[static_cast<std::size_t>(k)];
    if (event.step == t) frame[static_cast<std::size_t>(event.unit)] = 1.0f;
  }
  return frame;
}

namespace {

// frames of all samples, made once a scene: (B, T)
std::vector<std::vector<float>> all_frames(const Scene& scene) {
  std::vector<std::vector<float>> frames;
  for (int sample = 0; sample < scene.n_samples; ++sample)
    for (int t = 0; t < scene.n_steps; ++t) frames.push_back(frame_of(scene.inputs, sample, t));
  return frames;
}

// final state of one population, rows ascending
struct Final {
  std::vector<float> v, spikes;
  std::vector<std::int32_t> counts;
};

}  // namespace

Outcome run_twin(const Scene& scene, const Plan& plan, std::vector<double>* rates) {
  const PlanView& view = plan.view();
  const auto frames = all_frames(scene);
  std::vector<Final> finals(static_cast<std::size_t>(view.n_populations));
  Outcome outcome;
  std::vector<float> block(static_cast<std::size_t>(plan.n_block_floats()));
  for (int member = 0; member < scene.n_members; ++member) {
    plan.fill_block(scene_parameters(scene, plan, member).data(), block.data());
    reference::Twin twin(view, block.data());
    for (int sample = 0; sample < scene.n_samples; ++sample) {
      twin.reset();
      for (int t = 0; t < scene.n_steps; ++t)
        twin.step(frames[static_cast<std::size_t>(sample * scene.n_steps + t)]);
      for (int p = 0; p < view.n_populations; ++p) {
        const reference::TwinPopulation& population = twin.population(p);
        Final& final = finals[static_cast<std::size_t>(p)];
        final.v.insert(final.v.end(), population.v.begin(), population.v.end());
        final.spikes.insert(final.spikes.end(), population.s.begin(), population.s.end());
        for (float n : population.n_spikes) final.counts.push_back(static_cast<std::int32_t>(n));
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
  for (int p = 0; p < view.n_populations; ++p) {
    const Final& final = finals[static_cast<std::size_t>(p)];
    hash.add(std::span<const float>(final.v));
    if (plan.population(p).model == Model::kReadout) continue;
    hash.add(std::span<const float>(final.spikes));
    hash.add(std::span<const std::int32_t>(final.counts));
    if (rates)
      rates->push_back(std::accumulate(final.counts.begin(), final.counts.end(), 0.0) /
                       (static_cast<double>(final.counts.size()) * scene.n_steps));
  }
  outcome.state_hash = hash.text();
  return outcome;
}

Outcome run_scene(const Scene& scene, const Plan& plan, const KernelTable& kernels,
                  ThreadPool& pool, Way way, bool poisons) {
  const EncodedInputs inputs(plan, scene.inputs, all_samples(scene.inputs));
  const int n_steps = scene.n_steps;
  Simulation simulation(plan, kernels, pool, scene.n_members, scene.n_samples, n_steps);
  for (int member = 0; member < scene.n_members; ++member)
    simulation.set_parameters(member, scene_parameters(scene, plan, member));
  if (poisons) simulation.state().poison_padding();
  if (way == Way::kFused) simulation.run(inputs, n_steps);
  if (way == Way::kSteps)
    while (simulation.t() < n_steps) simulation.run(inputs, 1);
  const int windows[] = {1, 5, 16, 2, 31};
  for (int i = 0; way == Way::kWindows && simulation.t() < n_steps; i = (i + 1) % 5)
    simulation.run(inputs, std::min(windows[i], n_steps - simulation.t()));
  if (way == Way::kCaller) {
    const auto frames = all_frames(scene);
    std::vector<float> x;
    while (simulation.t() < n_steps) {
      x.clear();
      for (int row = 0; row < scene.n_members * scene.n_samples; ++row) {
        const auto& frame =
            frames[static_cast<std::size_t>(row % scene.n_samples * n_steps + simulation.t())];
        x.insert(x.end(), frame.begin(), frame.end());
      }
      simulation.step(x);
    }
  }
  Outcome outcome;
  outcome.state_hash = hash_state(plan, simulation.state());
  simulation.score(inputs, &outcome.losses, &outcome.is_correct, &outcome.logits);
  return outcome;
}

}  // namespace spikelane::test
