// Whole trials and windows of them, tile after tile: reset, window, logits, losses.
#pragma once

#include "kernels/step/loss.h"
#include "kernels/step/neuron_lanes.h"
#include "kernels/step/sample_lanes.h"

namespace spikelane::SPIKELANE_ISA {

/// A tile as it is before its first step.
inline void reset_tile(const PlanView& plan, char* memory) {
  const int n_lanes = plan.layout == Layout::kSampleLanes ? kLanes : 1;
  auto* words = reinterpret_cast<uint64_t*>(memory);
  for (int64_t i = 0; i < plan.tile_bytes / 8; ++i) words[i] = 0;
  for (int p = 0; p < plan.n_populations; ++p) {
    const PopulationView& population = plan.populations[p];
    const int64_t n = int64_t{population.n_padded} * n_lanes;
#define SPIKELANE_RESET(name, kind, kept_by, at_reset, unit, meaning)                      \
  if (FieldKind::kind == FieldKind::kFloat && at_reset != 0.0f && population.at.name >= 0) \
    for (int64_t i = 0; i < n; ++i)                                                        \
      reinterpret_cast<float*>(memory + population.at.name)[i] = at_reset;
    SPIKELANE_POPULATION_FIELDS(SPIKELANE_RESET)
#undef SPIKELANE_RESET
  }
}

/// The output population's logits, times the loss's scale: (n, lanes).
inline void read_logits(const Tile& tile, float* logits) {
  const PlanView& plan = *tile.plan;
  const PopulationView& output = plan.populations[plan.output];
  const int n_lanes = plan.layout == Layout::kSampleLanes ? kLanes : 1;
  const int n = output.n * n_lanes;
  const bool is_readout = output.model == Model::kReadout;
  const float* v = tile.floats(output.at.v);
  switch (plan.logit) {
    case Logit::kCounts: {
      const float* n_spikes = tile.floats(output.at.n_spikes);
      for (int i = 0; i < n; ++i) logits[i] = n_spikes[i] * plan.scale;
      break;
    }
    case Logit::kFirstSpike: {
      // the earlier, the larger: T - t, and 0 for who never fired
      const float* first = tile.floats(output.at.first_spike);
      const float n_steps = static_cast<float>(plan.n_steps);
      for (int i = 0; i < n; ++i)
        logits[i] = (first[i] < n_steps ? n_steps - first[i] : 0.0f) * plan.scale;
      break;
    }
    case Logit::kFinal:
      for (int i = 0; i < n; ++i) logits[i] = v[i] * plan.scale;
      break;
    case Logit::kMax: {
      const float* v_max = tile.floats(output.at.v_max);
      for (int i = 0; i < n; ++i) logits[i] = v_max[i] * plan.scale;
      break;
    }
    case Logit::kMean: {
      const float* sum = is_readout ? logits : tile.floats(output.at.v_sum);
      for (int i = 0; i < n; ++i) logits[i] = (sum[i] * plan.inverse_window) * plan.scale;
      break;
    }
  }
}

/// Losses of the samples of one tile. `logits` is scratch, (O, lanes), 64-byte aligned.
template <class Team>
void score_tile(const Team& team, const Tile& tile, const TrialArgs& args, int64_t first_sample,
                float* logits) {
  const PlanView& plan = *tile.plan;
  const PopulationView& output = plan.populations[plan.output];
  const bool is_sample_lanes = plan.layout == Layout::kSampleLanes;
  // the mean of a linear readout is the product of the summed traces
  if (output.model == Model::kReadout && plan.logit == Logit::kMean) {
    if (is_sample_lanes)
      read_out(team, tile, output, true, logits);
    else
      read_out_row(team, tile, output, plan.n_steps - 1, true, logits);
  }
  read_logits(tile, logits);
  const int n_lanes = tile.input->n_lanes, stride = is_sample_lanes ? kLanes : 1;
  if (args.logits)
    for (int l = 0; l < n_lanes; ++l)
      for (int c = 0; c < output.n; ++c)
        args.logits[(first_sample + l) * output.n + c] = logits[c * stride + l];
  if (!args.labels) return;
  const int32_t* labels = args.labels + first_sample;
  double losses[kLanes];
  int32_t is_correct[kLanes];
  if (is_sample_lanes) {
    int32_t lane_labels[kLanes];
    for (int l = 0; l < kLanes; ++l) lane_labels[l] = l < n_lanes ? labels[l] : 0;
    evaluate_logits<kLanes>(plan.loss, plan.margin, logits, output.n, lane_labels, losses,
                            is_correct);
  } else {
    evaluate_logits<1>(plan.loss, plan.margin, logits, output.n, labels, losses, is_correct);
  }
  for (int l = 0; l < n_lanes; ++l) {
    args.losses[first_sample + l] = losses[l];
    args.is_correct[first_sample + l] = static_cast<uint8_t>(is_correct[l]);
  }
}

template <class Team>
void run_tiles(const Team& team, const TrialArgs& args) {
  const PlanView& plan = *args.plan;
  int64_t first_sample = 0;
  for (int i = 0; i < args.n_tiles; ++i) {
    Tile tile{&plan,           args.shared ? args.shared : args.parameters,
              args.parameters, args.inputs + i,
              args.scratch,    args.tiles + i * args.tile_stride,
              args.not_finite, args.first_tile + i,
              args.t_begin};
    if (args.resets) reset_tile(plan, tile.memory);
    if (args.t_begin == args.t_end) {
      // nothing to step: the call is for the reset or for the scores
    } else if (plan.layout == Layout::kSampleLanes)
      run_window(team, tile, args.t_begin, args.t_end);
    else
      run_row_window(team, tile, args.t_begin, args.t_end);
    if (args.scores) score_tile(team, tile, args, first_sample, args.scratch->logits);
    first_sample += tile.input->n_lanes;
  }
}

}  // namespace spikelane::SPIKELANE_ISA
