// A batch cut into parts of consecutive samples, each with a gradient of its own: what one team
// works through, whichever machine it is on.
#pragma once

#include "kernels/core/isa.h"
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
