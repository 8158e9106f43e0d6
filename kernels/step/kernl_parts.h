// A batch cut into parts of consecutive samples, each with a gradient of its own: what one team
// works through, whichever machine it is on.
#pragma once

#include "kernels/core/isa.h"
#include "kernels/step/kernl_regression_view.h"
#include "kernels/step/kernl_view.h"

namespace spikelane::SPIKELANE_ISA {

/// Samples begin .. end-1 of a batch. What belongs to a team or a part stays as it is: memory,
/// scratch, gradient, n_spikes and not_finite are the caller's business.
SPIKELANE_HD inline KernlTrialArgs part_of(KernlTrialArgs part, int begin, int end) {
  part.trial.inputs += begin;
  part.trial.n_tiles = end - begin;
  part.trial.first_tile += begin;
  if (part.trial.labels) part.trial.labels += begin;
  part.trial.losses += begin;
  part.trial.is_correct += begin;
  if (part.given_error)
    part.given_error += int64_t{begin} * part.trial.plan->n_steps * part.rule->learned[0].n_padded;
  return part;
}

/// Makes samples begin .. end-1 of a regression's batch `part`, likewise. In place: a device keeps
/// arrays of pointers in registers only while nothing is copied by number.
SPIKELANE_HD inline void take_part(RegressionArgs& part, int begin, int end) {
  const int64_t first_row = int64_t{begin} * part.rule->n_padded;
  part.trial.inputs += begin;
  part.trial.n_tiles = end - begin;
  part.trial.first_tile += begin;
  if (part.given_noise) part.given_noise += first_row * part.trial.plan->n_steps;
  part.rows.target += first_row;
  for (int f = 0; f < part.rule->n_filters; ++f) {
    part.rows.theta[f] += first_row;
    part.rows.Gamma[f] += first_row;
  }
  part.losses += begin;
}

/// Taps of a regression's true net, whose current a filtered copy takes, and of a copy that spikes,
/// to whose current the noise is added.
SPIKELANE_HD inline CurrentTap tap_of_net(const RegressionView& rule,
                                          const RegressionScratch& scratch) {
  return {rule.population, nullptr, rule.is_spiking_copy ? nullptr : scratch.current};
}
SPIKELANE_HD inline CurrentTap tap_of_copy(const RegressionView& rule,
                                           const RegressionScratch& scratch) {
  return {rule.population, scratch.drive, nullptr};
}

/// Floats of one part's sums: for each filter the rows of M, then one of g.
SPIKELANE_HD inline int64_t sum_stride(const RegressionView& rule) {
  return int64_t{rule.n_filters} * (rule.n + 1) * rule.n_padded;
}

/// Points to where they lie from `sums` on.
SPIKELANE_HD inline void point_sums(const RegressionView& rule, float* sums,
                                    RegressionSums& views) {
  for (int f = 0; f < rule.n_filters; ++f) {
    views.sensitivity[f] = sums + int64_t{f} * (rule.n + 1) * rule.n_padded;
    views.filter[f] = views.sensitivity[f] + int64_t{rule.n} * rule.n_padded;
  }
}

/// Rows begin .. end-1 of those that learn while they act, likewise.
SPIKELANE_HD inline KernlOnlineArgs part_of(KernlOnlineArgs part, int begin, int end) {
  const PlanView& plan = *part.trial.plan;
  part.trial.inputs += begin;
  part.trial.n_tiles = end - begin;
  part.trial.first_tile += begin;
  part.trial.tiles += begin * part.trial.tile_stride;
  if (part.trial.labels) part.trial.labels += begin;
  part.rows += int64_t{begin} * part.rule->n_learned;
  part.histories += int64_t{begin} * plan.n_populations;
  if (part.given_error) part.given_error += int64_t{begin} * part.rule->learned[0].n_padded;
  if (part.output_error)
    part.output_error += int64_t{begin} * plan.populations[plan.output].n_padded;
  return part;
}

}  // namespace spikelane::SPIKELANE_ISA
