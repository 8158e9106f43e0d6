#include "engine/run/episode_runner.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>

#include "engine/run/not_finite.h"

namespace spikelane {

std::int64_t EpisodeScores::n_control_steps() const {
  return std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
}

int EpisodeScores::n_unstable() const {
  return static_cast<int>(
      std::count(ends.begin(), ends.end(), static_cast<std::uint8_t>(EpisodeEnd::kUnstable)));
}

void throw_episode_not_finite(const Plan& plan, int member, int episode, const NotFinite& at) {
  throw_state_not_finite(plan, at.population,
                         "member " + std::to_string(member) + ", episode " +
                             std::to_string(episode) + ", at or before network step " +
                             std::to_string(at.step) +
                             "; smaller weights, sigma or learning rate may help");
}

EpisodeRunner::EpisodeRunner(const Plan& plan, const ClosedLoop& loop, const KernelTable& kernels,
                             ThreadPool& pool)
    : plan_(plan), loop_(loop), kernels_(kernels), pool_(pool) {
  const LoopView& view = loop.view();
  const TaskPort& port = view.port;
  for (int thread = 0; thread < pool.n_threads(); ++thread)
    workers_.push_back({Scratch(plan, view.control_steps, true),
                        port.make_world ? port.make_world(port) : nullptr, nullptr, nullptr,
                        nullptr, nullptr});
  const std::int64_t n_lanes = plan.lanes_per_tile();
  memory_ = carve([&](const auto& take) {
    for (Worker& worker : workers_) {
      take(worker.frames, std::int64_t{view.control_steps} * plan.view().n_inputs * n_lanes);
      take(worker.states, n_lanes * port.n_state);
      take(worker.observations, n_lanes * port.n_observations);
      take(worker.actions, n_lanes * port.n_actions);
    }
  });
}

EpisodeRunner::~EpisodeRunner() {
  for (Worker& worker : workers_)
    if (worker.world) loop_.view().port.free_world(worker.world);
}

void EpisodeRunner::run(int first, int n, const std::function<void(int, float*)>& fill_block,
                        int n_episodes, const RandomKey& key, EpisodeScores& scores,
                        const EpisodeWatch& watch) {
  const auto n_rows = static_cast<std::size_t>(n) * static_cast<std::size_t>(n_episodes);
  const auto n_populations = static_cast<std::size_t>(plan_.view().n_populations);
  bool counts = false;
  for (std::size_t p = 0; p < n_populations; ++p)
    counts |= plan_.population(static_cast<int>(p)).at.n_spikes >= 0;
  scores.returns.resize(n_rows);
  scores.lengths.resize(n_rows);
  scores.ends.resize(n_rows);
  scores.n_spikes.resize(counts ? n_rows * n_populations : 0);
  const int n_lanes = plan_.lanes_per_tile(), n_tiles = (n_episodes + n_lanes - 1) / n_lanes;
  // episodes differ in length: a thread that is done takes the next tile
  const int n_wanted = 4 * pool_.n_threads();
  const int n_cuts = n >= n_wanted ? 1 : std::min(n_tiles, (n_wanted + n - 1) / n);
  // the lowest row is reported, whichever thread comes first
  std::mutex first_mutex;
  std::pair<int, int> first_row{-1, 0};
  NotFinite found{-1, 0, 0, 0};
  pool_.for_each(std::int64_t{n} * n_cuts, [&](std::int64_t item, int thread) {
    const auto member = static_cast<int>(item / n_cuts), cut = static_cast<int>(item % n_cuts);
    const int begin = n_tiles * cut / n_cuts, end = n_tiles * (cut + 1) / n_cuts;
    Worker& worker = workers_[static_cast<std::size_t>(thread)];
    fill_block(first + member, worker.scratch.block());
    const std::size_t at = static_cast<std::size_t>(member) * static_cast<std::size_t>(n_episodes);
    NotFinite not_finite{-1, 0, 0, 0};
    EpisodeArgs args{};
    args.trial.plan = &plan_.view();
    args.trial.parameters = worker.scratch.block();
    args.trial.shared = shared_;
    args.trial.n_tiles = end - begin;
    args.trial.first_tile = begin;
    args.trial.tiles = worker.scratch.tile();
    args.trial.scratch = &worker.scratch.view();
    args.trial.not_finite = &not_finite;
    args.loop = &loop_.view();
    args.world = worker.world;
    args.key = key;
    args.n_episodes = n_episodes;
    args.frames = worker.frames;
    args.states = worker.states;
    args.observations = worker.observations;
    args.actions = worker.actions;
    args.returns = scores.returns.data() + at;
    args.lengths = scores.lengths.data() + at;
    args.ends = scores.ends.data() + at;
    args.n_spikes = counts ? scores.n_spikes.data() + at * n_populations : nullptr;
    args.watch = watch;
    kernels_.run_episodes(args);
    if (not_finite.population < 0) return;
    const std::pair row{first + member, not_finite.tile * n_lanes + not_finite.lane};
    const std::lock_guard lock(first_mutex);
    if (first_row.first >= 0 && first_row < row) return;
    first_row = row;
    found = not_finite;
  });
  if (first_row.first < 0) return;
  throw_episode_not_finite(plan_, first_row.first, first_row.second, found);
}

}  // namespace spikelane
