// The team of OS threads: one thread a lane, with real barriers. It runs the phases of kernels/step
// exactly as CUDA's teams do, so that ThreadSanitizer sees a missing sync, without nvcc or a
// device.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/cpu/kernel_table.h"
#include "kernels/step/episode.h"
#include "kernels/step/kernl_online.h"
#include "kernels/step/kernl_regression.h"
#include "kernels/step/lane_workers.h"
#include "kernels/step/trial.h"

namespace spikelane::test {

/// A barrier for the same n threads again and again; that of g++ 12's library can sleep forever.
class MeetingPoint {
 public:
  explicit MeetingPoint(int n) : n_(n) {}
  void arrive_and_wait() {
    std::unique_lock lock(mutex_);
    const unsigned round = round_;
    if (++n_there_ == n_) {
      n_there_ = 0;
      ++round_;
      all_there_.notify_all();
    } else {
      all_there_.wait(lock, [&] { return round_ != round; });
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_there_;
  const int n_;
  int n_there_ = 0;
  unsigned round_ = 0;
};

/// What the threads of one team share.
struct ThreadTeam {
  explicit ThreadTeam(int n_workers) : all(n_workers), is_set(static_cast<std::size_t>(n_workers)) {
    for (int i = 0; i < n_workers; i += kLanes) vectors.emplace_back(kLanes);
  }
  MeetingPoint all;
  std::deque<MeetingPoint> vectors;  // of 16 lanes each
  std::vector<char> is_set;          // what each lane says to lanes_where
};

struct WorkerThread {
  ThreadTeam* team;
  int index;

  int worker() const { return index; }
  int n_workers() const { return static_cast<int>(team->is_set.size()); }
  void sync() const { team->all.arrive_and_wait(); }
  std::uint32_t lanes_where(bool m) const {
    const auto first = static_cast<std::size_t>(index / kLanes * kLanes);
    auto& barrier = team->vectors[first / kLanes];
    team->is_set[static_cast<std::size_t>(index)] = m ? 1 : 0;
    barrier.arrive_and_wait();
    std::uint32_t lanes = 0;
    for (std::size_t l = 0; l < kLanes; ++l) lanes |= (team->is_set[first + l] ? 1u : 0u) << l;
    barrier.arrive_and_wait();
    return lanes;
  }
  void count(std::int32_t* counter) const { std::atomic_ref(*counter).fetch_add(1); }
  bool claim(int* value, int from, int to) const {
    return std::atomic_ref(*value).compare_exchange_strong(from, to);
  }
};

/// Runs work(team) on n_workers threads, each with its own LaneWorkers.
template <class Work>
void run_on_threads(int n_workers, const Work& work) {
  ThreadTeam shared(n_workers);
  std::vector<std::thread> threads;
  for (int i = 0; i < n_workers; ++i)
    threads.emplace_back([&shared, &work, i] { work(LaneWorkers<WorkerThread>{{&shared, i}}); });
  for (std::thread& thread : threads) thread.join();
}

// two vectors: loops over neurons are shared out between them
inline constexpr int kRowWorkers = 32;

/// The fastest CPU table, whose steps and trials run on teams of threads.
inline KernelTable thread_kernels() {
  KernelTable table = *find_kernels("");
  table.run_tiles = [](const TrialArgs& args) {
    const bool is_sample_lanes = args.plan->layout == Layout::kSampleLanes;
    run_on_threads(is_sample_lanes ? kLanes : kRowWorkers,
                   [&](const auto& team) { run_tiles(team, args); });
  };
  table.run_kernl_trials = [](const KernlTrialArgs& args) {
    run_on_threads(kRowWorkers, [&](const auto& team) { run_kernl_trials(team, args); });
  };
  table.run_regression = [](const RegressionArgs& args) {
    run_on_threads(kRowWorkers, [&](const auto& team) { run_regression(team, args); });
  };
  table.score_regression = [](const RegressionScoreArgs& args) {
    run_on_threads(kRowWorkers, [&](const auto& team) { score_rows(team, args); });
  };
  table.run_kernl_online = [](const KernlOnlineArgs& args) {
    run_on_threads(kRowWorkers, [&](const auto& team) { run_kernl_online(team, args); });
  };
  table.run_episodes = [](const EpisodeArgs& args) {
    const bool is_sample_lanes = args.trial.plan->layout == Layout::kSampleLanes;
    run_on_threads(is_sample_lanes ? kLanes : kRowWorkers,
                   [&](const auto& team) { run_episodes(team, args); });
  };
  return table;
}

}  // namespace spikelane::test
