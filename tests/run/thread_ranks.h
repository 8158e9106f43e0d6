// Ranks that are threads of this process: what a message library does, in a few lines.
#pragma once

#include <barrier>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "engine/run/ranks.h"

namespace spikelane::test {

/// What the threads share.
struct ThreadBoard {
  explicit ThreadBoard(int n) : meeting(n), places(static_cast<std::size_t>(n)) {}
  struct Place {
    const void* values = nullptr;
    std::span<const std::int64_t> begin;
  };
  std::barrier<> meeting;
  std::vector<Place> places;
};

class ThreadRanks : public Ranks {
 public:
  ThreadRanks(ThreadBoard& board, int rank) : board_(board), rank_(rank) {}
  int rank() const override { return rank_; }
  int n_ranks() const override { return static_cast<int>(board_.places.size()); }
  void gather(std::span<double> v, std::span<const std::int64_t> b) override { gather_any(v, b); }
  void gather(std::span<float> v, std::span<const std::int64_t> b) override { gather_any(v, b); }
  void gather(std::span<char> v, std::span<const std::int64_t> b) override { gather_any(v, b); }
  void gather(std::span<std::int64_t> v, std::span<const std::int64_t> b) override {
    gather_any(v, b);
  }
  void exchange(std::span<const float> send, std::span<const std::int64_t> send_begin,
                std::span<float> receive, std::span<const std::int64_t> receive_begin) override {
    const auto mine = static_cast<std::size_t>(rank_);
    board_.places[mine] = {send.data(), send_begin};
    board_.meeting.arrive_and_wait();
    for (std::size_t r = 0; r < board_.places.size(); ++r) {
      const auto& from = board_.places[r];
      const std::int64_t n = from.begin[mine + 1] - from.begin[mine];
      if (n != receive_begin[r + 1] - receive_begin[r]) std::abort();
      std::copy_n(static_cast<const float*>(from.values) + from.begin[mine], n,
                  receive.begin() + receive_begin[r]);
    }
    board_.meeting.arrive_and_wait();
  }
  [[noreturn]] void abort(int) override { std::abort(); }

 private:
  template <class T>
  void gather_any(std::span<T> values, std::span<const std::int64_t> begin) {
    const auto mine = static_cast<std::size_t>(rank_);
    board_.places[mine] = {values.data(), begin};
    board_.meeting.arrive_and_wait();
    for (std::size_t r = 0; r < board_.places.size(); ++r)
      if (r != mine)
        std::copy(static_cast<const T*>(board_.places[r].values) + begin[r],
                  static_cast<const T*>(board_.places[r].values) + begin[r + 1],
                  values.begin() + begin[r]);
    board_.meeting.arrive_and_wait();
  }

  ThreadBoard& board_;
  int rank_;
};

/// Runs `work` once for each of n ranks, side by side. It must not throw.
inline void run_ranks(int n, const std::function<void(Ranks&)>& work) {
  ThreadBoard board(n);
  std::vector<std::thread> threads;
  for (int r = 0; r < n; ++r)
    threads.emplace_back([&, r] {
      ThreadRanks ranks(board, r);
      work(ranks);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace spikelane::test
