// Pictures of what KeRNL's regression has learned: sensitivity tensor M and temporal filter g.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/plot_gnuplot.h"

namespace spikelane {

/// M and g of one population, and its recurrent weights, which M is held against.
struct LearnedTensors {
  std::string population;
  std::int64_t n_filters = 0, n = 0;
  std::vector<float> sensitivity;  // (F, N, N) [source, target]
  std::vector<float> filter;       // (F, N) 1/steps
  std::vector<float> weights;      // (N, N) [source, target]; empty where there are none
  double analytic_slope = 0.0;     // (1-alpha) R_m, M over weight between resets; 0: not known
};

/// Reads `<population>.sensitivity` and `<population>.filter` from a weight file; no entry where it
/// has none. `results` gives alpha and resistance, where they are one number for all neurons.
/// Throws UserError for a damaged file and for tensors of other types and shapes.
std::vector<LearnedTensors> read_learned_tensors(const std::filesystem::path& file,
                                                 const nlohmann::json& results);

/// For each filter a row: M as a picture (blue negative, red positive, the range holds 99 % of the
/// entries; more than 400 neurons are averaged by blocks), g of each neuron, and for the first
/// filter M over the recurrent weight with the analytic line.
std::string tensor_script(const LearnedTensors& learned, PictureFormat format);

}  // namespace spikelane
