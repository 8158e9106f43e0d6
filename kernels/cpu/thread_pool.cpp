#include "kernels/cpu/thread_pool.h"

#include <pthread.h>

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace spikelane {

// a short look before sleeping: calls follow one another within microseconds during training
constexpr int kSpins = 2000;

static void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// how many forks lie between this process and the first that used the library
static std::atomic<std::uint32_t> n_forks{0};

static std::uint32_t fork_generation() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { n_forks.fetch_add(1); });
  (void)registered;
  return n_forks.load(std::memory_order_relaxed);
}

ThreadPool::ThreadPool(int n_threads) : generation_(fork_generation()) { start(n_threads); }

void ThreadPool::start(int n_threads) {
  try {
    threads_.reserve(static_cast<std::size_t>(n_threads));
    const std::uint32_t seen = round_.load();
    for (int thread = 1; thread < n_threads; ++thread)
      threads_.emplace_back([this, thread, seen] { wait_for_work(thread, seen); });
  } catch (const std::system_error& error) {
    // limits on threads or memory; those that have started wait already
    stop();
    throw std::runtime_error("cannot start " + std::to_string(n_threads) +
                             " threads: " + error.code().message());
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  if (generation_ != fork_generation()) return forget_threads();
  stops_ = true;
  round_.fetch_add(1);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// after fork the child has none of them: they can be neither joined nor detached
void ThreadPool::forget_threads() {
  new std::vector<std::thread>(std::exchange(threads_, {}));
  n_busy_ = 0;
  generation_ = fork_generation();
}

void ThreadPool::take_items(int thread) {
  for (;;) {
    const std::int64_t item = next_item_.fetch_add(1);
    if (item >= n_items_ || has_failed_) return;
    try {
      (*work_)(item, thread);
    } catch (...) {
      if (!has_failed_.exchange(true)) failure_ = std::current_exception();
    }
  }
}

void ThreadPool::wait_for_work(int thread, std::uint32_t seen) {
  for (;;) {
    for (int spin = 0; spin < kSpins && round_.load() == seen; ++spin) pause_briefly();
    round_.wait(seen);
    seen = round_.load();
    if (stops_) return;
    take_items(thread);
    if (n_busy_.fetch_sub(1) == 1) n_busy_.notify_one();
  }
}

void ThreadPool::for_each(std::int64_t n_items,
                          const std::function<void(std::int64_t, int)>& work) {
  if (!threads_.empty() && generation_ != fork_generation()) {
    const int n = n_threads();
    forget_threads();
    start(n);
  }
  work_ = &work;
  n_items_ = n_items;
  next_item_ = 0;
  has_failed_ = false;
  const bool is_shared = !threads_.empty() && n_items > 1;
  if (is_shared) {
    n_busy_ = static_cast<std::uint32_t>(threads_.size());
    round_.fetch_add(1);
    round_.notify_all();
  }
  take_items(0);
  if (is_shared) {
    for (int spin = 0; spin < kSpins && n_busy_.load() != 0; ++spin) pause_briefly();
    for (std::uint32_t busy = n_busy_.load(); busy != 0; busy = n_busy_.load()) n_busy_.wait(busy);
  }
  if (has_failed_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace spikelane
