// KeRNL and e-prop while acting: traces advance with time, memory does not grow with it. Traces of
// all synapses are brought forward K steps at a time: within a block the three filters of a
// synapse,
//   fast  f(u) = k f(u-1) + a(u) z(u)
//   slow  s(u) = (rho - coupling h(u)) s(u-1) + h(u) f(u)
//   read  r(u) = kappa r(u-1) + e(u),   e(u) = c(u) f(u) + c'(u) s(u-1)
// are linear in (f, s, r) at its start and in the block's events, and the coefficients are the same
// for all presynaptic neurons. So the block is run backwards once for each neuron, for four sums:
// f, s and r at its end and the gradient sum_u q(u) r(u) + rate_error e(u) (the slow filter has a
// rate_error of its own). A row of traces is then read and written once in K steps, plus four
// additions for each event.
//
// Sums: (coefficient_f * f + coefficient_s * s) + coefficient_r * r, then the row's events, the
// latest first. Blocks start at multiples of K from the trial's start.
#pragma once

#include "kernels/step/kernl_trial.h"

namespace spikelane::SPIKELANE_ISA {

constexpr int kTraceSums = 4;  // f, s and r at the block's end, and the gradient

/// What one step of a neuron does to its filters.
template <class F>
struct TraceStep {
  F h, a, c, c_slow, k, kappa, slow_decay;
};

/// Coefficients of one sum on (f, s, r) at a block's start, while it is followed backwards.
template <class F>
struct TraceSum {
  F f, s, r;
};

/// One step backwards: `sum` holds the coefficients after step u and gets those before it; returns
/// what an event of step u adds. q and rates: the sum's own part, 0 but for the gradient.
template <class F>
SPIKELANE_INLINE F step_back(const TraceStep<F>& step, F q, F rate, F slow_rate, TraceSum<F>& sum) {
  const F read = sum.r + q;
  const F fast = (sum.f + sum.s * step.h) + step.c * (read + rate);
  sum.s = sum.s * step.slow_decay + step.c_slow * (read + slow_rate);
  sum.f = step.k * fast;
  sum.r = step.kappa * read;
  return step.a * fast;
}

/// Coefficients of 16 neurons from i on, and what each step's events add, into the scratch.
template <class Team>
SPIKELANE_HD void follow_block_back(const Team& team, const KernlOnlineArgs& args,
                                    const LearnedView& learned, const KernlOnlineRow& row, int i,
                                    int n_steps) {
  using F = typename Team::F;
  const KernlOnlineScratch& scratch = *args.online;
  const F zero = team.broadcast(0.0f), one = team.broadcast(1.0f);
  const int k_steps = args.k_steps;
  TraceSum<F> sums[kTraceSums];
  for (int x = 0; x < kTraceSums; ++x) sums[x] = {zero, zero, zero};
  sums[0].f = sums[1].s = sums[2].r = one;
  const bool is_trace = learned.place == DerivativePlace::kTrace;
  const F rate = team.load(learned.rate_error + i);
  const F slow_rate = team.load(learned.slow_rate_error + i);
  const int64_t at = int64_t{i} * (k_steps + 1) + kLanes;  // histories begin a step earlier
  const int64_t stride = int64_t{k_steps} * learned.n_padded;
  for (int u = n_steps - 1; u >= 0; --u) {
    TraceStep<F> step;
    step.h = team.load(row.h + at + int64_t{u} * kLanes);
    step.a = is_trace ? step.h : one;
    step.c = is_trace ? one : step.h;
    step.k = team.load(learned.decay + i);
    step.kappa = team.broadcast(args.rule->kappa);
    step.slow_decay = step.c_slow = zero;
    if (learned.has_slow) {
      step.slow_decay =
          team.load(learned.slow_decay + i) - team.load(learned.slow_coupling + i) * step.h;
      step.c_slow = team.load(learned.slow_gain + i) * step.h;
    } else {
      sums[0].s = sums[1].s = sums[2].s = sums[3].s = zero;
    }
    const F q = team.load(row.q + int64_t{i} * k_steps + int64_t{u} * kLanes);
    for (int x = 0; x < kTraceSums; ++x) {
      const bool is_gradient = x == kTraceSums - 1;
      const F event = step_back(step, is_gradient ? q : zero, is_gradient ? rate : zero,
                                is_gradient ? slow_rate : zero, sums[x]);
      team.store(scratch.events + x * stride + int64_t{u} * learned.n_padded + i, event);
    }
  }
  for (int x = 0; x < kTraceSums; ++x) {
    float* to = scratch.coefficients + int64_t{x} * 3 * learned.n_padded + i;
    team.store(to, sums[x].f);
    team.store(to + learned.n_padded, sums[x].s);
    team.store(to + 2 * learned.n_padded, sums[x].r);
  }
}

/// Brings one presynaptic neuron's traces to the block's end and adds its part of the gradient.
/// `events` are the steps of the block in which it fired, descending; where inputs are dense, those
/// in which it was not 0, with its `values`.
template <class Team>
SPIKELANE_HD void advance_row_traces(const Team& team, const KernlOnlineArgs& args,
                                     const LearnedView& learned, const KernlOnlineRow& row,
                                     int64_t at_row, const int32_t* events, const float* values,
                                     int n_events, float* gradient) {
  using F = typename Team::F;
  const KernlOnlineScratch& scratch = *args.online;
  const int64_t n_padded = learned.n_padded;
  const int64_t stride = args.k_steps * n_padded;
  for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step()) {
    const F f = team.load(row.fast + at_row + i);
    const F s = learned.has_slow ? team.load(row.slow + at_row + i) : team.broadcast(0.0f);
    const F r = team.load(row.read + at_row + i);
    F sums[kTraceSums];
    for (int x = 0; x < kTraceSums; ++x) {
      const float* coefficient = scratch.coefficients + x * 3 * n_padded + i;
      sums[x] = team.load(coefficient) * f;
      if (learned.has_slow && x > 0) sums[x] = fma(team.load(coefficient + n_padded), s, sums[x]);
      if (x > 1) sums[x] = fma(team.load(coefficient + 2 * n_padded), r, sums[x]);
    }
    for (int k = 0; k < n_events; ++k) {
      const float* event = scratch.events + events[k] * n_padded + i;
      if (values) {
        const F value = team.broadcast(values[k]);
        for (int x = 0; x < kTraceSums; ++x)
          sums[x] = fma(value, team.load(event + x * stride), sums[x]);
      } else {
        for (int x = 0; x < kTraceSums; ++x) sums[x] = sums[x] + team.load(event + x * stride);
      }
    }
    team.store(row.fast + at_row + i, without_tiny(sums[0]));
    if (learned.has_slow) team.store(row.slow + at_row + i, without_tiny(sums[1]));
    team.store(row.read + at_row + i, without_tiny(sums[2]));
    team.store(gradient + at_row + i, team.load(gradient + at_row + i) + sums[3]);
  }
}

/// The events of one projection in the block by presynaptic neuron: neuron j's steps, descending,
/// are steps[begin[j]] .. steps[begin[j+1] - 1].
SPIKELANE_HD inline void sort_events(const Tile& tile, const ProjectionView& projection,
                                     const KernlOnlineScratch& scratch, int t_begin, int n_steps) {
  for (int j = 0; j <= projection.n_pre; ++j) scratch.event_begin[j] = 0;
  auto units_at = [&](int u) -> UnitRange {
    const int t = t_begin + u;
    if (projection.source == kInputSource) return units_into(tile, projection, t);
    const HistoryView& history = tile.scratch->histories[projection.source];
    const int32_t* begin =
        history.step_begin + (projection.is_recurrent ? t - 1 : t) - history.first_step;
    return {history.units + begin[0], history.units + begin[1]};
  };
  for (int u = 0; u < n_steps; ++u) {
    const UnitRange fired = units_at(u);
    for (const int32_t* unit = fired.begin; unit != fired.end; ++unit)
      ++scratch.event_begin[*unit + 1];
  }
  for (int j = 0; j < projection.n_pre; ++j) scratch.event_begin[j + 1] += scratch.event_begin[j];
  // filled from the back of each neuron's part, steps ascending: so they end up descending
  for (int j = 0; j < projection.n_pre; ++j) scratch.event_next[j] = scratch.event_begin[j + 1];
  for (int u = 0; u < n_steps; ++u) {
    const UnitRange fired = units_at(u);
    for (const int32_t* unit = fired.begin; unit != fired.end; ++unit)
      scratch.event_steps[--scratch.event_next[*unit]] = u;
  }
}

/// The same of dense inputs: the steps in which an input was not 0, and what it was.
SPIKELANE_HD inline void sort_dense_events(const Tile& tile, const ProjectionView& projection,
                                           const KernlOnlineScratch& scratch, int t_begin,
                                           int n_steps) {
  int32_t n = 0;
  for (int j = 0; j < projection.n_pre; ++j) {
    scratch.event_begin[j] = n;
    for (int u = n_steps - 1; u >= 0; --u) {
      const float value = dense_input(tile, projection.n_pre, t_begin + u)[j];
      if (value == 0.0f) continue;
      scratch.event_steps[n] = u;
      scratch.event_values[n++] = value;
    }
  }
  scratch.event_begin[projection.n_pre] = n;
}

/// The end of a block of n_steps steps that began at t_begin: traces and gradient of one row.
template <class Team>
SPIKELANE_HD void finish_block(const Team& team, const Tile& tile, const KernlOnlineArgs& args,
                               const KernlOnlineRow* rows, int t_begin, int n_steps) {
  for (int l = 0; l < args.rule->n_learned; ++l) {
    const LearnedView& learned = args.rule->learned[l];
    const KernlOnlineRow& row = rows[l];
    // neurons of the population before lie elsewhere in the same scratch
    team.sync();
    for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step())
      follow_block_back(team, args, learned, row, i, n_steps);
    const PopulationView& population = tile.plan->populations[learned.population];
    for (int q = 0; q < population.n_projections; ++q) {
      const ProjectionView& projection = population.projections[q];
      const bool is_dense = projection.source == kInputSource && tile.input->dense;
      team.sync();
      if (team.is_leader()) {
        if (is_dense)
          sort_dense_events(tile, projection, *args.online, t_begin, n_steps);
        else
          sort_events(tile, projection, *args.online, t_begin, n_steps);
      }
      team.sync();
      for (int j = 0; j < projection.n_pre; ++j) {
        const int32_t begin = args.online->event_begin[j];
        advance_row_traces(team, args, learned, row,
                           projection.weight + int64_t{j} * projection.weight_stride,
                           args.online->event_steps + begin,
                           is_dense ? args.online->event_values + begin : nullptr,
                           args.online->event_begin[j + 1] - begin, args.gradient);
      }
    }
  }
}

/// The error of one step: from the loss of the readout's value at this step, or the caller's.
template <class Team>
SPIKELANE_HD void keep_error(const Team& team, const Tile& tile, const KernlOnlineArgs& args,
                             const KernlOnlineRow* rows, int sample, int t, int u) {
  const PlanView& plan = *tile.plan;
  const PopulationView& output = plan.populations[plan.output];
  const bool is_read = args.trial.labels && t >= plan.n_steps - args.rule->window;
  float* error = args.kernl->output_error;
  if (is_read) {
    float* logits = tile.scratch->logits;
    team.sync();
    read_out_row(team, tile, output, t, false, logits);
    team.sync();
    if (team.is_leader()) {
      for (int o = 0; o < output.n; ++o) logits[o] = logits[o] * plan.scale;
      loss_errors(plan.loss, logits, output.n, args.trial.labels[sample], error);
      for (int o = 0; o < output.n; ++o) error[o] = error[o] * args.rule->error_scale;
    }
    team.sync();
    if (args.rule->trains_readout) add_readout_gradient(team, tile, false, error, args.gradient);
  }
  for (int l = 0; l < args.rule->n_learned; ++l) {
    const LearnedView& learned = args.rule->learned[l];
    const KernlOnlineRow& row = rows[l];
    for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step()) {
      auto q = team.broadcast(0.0f);
      if (args.given_error) {
        q = team.load(args.given_error + int64_t{sample} * learned.n_padded + i);
      } else if (is_read) {
        for (int o = 0; o < output.n; ++o)
          q = fma(team.broadcast(error[o]),
                  team.load(learned.feedback + int64_t{o} * learned.n_padded + i), q);
      }
      team.store(row.q + int64_t{i} * args.k_steps + int64_t{u} * kLanes, q);
    }
  }
}

/// The readouts' error at step t, which has been run, from the caller; the block's end where it is
/// the block's last step.
template <class Team>
SPIKELANE_HD void learn_row(const Team& team, const Tile& tile, const KernlOnlineArgs& args,
                            const KernlOnlineRow* rows, int sample, int t, int t_block) {
  const PopulationView& output = tile.plan->populations[tile.plan->output];
  const float* error = args.output_error + int64_t{sample} * output.n_padded;
  if (args.rule->trains_readout) add_readout_gradient(team, tile, false, error, args.gradient);
  for (int l = 0; l < args.rule->n_learned; ++l) {
    const LearnedView& learned = args.rule->learned[l];
    for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step()) {
      auto q = team.broadcast(0.0f);
      for (int o = 0; o < output.n; ++o)
        q = fma(team.broadcast(error[o]),
                team.load(learned.feedback + int64_t{o} * learned.n_padded + i), q);
      team.store(rows[l].q + int64_t{i} * args.k_steps + int64_t{t - t_block} * kLanes, q);
    }
  }
  team.sync();
  if (t - t_block + 1 == args.k_steps) finish_block(team, tile, args, rows, t_block, args.k_steps);
}

/// Steps t_begin .. t_end-1 of args.trial's rows, within one block. Where the block ends there, or
/// the trial, traces and gradient follow.
template <class Team>
SPIKELANE_HD void run_kernl_online(const Team& team, const KernlOnlineArgs& args) {
  const PlanView& plan = *args.trial.plan;
  const int n_learned = args.rule->n_learned;
  const int t_block = args.trial.t_begin / args.k_steps * args.k_steps;
  for (int sample = 0; sample < args.trial.n_tiles; ++sample) {
    const KernlOnlineRow* rows = args.rows + int64_t{sample} * n_learned;
    ScratchView scratch = *args.trial.scratch;
    scratch.histories = args.histories + int64_t{sample} * plan.n_populations;
    const Tile tile{&plan,
                    args.trial.parameters,
                    args.trial.parameters,
                    args.trial.inputs + sample,
                    &scratch,
                    args.trial.tiles + sample * args.trial.tile_stride,
                    args.trial.not_finite,
                    args.trial.first_tile + sample,
                    args.trial.t_begin};
    if (args.output_error) {
      learn_row(team, tile, args, rows, sample, args.trial.t_begin, t_block);
      continue;
    }
    for (int p = 0; p < plan.n_populations; ++p) {
      if (!plan.populations[p].needs_list) continue;
      list_fired(team, tile, p);
      if (args.trial.t_begin != t_block) continue;
      // what the block's first step gets from the step before it
      HistoryView& history = scratch.histories[p];
      if (team.is_leader()) {
        history.first_step = t_block - 1;
        history.step_begin[0] = 0;
      }
      team.sync();
      keep_fired(team, tile, p, t_block - 1);
      team.sync();
    }
    for (int t = args.trial.t_begin; t < args.trial.t_end; ++t) {
      for (int p = 0; p < plan.n_populations; ++p) step_population_row(team, tile, p, t);
      keep_error(team, tile, args, rows, sample, t, t - t_block);
      team.sync();
    }
    const int n_steps = args.trial.t_end - t_block;
    const bool is_trial_end = args.trial.t_end == args.t_trial_end;
    if (!args.defers_error && (n_steps == args.k_steps || is_trial_end))
      finish_block(team, tile, args, rows, t_block, n_steps);
    for (int p = 0; (is_trial_end || args.defers_error) && p < plan.n_populations; ++p)
      finish_row(team, tile, p, args.trial.t_end - 1);
  }
}

}  // namespace spikelane::SPIKELANE_ISA
