// Whole trials and windows of them, tile after tile: reset, window, logits, losses.
#pragma once

#include "kernels/step/loss.h"
#include "kernels/step/neuron_lanes.h"
#include "kernels/step/record.h"
#include "kernels/step/sample_lanes.h"

namespace spikelane::SPIKELANE_ISA {

/// A tile as it is before its first step.
template <class Team>
SPIKELANE_HD void reset_tile(const Team& team, const PlanView& plan, char* memory) {
  const int n_lanes = plan.layout == Layout::kSampleLanes ? kLanes : 1;
  auto* words = reinterpret_cast<uint64_t*>(memory);
  SPIKELANE_ROLLED
  for (int64_t i = team.worker(); i < plan.tile_bytes / 8; i += team.n_workers()) words[i] = 0;
  team.sync();
  for (int p = 0; p < plan.n_populations; ++p) {
    const PopulationView& population = plan.populations[p];
    const int64_t n = int64_t{population.n_padded} * n_lanes;
#define SPIKELANE_RESET(name, kind, kept_by, at_reset, unit, meaning)                      \
  if (FieldKind::kind == FieldKind::kFloat && at_reset != 0.0f && population.at.name >= 0) \
    SPIKELANE_ROLLED                                                                       \
  for (int64_t i = team.worker(); i < n; i += team.n_workers())                            \
    reinterpret_cast<float*>(memory + population.at.name)[i] = at_reset;
    SPIKELANE_POPULATION_FIELDS(SPIKELANE_RESET)
#undef SPIKELANE_RESET
  }
  team.sync();
}

/// The output population's logits, times the loss's scale: (n, lanes).
template <class Team>
SPIKELANE_HD void read_logits(const Team& team, const Tile& tile, float* logits) {
  const PlanView& plan = *tile.plan;
  const PopulationView& output = plan.populations[plan.output];
  const int n_lanes = plan.layout == Layout::kSampleLanes ? kLanes : 1;
  const int n = output.n * n_lanes;
  const bool is_readout = output.model == Model::kReadout;
  const float* v = tile.floats(output.at.v);
  switch (plan.logit) {
    case Logit::kCounts: {
      const float* n_spikes = tile.floats(output.at.n_spikes);
      SPIKELANE_ROLLED
      for (int i = team.worker(); i < n; i += team.n_workers())
        logits[i] = n_spikes[i] * plan.scale;
      break;
    }
    case Logit::kFirstSpike: {
      // the earlier, the larger: T - t, and 0 for who never fired
      const float* first = tile.floats(output.at.first_spike);
      const float n_steps = static_cast<float>(plan.n_steps);
      SPIKELANE_ROLLED
      for (int i = team.worker(); i < n; i += team.n_workers())
        logits[i] = (first[i] < n_steps ? n_steps - first[i] : 0.0f) * plan.scale;
      break;
    }
    case Logit::kFinal:
      SPIKELANE_ROLLED
      for (int i = team.worker(); i < n; i += team.n_workers()) logits[i] = v[i] * plan.scale;
      break;
    case Logit::kMax: {
      const float* v_max = tile.floats(output.at.v_max);
      SPIKELANE_ROLLED
      for (int i = team.worker(); i < n; i += team.n_workers()) logits[i] = v_max[i] * plan.scale;
      break;
    }
    case Logit::kMean: {
      const float* sum = is_readout ? logits : tile.floats(output.at.v_sum);
      SPIKELANE_ROLLED
      for (int i = team.worker(); i < n; i += team.n_workers())
        logits[i] = (sum[i] * plan.inverse_window) * plan.scale;
      break;
    }
  }
}

/// Losses of the samples of one tile. `logits` is scratch, (O, lanes), 64-byte aligned.
template <Layout kLayout, class Team>
SPIKELANE_HD void score_tile(const Team& team, const Tile& tile, const TrialArgs& args,
                             int64_t first_sample, float* logits) {
  const PlanView& plan = *tile.plan;
  const PopulationView& output = plan.populations[plan.output];
  constexpr bool is_sample_lanes = kLayout == Layout::kSampleLanes;
  // the mean of a linear readout is the product of the summed traces
  team.sync();
  if (output.model == Model::kReadout && plan.logit == Logit::kMean) {
    if constexpr (is_sample_lanes)
      read_out(team, tile, output, true, logits);
    else
      read_out_row(team, tile, output, plan.n_steps - 1, true, logits);
  }
  read_logits(team, tile, logits);
  team.sync();
  const int n_lanes = is_sample_lanes ? tile.input->n_lanes : 1;
  const int stride = is_sample_lanes ? kLanes : 1;
  if (args.logits)
    for (int l = 0; l < n_lanes; ++l)
      for (int c = team.worker(); c < output.n; c += team.n_workers())
        args.logits[(first_sample + l) * output.n + c] = logits[c * stride + l];
  if (!args.labels) return;
  const int32_t* labels = args.labels + first_sample;
  if constexpr (Team::kWidth == 1) {
    // each worker scores the sample of its lane
    const int l = team.worker();
    if (l >= n_lanes) return;
    double loss;
    int32_t correct;
    if constexpr (is_sample_lanes)
      evaluate_logits<1, kLanes>(plan.loss, plan.margin, logits + l, output.n, labels + l, &loss,
                                 &correct);
    else
      evaluate_logits<1>(plan.loss, plan.margin, logits, output.n, labels, &loss, &correct);
    args.losses[first_sample + l] = loss;
    args.is_correct[first_sample + l] = static_cast<uint8_t>(correct);
    return;
  }
  double losses[kLanes];
  int32_t is_correct[kLanes];
  if constexpr (is_sample_lanes) {
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

/// Tile i of the arguments, whose samples begin at first_sample; returns how many they are.
/// `kMayRecord` false: the arguments have no record.
template <Layout kLayout, bool kMayRecord = true, class Team>
SPIKELANE_HD int run_tile(const Team& team, const TrialArgs& args, int i, int64_t first_sample) {
  const PlanView& plan = *args.plan;
  Tile tile{&plan,           args.shared ? args.shared : args.parameters,
            args.parameters, args.inputs + i,
            args.scratch,    args.tiles + i * args.tile_stride,
            args.not_finite, args.first_tile + i,
            args.t_begin};
  if (args.resets) reset_tile(team, plan, tile.memory);
  // a record is of the state after each step: then a window is one step. Without steps the call is
  // for the reset or for the scores
  const bool records = kMayRecord && args.record;
  const int n_at_once = records ? 1 : args.t_end - args.t_begin;
  for (int t = args.t_begin; t < args.t_end; t += n_at_once) {
    if constexpr (kLayout == Layout::kSampleLanes)
      run_window(team, tile, t, t + n_at_once);
    else
      run_row_window(team, tile, t, t + n_at_once);
    if (!records) break;
    record_step<kLayout>(team, tile, args, first_sample, t);
  }
  if (args.scores) score_tile<kLayout>(team, tile, args, first_sample, args.scratch->logits);
  return tile.input->n_lanes;
}

template <Layout kLayout, class Team>
SPIKELANE_HD void run_tiles_of(const Team& team, const TrialArgs& args) {
  int64_t first_sample = 0;
  for (int i = 0; i < args.n_tiles; ++i) {
    first_sample += run_tile<kLayout>(team, args, i, first_sample);
    team.sync();
  }
}

template <class Team>
SPIKELANE_HD void run_tiles(const Team& team, const TrialArgs& args) {
  if (args.plan->layout == Layout::kSampleLanes)
    run_tiles_of<Layout::kSampleLanes>(team, args);
  else
    run_tiles_of<Layout::kNeuronLanes>(team, args);
}

}  // namespace spikelane::SPIKELANE_ISA
