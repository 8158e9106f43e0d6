// Scenes: whole problems in a few lines each, made of counter-based random numbers alone. Tests
// compare every way of running them, benchmarks time them, and both print the same state hash.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/plan/plan.h"
#include "engine/run/task.h"

namespace spikelane {

/// A network with its inputs, and how many rows of it run: n_members weight sets, each on the same
/// n_samples samples for n_steps steps.
struct Scene {
  std::string name;
  NetworkDescription network;
  LossConfig loss;
  int n_members = 1, n_samples = 1, n_steps = 1;
  Dataset inputs;          // (B) samples with labels, events or dense values
  std::uint64_t seed = 1;  // of inputs and weights
};

/// Populations with one decay for all neurons and every other parameter as in a new description;
/// an alif neuron's currents act with their full size, R_m = 1 / (1 - alpha).
PopulationDescription leaky(const char* name, int n, double beta);
PopulationDescription alif(const char* name, int n, double alpha);
PopulationDescription readout(const char* name, int n, double kappa, double gain);

/// Start values, and a projection without a bias that has them, uniform in low .. high.
InitDescription uniform(double low, double high);
ProjectionDescription weights(const char* from, const char* to, double low, double high);

/// Weights and biases of one member, flat and logical (plan.n_parameters()): each tensor uniform in
/// its description's low .. high. A function of (seed, member, index) alone.
std::vector<float> scene_parameters(const Scene& scene, const Plan& plan, int member);

/// Inputs of (n_samples, n_steps, n_inputs) with labels 0 .. n_classes-1.
struct InputShape {
  int n_samples = 1, n_steps = 1, n_inputs = 1, n_classes = 1;
  std::uint64_t seed = 1;
};

/// Each unit fires in each step with the probability `rate`; in the samples from `first_busy` on
/// with `busy_rate`.
Dataset random_events(const InputShape& shape, double rate, int first_busy, double busy_rate);

/// Each unit fires once a sample, as in Randman.
Dataset single_events(const InputShape& shape);

/// Three quarters of the values are 0, the others uniform in -0.5 .. 1.
Dataset dense_values(const InputShape& shape);

/// Small scenes that together reach every path of the step: models, resets, projections, logits,
/// losses, both layouts' special forms, sizes around the lane width. All of them fire. Their names
/// differ.
std::vector<Scene> small_scenes();

}  // namespace spikelane
