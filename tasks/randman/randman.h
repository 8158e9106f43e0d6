// Randman: classes are random smooth manifolds, a sample is one point of its class's manifold, read
// as spike times. The same data, bit for bit, as Zenke's make_spiking_dataset with numpy and torch.
// Source: Zenke and Vogels 2021, https://github.com/fzenke/randman
#pragma once

#include <cstdint>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/run/task.h"

namespace spikelane {

/// The data as the original has it, in the original's order.
struct RandmanSpikes {
  int n_samples = 0;          // n_classes * n_samples_per_class
  int n_spikes_a_sample = 0;  // n_spikes * n_units; spike k of a sample is one of unit k % n_units
  std::vector<std::int32_t> steps;            // (n_samples, n_spikes_a_sample) step, 0 .. T-1
  std::vector<std::int32_t> labels;           // (n_samples)
  std::vector<std::uint64_t> manifold_seeds;  // (n_classes, n_spikes)
};

/// Makes the data. The config must have passed describe_task (tasks/load_task.h).
RandmanSpikes make_randman_spikes(const RandmanConfig& config);

/// The data as events, the last n_test samples held out (n_test = 0: all samples are both trained
/// and tested on). Two spikes of one unit in one step are one event.
TaskData make_randman(const RandmanConfig& config);

/// Frequencies of the manifold's Fourier series: 0.001^(-1/alpha) rounded up, at most 1000.
int n_randman_frequencies(double alpha);

}  // namespace spikelane
