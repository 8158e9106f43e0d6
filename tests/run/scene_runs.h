// A scene run by the reference twin and in every way the engine has, each run boiled down to what
// must be equal: the state hash, and all logits and losses.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/run/simulation.h"
#include "kernels/reference/twin.h"
#include "tasks/scenes/scenes.h"

namespace spikelane::test {

/// What a run left behind. Rows are (member, sample).
struct Outcome {
  std::string state_hash;
  std::vector<float> logits;             // (R, O)
  std::vector<double> losses;            // (R)
  std::vector<std::uint8_t> is_correct;  // (R)
  std::string score_hash() const;        // of the three above
  bool operator==(const Outcome&) const = default;
};

/// The orders and layouts that a plan can be made for.
enum class Form { kNeuronLanes, kSampleLanes, kSampleLanesStepMajor };
inline constexpr Form kForms[] = {Form::kNeuronLanes, Form::kSampleLanes,
                                  Form::kSampleLanesStepMajor};
std::string name_of(Form form);
PlanOptions options_of(Form form, bool keeps_counts);
std::unique_ptr<const Plan> plan_of(const Scene& scene, Form form, bool keeps_counts = true);

/// How a trial is cut: at once, a step a call, windows of uneven length, or a step a call with
/// dense inputs that the caller hands in.
enum class Way { kFused, kSingleSteps, kWindows, kCaller };
inline constexpr Way kWays[] = {Way::kFused, Way::kSingleSteps, Way::kWindows, Way::kCaller};
std::string name_of(Way way);

/// A scene with what all its runs share, made once.
struct PreparedScene {
  explicit PreparedScene(Scene made);
  Scene scene;
  std::vector<std::int32_t> samples;           // 0 .. B-1
  std::vector<std::vector<float>> parameters;  // (M) of (P)
  std::vector<float> frames;                   // (T, B, I)
  std::span<const float> frame(int sample, int t) const;
};

/// Each member's.
void set_parameters(Simulation& simulation, const PreparedScene& prepared);

/// By the twin, row after row. `rates` gets the firing rate of each spiking population.
Outcome run_twin(const PreparedScene& prepared, const Plan& plan, std::vector<double>* rates);

/// By the engine. `poisons` fills all padding of the state with NaN after the reset.
Outcome run_scene(const PreparedScene& prepared, const Plan& plan, const EncodedInputs& inputs,
                  const KernelTable& kernels, ThreadPool& pool, Way way, bool poisons = false);

}  // namespace spikelane::test
