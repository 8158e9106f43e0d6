#include "tools/bench_trials.h"

#include <algorithm>
#include <numeric>

#include "engine/config/user_error.h"
#include "engine/state/encoded_inputs.h"
#include "engine/state/scratch.h"
#include "engine/state/state.h"

namespace spikelane {

namespace {

double sum_of(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// Spikes that a source has sent in all trials together.
struct SentSpikes {
  double n_spikes = 0.0, n_in_last_step = 0.0;
  double n_active = 0.0;  // neurons that have fired at all, in each row anew
};

SentSpikes input_spikes(const BenchJob& job) {
  SentSpikes sent;
  for (std::int32_t sample : job.samples) {
    const auto at = static_cast<std::size_t>(sample);
    std::vector<bool> is_active(static_cast<std::size_t>(job.data.n_inputs), false);
    for (std::int64_t i = job.data.offsets[at]; i < job.data.offsets[at + 1]; ++i) {
      const auto unit = static_cast<std::size_t>(job.data.events[static_cast<std::size_t>(i)].unit);
      sent.n_spikes += job.n_members;
      sent.n_active += is_active[unit] ? 0.0 : job.n_members;
      is_active[unit] = true;
    }
  }
  return sent;
}

SentSpikes population_spikes(const State& state, const PopulationView& population) {
  const std::vector<float> counts = state.gather_floats(population.at.n_spikes, population.n);
  SentSpikes sent;
  sent.n_spikes = sum_of(counts);
  sent.n_in_last_step = sum_of(state.gather_spikes(population.at.spikes, population.n));
  sent.n_active = static_cast<double>(
      std::count_if(counts.begin(), counts.end(), [](float n) { return n > 0.0f; }));
  return sent;
}

/// One for each multiplication, addition, subtraction and comparison; two for an fma.
void count_operations(const Plan& plan, const State& state, const BenchJob& job,
                      CountedTrials& trials) {
  const double n_rows = state.n_rows(), n_row_steps = n_rows * job.data.n_steps;
  double n_spikes = 0.0, n_neuron_steps = 0.0;
  for (int p = 0; p < plan.view().n_populations; ++p) {
    const PopulationView& target = plan.population(p);
    const bool is_readout = target.model == Model::kReadout;
    // beta*v, + I, - r*theta, > theta; a readout is gain times a product, once a trial
    double n_operations = is_readout ? n_rows * target.n : 4.0 * n_row_steps * target.n;
    if (target.bias >= 0) n_operations += (is_readout ? 2.0 * n_rows : n_row_steps) * target.n;
    for (int q = 0; q < target.n_projections; ++q) {
      const ProjectionView& projection = target.projections[q];
      const SentSpikes sent = projection.source == kInputSource
                                  ? input_spikes(job)
                                  : population_spikes(state, plan.population(projection.source));
      if (is_readout) {
        // z = kappa*z + s for each decay, and the product
        n_operations += projection.n_traces * (n_row_steps * projection.n_pre + sent.n_spikes) +
                        2.0 * n_rows * projection.n_pre * projection.n_post;
        // of low rank: c = z B, scaled, and A c
        n_operations += n_rows * job.rank * (2.0 * projection.n_pre + 1 + 2.0 * projection.n_post);
        trials.n_weight_bytes += 4.0 * n_rows * projection.n_pre * projection.n_post;
      } else {
        const double n_lost = projection.is_recurrent ? sent.n_in_last_step : 0.0;
        n_operations += (sent.n_spikes - n_lost) * projection.n_post;
        if (q > 0) n_operations += n_row_steps * projection.n_post;
        n_operations +=
            job.rank * (sent.n_spikes - n_lost + n_row_steps * (1.0 + 2.0 * projection.n_post));
        trials.n_weight_bytes += 4.0 * sent.n_active * projection.n_post;
      }
    }
    if (!is_readout) {
      n_spikes += population_spikes(state, target).n_spikes;
      n_neuron_steps += n_row_steps * target.n;
    }
    trials.n_operations += n_operations;
  }
  trials.firing_rate = n_spikes / n_neuron_steps;
}

}  // namespace

std::vector<std::int32_t> first_samples(int n) {
  std::vector<std::int32_t> samples(static_cast<std::size_t>(n));
  std::iota(samples.begin(), samples.end(), 0);
  return samples;
}

CountedTrials count_trials(const BenchMachine& machine, const BenchJob& job) {
  PlanOptions options = machine.plan_options;
  options.keeps_counts = true;
  options.rank = job.rank;
  const auto plan = compile_plan(job.network, job.loss, job.data.n_steps, options);
  const EncodedInputs inputs(*plan, job.data, job.samples);
  const State state(*plan, job.n_members, inputs.n_samples());
  std::vector<Scratch> scratch;
  for (int thread = 0; thread < machine.pool.n_threads(); ++thread)
    scratch.emplace_back(*plan, job.data.n_steps, true);
  CountedTrials trials;
  const std::size_t n_samples = job.samples.size();
  trials.losses.resize(static_cast<std::size_t>(job.n_members) * n_samples);
  std::vector<std::uint8_t> is_correct(trials.losses.size());
  std::vector<NotFinite> not_finite(static_cast<std::size_t>(job.n_members), {-1, 0, 0, 0});
  machine.pool.for_each(job.n_members, [&](std::int64_t item, int thread) {
    const int member = static_cast<int>(item);
    const std::size_t at = static_cast<std::size_t>(member) * n_samples;
    Scratch& mine = scratch[static_cast<std::size_t>(thread)];
    job.fill_block(member, mine.block());
    TrialArgs args{};
    args.plan = &plan->view();
    args.parameters = mine.block();
    args.inputs = inputs.tiles().data();
    args.n_tiles = state.tiles_per_member();
    args.t_end = job.data.n_steps;
    args.resets = args.scores = 1;
    args.tiles = state.tiles(member);
    args.tile_stride = state.tile_bytes();
    args.scratch = &mine.view();
    args.shared = job.shared;
    args.labels = inputs.labels().data();
    args.losses = trials.losses.data() + at;
    args.is_correct = is_correct.data() + at;
    args.not_finite = &not_finite[static_cast<std::size_t>(member)];
    machine.kernels.run_tiles(args);
  });
  for (const NotFinite& found : not_finite)
    if (found.population >= 0) throw RunError("a scene's state is not finite");
  trials.state_hash = hash_state(*plan, state);
  count_operations(*plan, state, job, trials);
  return trials;
}

}  // namespace spikelane
