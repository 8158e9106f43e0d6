// Threads that wait for work and share it out item by item. Which thread does an item never matters
// for the result: items write to places of their own.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace spikelane {

/// After fork() the child's copy of a pool makes its threads anew when it is first used.
class ThreadPool {
 public:
  /// n_threads >= 1 workers, the caller among them. Throws std::runtime_error where the system does
  /// not give so many.
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return static_cast<int>(threads_.size()) + 1; }

  /// Calls work(item, thread) for item = 0 .. n_items-1, each once, and returns when all are done.
  /// `thread` is 0 .. n_threads-1 and is the caller's to index scratch with. The first exception
  /// thrown by an item is thrown here, after the others have come to rest.
  void for_each(std::int64_t n_items, const std::function<void(std::int64_t, int)>& work);

 private:
  void start(int n_threads);
  void stop();
  void forget_threads();
  void wait_for_work(int thread, std::uint32_t seen);
  void take_items(int thread);

  std::uint32_t generation_;  // of the process that has the threads; counts forks
  std::vector<std::thread> threads_;
  const std::function<void(std::int64_t, int)>* work_ = nullptr;
  std::int64_t n_items_ = 0;
  std::atomic<std::int64_t> next_item_{0};
  std::atomic<std::uint32_t> round_{0};  // counts calls; workers sleep on it
  std::atomic<std::uint32_t> n_busy_{
      0};  // workers that have not come to rest; the caller sleeps on it
  std::atomic<bool> stops_{false};
  std::atomic<bool> has_failed_{false};
  std::exception_ptr failure_;
};

}  // namespace spikelane
