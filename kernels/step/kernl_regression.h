// KeRNL's regression by whole trials: the true net and its noisy copy, 16 steps at a time, in
// neuron lanes, by whatever team. kernl_regression_view.h has the equations and the orders of
// summation.
//
//   for each 16 steps:  noise -> Theta, Gamma -> P(noise) -> true net -> copy (-> scores)
//
// A filtered copy is driven by the true net's spikes, so its neurons do not see each other: 32 of
// them run through the 16 steps with their state in registers. A spiking copy is a whole net of its
// own.
#pragma once

#include "kernels/core/random.h"
#include "kernels/step/kernl_regression_view.h"
#include "kernels/step/row_product.h"
#include "kernels/step/trial.h"

namespace spikelane::SPIKELANE_ISA {

struct ScaledNoise {
  float scale;
  template <class F>
  SPIKELANE_INLINE F at(int64_t, F value) const {
    return F(scale) * value;
  }
};

/// The random numbers of one step of a sample: c1 = step, c2 = update, the slot its number in the
/// batch.
SPIKELANE_HD inline RandomKey noise_key(const RegressionArgs& args, int sample, int t) {
  return {args.rule->seed, static_cast<uint32_t>(t), args.update, Stream::kPerturbation,
          static_cast<uint32_t>(args.trial.first_tile + sample)};
}

/// +-noise_std: neuron i of step t has bit i of the key's words, i % 32 of word i / 32. 16 steps,
/// one a lane, are drawn at a time.
template <class Team>
SPIKELANE_HD void draw_signs(const Team& team, const RegressionArgs& args, int sample, int t_begin,
                             int n_steps) {
  const RegressionView& rule = *args.rule;
  const RegressionScratch& scratch = *args.scratch;
  const RandomKey key = noise_key(args, sample, 0);
  const uint32_t purpose = static_cast<uint32_t>(key.stream) << 24 | key.member;
  using Int = IntOf<typename Team::F>;
  const Int steps = Int(static_cast<uint32_t>(t_begin)) + team.lane_numbers();
  const int n_words = (rule.n + 31) / 32;
  // a block of four words is a vector of steps
  for (int w = team.vector_begin() / kLanes * 4; w < n_words;
       w += team.vector_step() / kLanes * 4) {
    const PhiloxWords<Int> block =
        philox4(Int(static_cast<uint32_t>(w / 4)), steps, Int(key.update), Int(purpose), key.seed);
    uint32_t* words = scratch.words + w * kNoiseSteps;
    team.store_words(words, block.w0);
    if (w + 1 < n_words) team.store_words(words + kNoiseSteps, block.w1);
    if (w + 2 < n_words) team.store_words(words + 2 * kNoiseSteps, block.w2);
    if (w + 3 < n_words) team.store_words(words + 3 * kNoiseSteps, block.w3);
  }
  team.sync();
  const auto plus = team.broadcast(rule.noise_std), minus = team.broadcast(-rule.noise_std);
  for (int s = 0; s < n_steps; ++s)
    for (int i = team.vector_begin(); i < rule.n; i += team.vector_step()) {
      const uint32_t word = scratch.words[i / 32 * kNoiseSteps + s];
      const uint32_t bits = (word >> i % 32) & 0xffffu;
      const int n_left = rule.n - i;
      const uint32_t is_real = n_left >= kLanes ? 0xffffu : (1u << n_left) - 1u;
      team.store(
          scratch.psi + int64_t{s} * rule.n_padded + i,
          select(team.mask(is_real), select(team.mask(bits), plus, minus), team.broadcast(0.0f)));
    }
}

/// Normals of neurons `first` .. n - 1, 16 steps side by side: a step alone would fill few lanes.
/// `first` is a multiple of 4. Lanes are steps, and steps that are not wanted get some too.
template <class Team>
SPIKELANE_HD void draw_last_normals(const Team& team, const RegressionArgs& args, int sample,
                                    int t_begin, int first) {
  const RegressionView& rule = *args.rule;
  const RandomKey key = noise_key(args, sample, 0);
  const uint32_t purpose = static_cast<uint32_t>(key.stream) << 24 | key.member;
  using F = typename Team::F;
  using Int = IntOf<F>;
  const Int steps = Int(static_cast<uint32_t>(t_begin)) + team.lane_numbers();
  const auto scale = team.broadcast(rule.noise_std);
  for (int i = first + team.vector_begin() / kLanes * 4; i < rule.n;
       i += team.vector_step() / kLanes * 4) {
    const PhiloxWords<Int> block =
        philox4(Int(static_cast<uint32_t>(i / 4)), steps, Int(key.update), Int(purpose), key.seed);
    F v[4];
    normal_pair(block.w0, block.w1, v[0], v[1]);
    normal_pair(block.w2, block.w3, v[2], v[3]);
    // rows past n_steps get what nobody reads
    for (int k = 0; k < 4; ++k)
      if (i + k < rule.n) team.scatter_all(args.scratch->psi + i + k, rule.n_padded, scale * v[k]);
  }
}

#if !defined(__CUDACC__)
/// Normals of neurons 0 .. n - 1, each step by itself: the CPU's form for whole batches.
template <class Team>
void draw_normals_along(const Team&, const RegressionArgs& args, int sample, int t_begin,
                        int n_steps, int n) {
  for (int s = 0; s < n_steps; ++s)
    draw_batches<NormalBatch>(args.scratch->psi + int64_t{s} * args.rule->n_padded, 0, n,
                              noise_key(args, sample, t_begin + s),
                              ScaledNoise{args.rule->noise_std});
}
#endif

/// psi of steps t_begin .. t_begin + n_steps - 1; +0 in the padding. All see it afterwards.
template <class Team>
SPIKELANE_HD void make_noise(const Team& team, const RegressionArgs& args, int sample, int t_begin,
                             int n_steps) {
  const RegressionView& rule = *args.rule;
  if (args.given_noise) {
    const float* given =
        args.given_noise + (int64_t{sample} * args.trial.plan->n_steps + t_begin) * rule.n_padded;
    for (int s = 0; s < n_steps; ++s)
      for (int i = team.vector_begin(); i < rule.n_padded; i += team.vector_step())
        team.store(args.scratch->psi + int64_t{s} * rule.n_padded + i,
                   team.load_all(given + int64_t{s} * rule.n_padded + i));
  } else if (rule.is_sign_noise) {
    draw_signs(team, args, sample, t_begin, n_steps);
  } else if constexpr (Team::kWidth == 1) {
    draw_last_normals(team, args, sample, t_begin, 0);
  } else {
    constexpr int kBatch = 64, kMostSideBySide = 48;  // of random_bulk.h; beyond, a batch is filled
    const int n_left = rule.n % kBatch;
    const bool is_side_by_side = n_left > 0 && n_left <= kMostSideBySide;
    const int n_along = is_side_by_side ? rule.n - n_left : rule.n;
    if (is_side_by_side) draw_last_normals(team, args, sample, t_begin, n_along);
    draw_normals_along(team, args, sample, t_begin, n_steps, n_along);
  }
  team.sync();
}

/// Theta and Gamma of one filter over a block. Where every step is scored each row is kept, and the
/// last one is where the next block begins.
template <bool kKeepsRows, class Team>
SPIKELANE_HD void filter_noise(const Team& team, const RegressionView& rule, const float* decay,
                               const float* psi, int n_steps, bool clears, float* theta,
                               float* gamma) {
  for (int i = team.vector_begin(); i < rule.n; i += team.vector_step()) {
    const auto k = team.load(decay + i);
    auto th = team.load(theta + i), ga = team.load(gamma + i);
    for (int s = 0; s < n_steps; ++s) {
      const int64_t at = int64_t{s} * rule.n_padded + i;
      ga = k * (ga - th);
      th = k * th + team.load(psi + at);
      if constexpr (kKeepsRows) {
        // row 0 is both the start and the first step's; the start is in registers by now
        if (clears && s == n_steps - 1) {
          th = without_tiny(th);
          ga = without_tiny(ga);
        }
        team.store(theta + at, th);
        team.store(gamma + at, ga);
      }
    }
    if constexpr (!kKeepsRows) {
      team.store(theta + i, clears ? without_tiny(th) : th);
      team.store(gamma + i, clears ? without_tiny(ga) : ga);
    }
  }
}

/// kBlock groups of 16 neurons of a filtered copy from i on, over n_steps steps from `first` of the
/// block on.
template <int kBlock, bool kIsScored, class Team>
SPIKELANE_INLINE void step_copy(const Team& team, const PopulationView& population,
                                const RegressionScratch& scratch, int i, int first, int n_steps,
                                bool clears) {
  using F = typename Team::F;
  const AlifView& alif = population.alif;
  AlifConstants<F> constants[kBlock];
  AlifState<F> x[kBlock];
  const int64_t n_padded = population.n_padded;
  for (int k = 0; k < kBlock; ++k) {
    const NeuronPlace place{i + k * kLanes};
    constants[k] = {place.constant(team, population.beta),
                    place.constant(team, alif.input_gain),
                    place.constant(team, population.threshold),
                    place.constant(team, alif.adaptation),
                    place.constant(team, alif.rho),
                    place.constant(team, alif.b_gain),
                    place.constant(team, alif.v_reset),
                    place.constant(team, alif.t_refractory)};
    const float* state = scratch.copy_state + place.i;
    x[k].v = team.load(state);
    x[k].b = team.load(state + n_padded);
    x[k].refractory = team.load(state + 2 * n_padded);
  }
  const bool subtracts = alif.subtracts != 0;
  for (int s = first; s < first + n_steps; ++s)
    for (int k = 0; k < kBlock; ++k) {
      const int64_t at = int64_t{s} * n_padded + i + k * kLanes;
      step_alif(constants[k], subtracts,
                team.load(scratch.current + at) + team.load(scratch.drive + at), x[k]);
      if (clears && s == first + n_steps - 1) {
        x[k].v = without_tiny(x[k].v);
        x[k].b = without_tiny(x[k].b);
      }
      if constexpr (kIsScored) {
        team.store(scratch.v_copy + at, x[k].v);
        team.store(scratch.threshold_copy + at, x[k].threshold);
      }
    }
  for (int k = 0; k < kBlock; ++k) {
    float* state = scratch.copy_state + i + k * kLanes;
    team.store(state, x[k].v);
    team.store(state + n_padded, x[k].b);
    team.store(state + 2 * n_padded, x[k].refractory);
  }
}

/// The scored steps of a block are those from `first_scored` on.
template <class Team>
SPIKELANE_HD void step_copies(const Team& team, const PopulationView& population,
                              const RegressionScratch& scratch, int n_steps, int first_scored,
                              bool clears) {
  constexpr int kBlock = Team::kWidth == 1 ? 1 : 2;
  for (int i = team.vector_begin(); i < population.n_padded; i += kBlock * team.vector_step()) {
    if (first_scored > 0)
      step_copy<kBlock, false>(team, population, scratch, i, 0, first_scored,
                               clears && first_scored == n_steps);
    if (first_scored < n_steps)
      step_copy<kBlock, true>(team, population, scratch, i, first_scored, n_steps - first_scored,
                              clears);
  }
}

/// All spiking populations of one net, one step; v and the b before the step go where scored.
template <class Team>
SPIKELANE_HD void step_net(const Team& team, const Tile& tile, int p, int t, float* v, float* b) {
  const PlanView& plan = *tile.plan;
  const PopulationView& population = plan.populations[p];
  const int begin = team.vector_begin(), step = team.vector_step();
  for (int i = begin; b && i < population.n_padded; i += step)
    team.store(b + i, population.at.b >= 0 ? team.load(tile.floats(population.at.b) + i)
                                           : team.broadcast(0.0f));
  for (int q = 0; q < plan.n_populations; ++q)
    if (is_spiking(plan.populations[q].model)) step_population_row(team, tile, q, t);
  for (int i = begin; v && i < population.n_padded; i += step)
    team.store(v + i, team.load(tile.floats(population.at.v) + i));
}

/// target = v^ - v, or (v^ - B^) - (v - B), of one scored step.
template <class Team>
SPIKELANE_HD void make_target(const Team& team, const PopulationView& population,
                              const RegressionView& rule, const RegressionScratch& scratch,
                              int step, float* target) {
  for (int i = team.vector_begin(); i < rule.n; i += team.vector_step()) {
    const int64_t at = int64_t{step} * rule.n_padded + i;
    auto v = team.load(scratch.v + at), v_copy = team.load(scratch.v_copy + at);
    if (rule.is_distance) {
      const auto b0 = team.load(population.threshold + i);
      v = v - (b0 + team.load(population.alif.adaptation + i) * team.load(scratch.b + at));
      v_copy = v_copy - team.load(scratch.threshold_copy + at);
    }
    team.store(target + i, v_copy - v);
  }
}

/// The squares of up to 32 values in double, halved 16, 8, 4, 2, 1.
SPIKELANE_HD inline double sum_of_squares(const float* values, int n) {
  constexpr int kHalf = 16;
  double sum[kHalf];
  for (int k = 0; k < kHalf; ++k) {
    const double low = k < n ? static_cast<double>(values[k]) : 0.0;
    const double high = k + kHalf < n ? static_cast<double>(values[k + kHalf]) : 0.0;
    sum[k] = low * low + high * high;
  }
  for (int k = 0; k < 8; ++k) sum[k] = sum[k] + sum[k + 8];
  for (int k = 0; k < 4; ++k) sum[k] = sum[k] + sum[k + 4];
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/// The rows' losses, from scratch.error; blocks of 32 ascending.
template <class Team>
SPIKELANE_HD void add_losses(const Team& team, const RegressionScoreArgs& args) {
  constexpr int kBlock = 32;
  const RegressionView& rule = *args.rule;
  const RegressionScratch& scratch = *args.scratch;
  const int n_blocks = (rule.n + kBlock - 1) / kBlock;
  for (int item = team.worker(); item < args.n_rows * n_blocks; item += team.n_workers()) {
    const int i = item % n_blocks * kBlock;
    scratch.squares[item] =
        sum_of_squares(scratch.error + int64_t{item / n_blocks} * rule.n_padded + i, rule.n - i);
  }
  team.sync();
  if (!team.is_leader()) return;
  for (int r = 0; r < args.n_rows; ++r) {
    double total = 0.0;
    for (int k = 0; k < n_blocks; ++k) total = total + scratch.squares[r * n_blocks + k];
    double* loss = args.losses + r * args.loss_stride;
    *loss = *loss + total;
  }
}

/// Losses and sums of scored rows, which all workers see; at most kNoiseSteps of them.
template <class Team>
SPIKELANE_HD void score_rows(const Team& team, const RegressionScoreArgs& args) {
  const RegressionView& rule = *args.rule;
  const RegressionScratch& scratch = *args.scratch;
  const RegressionRows& rows = *args.rows;
  const int64_t n_padded = rule.n_padded;
  const int n_vectors = (rule.n + kLanes - 1) / kLanes;
  const int begin = team.vector_begin(), step = team.vector_step();
  for (int f = 0; f < rule.n_filters; ++f) {
    multiply_rows(team, {rows.theta[f], n_padded}, args.n_rows, rule.n,
                  {rule.filters[f].sensitivity, n_padded}, n_vectors, scratch.predicted, n_padded);
    const float* left = f == 0 ? rows.target : scratch.error;
    for (int r = 0; r < args.n_rows; ++r)
      for (int i = begin; i < rule.n; i += step) {
        const int64_t at = r * n_padded + i;
        team.store(scratch.error + at, team.load(left + at) - team.load(scratch.predicted + at));
      }
  }
  team.sync();
  add_losses(team, args);
  for (int f = 0; f < rule.n_filters; ++f) {
    multiply_rows(team, {scratch.error, n_padded}, args.n_rows, rule.n,
                  {rule.filters[f].transposed, n_padded}, n_vectors, scratch.back, n_padded);
    float* to_filter = args.sums->filter[f];
    for (int i = begin; i < rule.n; i += step) {
      auto sum = team.load(to_filter + i);
      for (int r = 0; r < args.n_rows; ++r)
        sum = fma(team.load(scratch.back + r * n_padded + i),
                  team.load(rows.Gamma[f] + r * n_padded + i), sum);
      team.store(to_filter + i, sum);
    }
    for (int j = 0; j < rule.n; ++j) {
      float* to = args.sums->sensitivity[f] + j * n_padded;
      const float* theta = rows.theta[f] + j;
      for (int i = begin; i < rule.n; i += step) {
        auto sum = team.load(to + i);
        for (int r = 0; r < args.n_rows; ++r)
          sum = fma(team.broadcast(theta[r * n_padded]),
                    team.load(scratch.error + r * n_padded + i), sum);
        team.store(to + i, sum);
      }
    }
  }
  team.sync();
}

/// 16 steps, or what is left, of one sample's two nets.
template <class Team>
SPIKELANE_HD void run_regression_block(const Team& team, const RegressionArgs& args,
                                       const Tile& net, const Tile& copy, int t_begin, int n_steps,
                                       int first_scored) {
  const RegressionView& rule = *args.rule;
  const RegressionScratch& scratch = *args.scratch;
  const PopulationView& population = net.plan->populations[rule.population];
  const int64_t n_padded = rule.n_padded;
  const bool clears = is_flush_step(t_begin + n_steps - 1);
  for (int s = 0; s < n_steps; ++s) {
    const int64_t at = s * n_padded;
    const bool is_scored = s >= first_scored;
    step_net(team, net, rule.population, t_begin + s, is_scored ? scratch.v + at : nullptr,
             is_scored && rule.is_distance ? scratch.b + at : nullptr);
  }
  if (!rule.is_spiking_copy) {
    step_copies(team, population, scratch, n_steps, first_scored, clears);
    return;
  }
  for (int s = 0; s < n_steps; ++s) {
    const int64_t at = s * n_padded;
    const bool is_scored = s >= first_scored;
    float* b = is_scored && rule.is_distance ? scratch.threshold_copy + at : nullptr;
    step_net(team, copy, rule.population, t_begin + s, is_scored ? scratch.v_copy + at : nullptr,
             b);
    for (int i = team.vector_begin(); b && i < rule.n; i += team.vector_step())
      team.store(b + i, team.load(population.threshold + i) +
                            team.load(population.alif.adaptation + i) * team.load(b + i));
  }
}

template <class Team>
SPIKELANE_HD void reset_net(const Team& team, const Tile& tile) {
  for (int p = team.worker(); p < tile.plan->n_populations; p += team.n_workers())
    tile.scratch->n_fired[p] = 0;
  reset_tile(team, *tile.plan, tile.memory);
}

/// One sample; what is scored at its last step goes into row `sample` of args.rows.
template <class Team>
SPIKELANE_HD void run_regression_sample(const Team& team, const RegressionArgs& args, int sample) {
  const RegressionView& rule = *args.rule;
  const RegressionScratch& scratch = *args.scratch;
  const TrialArgs& trial = args.trial;
  const PlanView& plan = *trial.plan;
  const PopulationView& population = plan.populations[rule.population];
  const ProjectionView& recurrent = population.projections[rule.recurrent];
  const int64_t n_padded = rule.n_padded;
  const Tile net{&plan,
                 trial.parameters,
                 trial.parameters,
                 trial.inputs + sample,
                 trial.scratch,
                 trial.tiles,
                 trial.not_finite,
                 trial.first_tile + sample,
                 0};
  Tile copy = net;
  copy.memory = scratch.copy_tile;
  copy.scratch = scratch.copy_scratch;
  reset_net(team, net);
  if (rule.is_spiking_copy) reset_net(team, copy);
  const RegressionRows& rows = rule.is_every_step ? scratch.rows : args.rows;
  const int64_t first_row = rule.is_every_step ? 0 : sample * n_padded;
  const int begin = team.vector_begin(), step = team.vector_step();
  for (int i = begin; i < rule.n_padded; i += step) {
    const auto zero = team.broadcast(0.0f);
    for (int k = 0; k < 3; ++k) team.store(scratch.copy_state + k * n_padded + i, zero);
    for (int f = 0; f < rule.n_filters; ++f) {
      team.store(rows.theta[f] + first_row + i, zero);
      team.store(rows.Gamma[f] + first_row + i, zero);
    }
  }
  for (int t = 0; t < plan.n_steps; t += kNoiseSteps) {
    const int n_steps = plan.n_steps - t < kNoiseSteps ? plan.n_steps - t : kNoiseSteps;
    const bool clears = is_flush_step(t + n_steps - 1), is_last = t + n_steps == plan.n_steps;
    const int first_scored = rule.is_every_step ? 0 : is_last ? n_steps - 1 : n_steps;
    make_noise(team, args, sample, t, n_steps);
    for (int f = 0; f < rule.n_filters; ++f) {
      float *theta = rows.theta[f] + first_row, *gamma = rows.Gamma[f] + first_row;
      if (rule.is_every_step)
        filter_noise<true>(team, rule, rule.filters[f].decay, scratch.psi, n_steps, clears, theta,
                           gamma);
      else
        filter_noise<false>(team, rule, rule.filters[f].decay, scratch.psi, n_steps, clears, theta,
                            gamma);
    }
    multiply_rows(team, {scratch.psi, n_padded}, n_steps, rule.n,
                  {trial.parameters + recurrent.weight, recurrent.weight_stride},
                  (rule.n + kLanes - 1) / kLanes, scratch.drive, n_padded);
    run_regression_block(team, args, net, copy, t, n_steps, first_scored);
    for (int s = first_scored; s < n_steps; ++s)
      make_target(team, population, rule, scratch, s,
                  rows.target + (rule.is_every_step ? s * n_padded : first_row));
    if (!rule.is_every_step) continue;
    score_rows(team, RegressionScoreArgs{&rule, &scratch, &rows, n_steps, &args.sums,
                                         args.losses + sample, 0});
    // the next block starts from the last row
    const int64_t last = (n_steps - 1) * n_padded;
    for (int f = 0; f < rule.n_filters; ++f)
      for (int i = begin; i < rule.n; i += step) {
        team.store(rows.theta[f] + i, team.load(rows.theta[f] + last + i));
        team.store(rows.Gamma[f] + i, team.load(rows.Gamma[f] + last + i));
      }
  }
}

/// args.trial's samples, one after the other.
template <class Team>
SPIKELANE_HD void run_regression(const Team& team, const RegressionArgs& args) {
  for (int sample = 0; sample < args.trial.n_tiles; ++sample)
    run_regression_sample(team, args, sample);
}

}  // namespace spikelane::SPIKELANE_ISA
