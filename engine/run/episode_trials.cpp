#include "engine/run/episode_trials.h"

#include <algorithm>

#include "engine/learning/sums.h"
#include "engine/state/hash.h"
#include "kernels/cuda/cuda_library.h"

namespace spikelane {

static PlanOptions counting(PlanOptions options) {
  options.keeps_counts = true;
  return options;
}

// who was lost on a device whose first member is `first`
static void throw_if_lost(DeviceTrials& device, const Plan& plan, int first) {
  if (const auto lost = device.find_not_finite())
    throw_episode_not_finite(plan, first + static_cast<int>(lost->member),
                             static_cast<int>(lost->tile) * plan.lanes_per_tile() + lost->at.lane,
                             lost->at);
}

void read_episodes(DeviceTrials& device, EpisodeScores& scores) {
  device.read_episodes(scores.returns, scores.lengths, scores.ends, scores.n_spikes);
  for (double& value : scores.returns) value = -value;
}

EpisodeTrials::EpisodeTrials(const RunConfig& config, const PlanOptions& options,
                             const KernelTable& kernels, ThreadPool& pool, const ClosedLoop& loop)
    : loop_(loop),
      cuda_(cuda_of(kernels)),
      plan_(compile_plan(config.network, config.loss, loop.n_steps(),
                         for_members(options, config.rule.es))),
      runner_(*plan_, loop, kernels, pool),
      key_{config.seed, 0, 0, Stream::kEnvironment, 0} {}

void EpisodeTrials::begin_update(std::int64_t update) {
  key_.update = static_cast<std::uint32_t>(update);
  n_sample_steps_ = 0;
}

void EpisodeTrials::run(const Members& members, int first, int n, TrialScores& scores) {
  runner_.set_shared(members.shared());
  runner_.run(
      first, n, [&](int member, float* block) { members.fill(member, block); }, n_samples(), key_,
      episodes_);
  std::transform(episodes_.returns.begin(), episodes_.returns.end(),
                 scores.losses.begin() + std::ptrdiff_t{first} * n_samples(),
                 [](double r) { return -r; });
  n_sample_steps_ += episodes_.n_control_steps() * loop_.view().control_steps;
}

MemberScoresView EpisodeTrials::start(const Members& members, int first, int n) {
  if (!device_ || n_device_members_ != n) {
    device_.reset();
    device_ = std::make_unique<DeviceTrials>(*cuda_, *plan_, n, n_samples(), view().control_steps,
                                             false, true, &view(), loop_.built_in());
    n_device_members_ = n;
  }
  first_device_member_ = first;
  device_->set_members(members);
  device_->run_episodes(first, key_);
  device_->sum_up();
  return device_->sums();
}

void EpisodeTrials::finish(const Members&, std::span<double> losses, std::int64_t* n_correct,
                           const std::function<void()>& before_throwing) {
  *n_correct = 0;
  std::int64_t n_control_steps = 0;
  if (!device_->read_sums(losses, &n_control_steps)) {
    before_throwing();
    throw_if_lost(*device_, *plan_, first_device_member_);
  }
  n_sample_steps_ += n_control_steps * view().control_steps;
}

EpisodeTest::EpisodeTest(const RunConfig& config, const PlanOptions& options,
                         const KernelTable& kernels, ThreadPool& pool, const ClosedLoop& loop)
    : loop_(loop),
      cuda_(loop.built_in() != 0 ? cuda_of(kernels) : nullptr),
      seed_(config.seed),
      plan_(compile_plan(config.network, config.loss, loop.n_steps(), counting(options))),
      runner_(*plan_, loop, kernels, pool) {}

void EpisodeTest::run_on_device(std::span<const float> parameters, int n_episodes,
                                const RandomKey& key) {
  if (!device_ || n_device_episodes_ != n_episodes) {
    device_.reset();
    device_ =
        std::make_unique<DeviceTrials>(*cuda_, *plan_, 1, n_episodes, loop_.view().control_steps,
                                       false, false, &loop_.view(), loop_.built_in());
    n_device_episodes_ = n_episodes;
  }
  const std::int64_t stride = plan_->block_stride();
  std::vector<float> block(static_cast<std::size_t>(stride));
  plan_->fill_block(parameters.data(), block.data());
  device_->set_blocks(block.data(), stride, nullptr);
  device_->run_episodes(0, key);
  read_episodes(*device_, episodes_);
  throw_if_lost(*device_, *plan_, 0);
}

TestScores EpisodeTest::run(std::span<const float> parameters, int n_episodes,
                            const EpisodeWatch& watch) {
  const int n_all = loop_.config().n_test_episodes;
  const int n = n_episodes == 0 ? n_all : std::min(n_episodes, n_all);
  const RandomKey key{seed_, 0, 0, Stream::kTestEnvironment, 0};
  // who watches sees every step, which a device does not tell
  if (cuda_ && !watch.watch)
    run_on_device(parameters, n, key);
  else
    runner_.run(
        0, 1, [&](int, float* block) { plan_->fill_block(parameters.data(), block); }, n, key,
        episodes_, watch);
  TestScores scores;
  scores.mean_return = tree_sum_blocks_of_8(episodes_.returns) / n;
  scores.n_unstable = episodes_.n_unstable();
  scores.loss = -*scores.mean_return;
  const double n_steps =
      static_cast<double>(episodes_.n_control_steps()) * loop_.view().control_steps;
  const auto n_populations = static_cast<std::size_t>(plan_->view().n_populations);
  for (std::size_t p = 0; p < n_populations; ++p) {
    const PopulationView& population = plan_->population(static_cast<int>(p));
    if (!is_spiking(population.model)) continue;
    std::int64_t n_spikes = 0;
    for (std::size_t i = p; i < episodes_.n_spikes.size(); i += n_populations)
      n_spikes += episodes_.n_spikes[i];
    scores.firing_rate[plan_->network().populations[p].name] =
        static_cast<double>(n_spikes) / (population.n * n_steps);
  }
  return scores;
}

std::string EpisodeTest::state_hash() const {
  StateHash hash;
  hash.add(std::span<const double>(episodes_.returns));
  hash.add(std::span<const std::int32_t>(episodes_.lengths));
  for (const std::int64_t n : episodes_.n_spikes) hash.add(static_cast<std::uint64_t>(n));
  return hash.text();
}

}  // namespace spikelane
