// The weight gradient of KeRNL and e-prop by whole trials, in the adjoint form: weights are
// constant during a trial, so instead of carrying a trace for each synapse forwards, each neuron's
// filters run backwards over its error, and a presynaptic spike adds the filtered error of its step
// to its row.
//
//   for each sample:   trial with its history (h and spikes)  -> loss -> error of the outputs
//     for each learned population:
//       merge the events that reach it, step by step
//       for each 32 neurons:
//         for u = T-1 .. 0:   c = h*(l*signal(u) + r)
//                             A = c + h*slow;   slow = gain*c + (rho - coupling*h)*slow
//                             fast = k*fast + A;   row of each event at u += a*fast
//
// One accumulator per weight, samples ascending, within a sample u descending, events in the order
// of the projections and units: the order is part of the definition.
#pragma once

#include "kernels/step/kernl_view.h"
#include "kernels/step/trial.h"

namespace spikelane::SPIKELANE_ISA {

template <bool kValue>
struct Constant {
  static constexpr bool value = kValue;
};
using True = Constant<true>;
using False = Constant<false>;

/// d loss / d logit of one sample, float from double.
SPIKELANE_HD inline void loss_errors(Loss kind, const float* logits, int n, int32_t label,
                                     float* error) {
  if (kind == Loss::kMeanSquaredError) {
    for (int c = 0; c < n; ++c)
      error[c] =
          static_cast<float>(2.0 * (static_cast<double>(logits[c]) - (c == label ? 1.0 : 0.0)) / n);
    return;
  }
  double highest = logits[0], sum = 0.0;
  for (int c = 1; c < n; ++c) highest = logits[c] > highest ? logits[c] : highest;
  for (int c = 0; c < n; ++c) sum += own_exp(logits[c] - highest);
  for (int c = 0; c < n; ++c)
    error[c] = static_cast<float>(own_exp(logits[c] - highest) / sum - (c == label ? 1.0 : 0.0));
}

/// The readout's weights and biases: error times what they are multiplied with.
template <class Team>
SPIKELANE_HD void add_readout_gradient(const Team& team, const Tile& tile, bool of_sums,
                                       const float* output_error, float* gradient) {
  const PopulationView& output = tile.plan->populations[tile.plan->output];
  for (int i = team.vector_begin(); i < output.n; i += team.vector_step()) {
    const auto error = team.load(output_error + i);
    for (int q = 0; q < output.n_projections; ++q) {
      const ProjectionView& projection = output.projections[q];
      const TraceOffsets& at = tile.plan->traces[projection.single_trace].at;
      const float* z = tile.floats(of_sums ? at.z_sum : at.z);
      for (int j = 0; j < projection.n_pre; ++j) {
        float* row = gradient + projection.weight + int64_t{j} * projection.weight_stride + i;
        team.store(row, fma(team.broadcast(z[j]), error, team.load(row)));
      }
    }
    if (output.bias < 0) continue;
    const float* z = tile.floats(of_sums ? output.at.bias_trace_sum : output.at.bias_trace);
    float* bias = gradient + output.bias + i;
    team.store(bias, fma(team.load(z + i), error, team.load(bias)));
  }
}

/// The events of all projections to `learned`, merged: per step, in the projections' order.
template <class Team>
SPIKELANE_HD void merge_events(const Team& team, const Tile& tile, const LearnedView& learned,
                               const KernlScratch& kernl) {
  const PlanView& plan = *tile.plan;
  const PopulationView& target = plan.populations[learned.population];
  const bool is_seed =
      learned.place == DerivativePlace::kSeed || learned.place == DerivativePlace::kSeedPlain;
  int32_t n_plain = 0, n_filtered = 0;
  for (int t = 0; t < plan.n_steps; ++t) {
    if (team.is_leader()) {
      kernl.step_begin[0][t] = n_plain;
      kernl.step_begin[1][t] = n_filtered;
    }
    for (int q = 0; q < target.n_projections; ++q) {
      const ProjectionView& projection = target.projections[q];
      const bool is_filtered = projection.delta > 0.0f;
      // a projection without delays is one of 1 step where it is recurrent, else of none
      const int n_delays = projection.n_delays > 0 ? projection.n_delays : 1;
      int32_t n_heard = 0;
      int32_t* rows = is_filtered ? kernl.rows[1] + n_filtered : kernl.rows[0] + n_plain;
      for (int d = 0; d < n_delays; ++d) {
        const DelayView delay =
            projection.n_delays > 0 ? projection.delays[d] : DelayView{projection.is_recurrent, 0};
        const int t_sent = t - delay.steps + (projection.is_recurrent && is_seed ? 1 : 0);
        if (t_sent < 0) continue;
        UnitRange fired{nullptr, nullptr};
        if (projection.source == kInputSource) {
          fired = units_into(tile, projection, t_sent);
        } else {
          const HistoryView& history = tile.scratch->histories[projection.source];
          fired = {history.units + history.step_begin[t_sent],
                   history.units + history.step_begin[t_sent + 1]};
        }
        const int64_t weight =
            projection.weight + int64_t{delay.first_row} * projection.weight_stride;
        const auto n_fired = static_cast<int32_t>(fired.end - fired.begin);
        for (int32_t k = team.worker(); k < n_fired; k += team.n_workers())
          rows[n_heard + k] =
              static_cast<int32_t>(weight) + fired.begin[k] * projection.weight_stride;
        n_heard += n_fired;
      }
      if (is_filtered)
        n_filtered += n_heard;
      else
        n_plain += n_heard;
    }
  }
  if (team.is_leader()) {
    kernl.step_begin[0][plan.n_steps] = n_plain;
    kernl.step_begin[1][plan.n_steps] = n_filtered;
  }
  team.sync();
}

/// signals[i] += sum over k of matrix[k][i] * error[k], k ascending; silent k are skipped.
template <class Team>
SPIKELANE_HD void spread_error(const Team& team, const LearnedView& learned, const float* matrix,
                               const float* error, const int32_t* nonzero, int n_nonzero,
                               float* signals, int64_t stride) {
  for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step()) {
    auto sum = team.broadcast(0.0f);
    if constexpr (Team::kListsNonzero) {
      for (int k = 0; k < n_nonzero; ++k)
        sum = fma(team.broadcast(error[nonzero[k]]),
                  team.load(matrix + int64_t{nonzero[k]} * learned.n_padded + i), sum);
    } else {
      for (int k = 0; k < learned.n; ++k)
        if (error[k] != 0.0f)
          sum = fma(team.broadcast(error[k]), team.load(matrix + int64_t{k} * learned.n_padded + i),
                    sum);
    }
    team.store(signals + i / kLanes * stride, sum);
  }
}

/// L and L' of every step into `signals`: where a sensitivity tensor mixes neurons, or the error
/// comes step by step.
template <class Team>
SPIKELANE_HD void make_signals(const Team& team, const Tile& tile, const KernlTrialArgs& args,
                               const LearnedView& learned, const float* given_error) {
  const KernlView& rule = *args.rule;
  const KernlScratch& kernl = *args.kernl;
  const int n_steps = tile.plan->n_steps;
  const HistoryView& history = tile.scratch->histories[learned.population];
  const bool has_h =
      learned.place == DerivativePlace::kError || learned.place == DerivativePlace::kSeed;
  const int64_t stride = int64_t{history.window} * kLanes;
  // the error before h: filtered backwards where it comes step by step
  float* filtered = kernl.source;
  if (given_error)
    for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step())
      team.store(filtered + i, team.broadcast(0.0f));
  // the error of step u behind h, and who has any; returns their number
  auto keep_error_of = [&](int u, const float* rate_error) {
    int n_nonzero = 0;
    for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step()) {
      auto error = team.load(filtered + i);
      if (!given_error) error = error * team.broadcast(rule.signal[u]) + team.load(rate_error + i);
      if (has_h) error = team.load(history.h + i / kLanes * stride + int64_t{u} * kLanes) * error;
      team.store(kernl.error + i, error);
      if constexpr (Team::kListsNonzero) {
        const int n_left = learned.n - i;
        const uint32_t is_real = n_left >= kLanes ? 0xffffu
                                 : n_left <= 0    ? 0u
                                                  : (1u << n_left) - 1u;
        n_nonzero += team.list(kernl.nonzero + n_nonzero,
                               team.bits(error != team.broadcast(0.0f)) & is_real, i);
      }
    }
    return n_nonzero;
  };
  for (int u = n_steps - 1; u >= 0; --u) {
    for (int i = team.vector_begin(); given_error && i < learned.n_padded;
         i += team.vector_step()) {
      auto error = team.broadcast(rule.kappa) * team.load(filtered + i) +
                   team.load(given_error + int64_t{u} * learned.n_padded + i);
      if (u % kFlushPeriod == 0) error = without_tiny(error);
      team.store(filtered + i, error);
    }
    int n_nonzero = keep_error_of(u, learned.rate_error);
    team.sync();
    float* fast = kernl.signals[0] + int64_t{u} * kLanes;
    if (learned.sensitivity)
      spread_error(team, learned, learned.sensitivity, kernl.error, kernl.nonzero, n_nonzero, fast,
                   stride);
    else
      for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step())
        team.store(fast + i / kLanes * stride, team.load(kernl.error + i));
    if (!learned.has_slow) {
      team.sync();
      continue;
    }
    if (!given_error && learned.slow_rate_error != learned.rate_error) {
      team.sync();
      n_nonzero = keep_error_of(u, learned.slow_rate_error);
      team.sync();
    }
    float* slow = kernl.signals[1] + int64_t{u} * kLanes;
    if (learned.slow_sensitivity)
      spread_error(team, learned, learned.slow_sensitivity, kernl.error, kernl.nonzero, n_nonzero,
                   slow, stride);
    else
      for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step())
        team.store(slow + i / kLanes * stride,
                   team.load(learned.slow_gain + i) * team.load(kernl.error + i));
    team.sync();
  }
}

// groups of 16 neurons of a backward sweep; of workers with one lane one, so that indices keep
// theirs
template <class Team>
constexpr int kSweepBlock = Team::kWidth == 1 ? 1 : 2;

/// The backward sweep of kSweepBlock groups of 16 neurons from i on: state in registers, their
/// columns of the gradient in L1. kHasSignals: L and L' were made by make_signals.
template <bool kHasSlow, bool kHasSignals, bool kHasTrace, class Team>
SPIKELANE_HD void sweep_back(const Team& team, const Tile& tile, const KernlTrialArgs& args,
                             const LearnedView& learned, int i) {
  using F = typename Team::F;
  constexpr int kBlock = kSweepBlock<Team>;
  const KernlScratch& kernl = *args.kernl;
  const HistoryView& history = tile.scratch->histories[learned.population];
  const int64_t stride = int64_t{history.window} * kLanes;
  const int64_t at = i / kLanes * stride;
  const bool has_h =
      learned.place == DerivativePlace::kError || learned.place == DerivativePlace::kSeed;
  // a of the fast trace: none, h, or the population's own S
  const float* a = learned.place == DerivativePlace::kError   ? nullptr
                   : learned.place == DerivativePlace::kTrace ? history.h
                                                              : history.s;
  F fast[kBlock], slow[kBlock], filtered[kBlock];
  for (int k = 0; k < kBlock; ++k) fast[k] = slow[k] = filtered[k] = team.broadcast(0.0f);
  float* columns = args.gradient + i;
  auto add = [&](int list, int u, const F* row) {
    const int32_t* event = kernl.rows[list] + kernl.step_begin[list][u];
    const int32_t* end = kernl.rows[list] + kernl.step_begin[list][u + 1];
    for (; event != end; ++event)
      for (int k = 0; k < kBlock; ++k) {
        float* to = columns + *event + k * kLanes;
        team.store(to, team.load(to) + row[k]);
      }
  };
  for (int u = tile.plan->n_steps - 1; u >= 0; --u) {
    F row[kBlock];
    const bool clears = u % kFlushPeriod == 0;
    for (int k = 0; k < kBlock; ++k) {
      const int i_group = i + k * kLanes;
      const int64_t at_step = at + k * stride + int64_t{u} * kLanes;
      F h = team.broadcast(1.0f), c, c_slow = team.broadcast(0.0f);
      if (kHasSlow || (!kHasSignals && has_h)) h = team.load(history.h + at_step);
      if constexpr (kHasSignals) {
        c = team.load(kernl.signals[0] + at_step);
      } else {
        const F error = team.load(kernl.source + i_group) * team.broadcast(args.rule->signal[u]);
        c = error + team.load(learned.rate_error + i_group);
        if (kHasSlow) c_slow = error + team.load(learned.slow_rate_error + i_group);
        if (has_h) {
          c = h * c;
          c_slow = h * c_slow;
        }
        c_slow = team.load(learned.slow_gain + i_group) * c_slow;
      }
      F filtered_error = c;
      if constexpr (kHasSlow) {
        if (kHasSignals) c_slow = team.load(kernl.signals[1] + at_step);
        filtered_error = c + h * slow[k];
        slow[k] = c_slow + (team.load(learned.slow_decay + i_group) -
                            team.load(learned.slow_coupling + i_group) * h) *
                               slow[k];
      }
      fast[k] = team.load(learned.decay + i_group) * fast[k] + filtered_error;
      if (clears) {
        fast[k] = without_tiny(fast[k]);
        slow[k] = without_tiny(slow[k]);
      }
      row[k] = a ? team.load(a + at_step) * fast[k] : fast[k];
    }
    add(0, u, row);
    if constexpr (kHasTrace) {
      for (int k = 0; k < kBlock; ++k) {
        filtered[k] = team.broadcast(learned.delta) * filtered[k] + row[k];
        if (clears) filtered[k] = without_tiny(filtered[k]);
      }
      add(1, u, filtered);
    }
  }
}

template <class Team>
SPIKELANE_HD void add_hidden_gradient(const Team& team, const Tile& tile,
                                      const KernlTrialArgs& args, const LearnedView& learned,
                                      const float* given_error) {
  merge_events(team, tile, learned, *args.kernl);
  const PlanView& plan = *tile.plan;
  const PopulationView& output = plan.populations[plan.output];
  if (!given_error)
    for (int i = team.vector_begin(); i < learned.n_padded; i += team.vector_step()) {
      auto sum = team.broadcast(0.0f);
      for (int o = 0; o < output.n; ++o)
        sum = fma(team.broadcast(args.kernl->output_error[o]),
                  team.load(learned.feedback + int64_t{o} * learned.n_padded + i), sum);
      team.store(args.kernl->source + i, sum);
    }
  const bool has_signals = given_error || learned.sensitivity || learned.slow_sensitivity;
  if (has_signals) make_signals(team, tile, args, learned, given_error);
  const bool has_trace = args.kernl->step_begin[1][plan.n_steps] > 0;
  constexpr int kBlock = kSweepBlock<Team>;
  for (int i = kBlock * team.vector_begin(); i < learned.n_padded;
       i += kBlock * team.vector_step()) {
    auto sweep = [&](auto slow, auto signals, auto trace) {
      sweep_back<decltype(slow)::value, decltype(signals)::value, decltype(trace)::value>(
          team, tile, args, learned, i);
    };
    auto with_slow = [&](auto signals, auto trace) {
      if (learned.has_slow)
        sweep(True{}, signals, trace);
      else
        sweep(False{}, signals, trace);
    };
    auto with_signals = [&](auto trace) {
      if (has_signals)
        with_slow(True{}, trace);
      else
        with_slow(False{}, trace);
    };
    if (has_trace)
      with_signals(True{});
    else
      with_signals(False{});
  }
}

/// Trials of args.trial's samples, one after the other, each with its gradient.
template <class Team>
SPIKELANE_HD void run_kernl_trials(const Team& team, const KernlTrialArgs& args) {
  const TrialArgs& trial = args.trial;
  const PlanView& plan = *trial.plan;
  const PopulationView& output = plan.populations[plan.output];
  SPIKELANE_ROLLED
  for (int sample = 0; sample < trial.n_tiles; ++sample) {
    for (int p = 0; p < plan.n_populations; ++p)
      if (is_spiking(plan.populations[p].model) && team.is_leader())
        trial.scratch->histories[p].step_begin[0] = 0;
    run_tile<Layout::kNeuronLanes>(team, trial, sample, sample);
    team.sync();
    const Tile tile{&plan,         trial.parameters, trial.parameters, trial.inputs + sample,
                    trial.scratch, trial.tiles,      trial.not_finite, trial.first_tile + sample,
                    trial.t_begin};
    if (trial.labels) {
      float* error = args.kernl->output_error;
      if (team.is_leader()) {
        loss_errors(plan.loss, trial.scratch->logits, output.n, trial.labels[sample], error);
        for (int o = 0; o < output.n; ++o) error[o] = error[o] * args.rule->error_scale;
      }
      team.sync();
      if (args.rule->trains_readout)
        add_readout_gradient(team, tile, args.rule->reads_sums, error, args.gradient);
    }
    int32_t* n_spikes = args.n_spikes;
    for (int l = 0; l < args.rule->n_learned; ++l) {
      const LearnedView& learned = args.rule->learned[l];
      const HistoryView& history = trial.scratch->histories[learned.population];
      for (int32_t k = team.worker(); k < history.step_begin[plan.n_steps]; k += team.n_workers())
        team.count(n_spikes + history.units[k]);
      n_spikes += learned.n;
      const float* given =
          args.given_error ? args.given_error + int64_t{sample} * plan.n_steps * learned.n_padded
                           : nullptr;
      add_hidden_gradient(team, tile, args, learned, given);
      team.sync();
    }
  }
}

}  // namespace spikelane::SPIKELANE_ISA
