// Threads across fork, and how many of them a process may use.
#include "kernels/cpu/thread_pool.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "kernels/cpu/usable_cores.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"

namespace spikelane::test {

namespace {

// the sum of 0 .. 99 by all threads of the pool
std::int64_t sum_by(ThreadPool& pool) {
  std::atomic<std::int64_t> sum{0};
  pool.for_each(100, [&](std::int64_t i, int) { sum += i; });
  return sum;
}

}  // namespace

TEST_CASE("thread pool: after fork the child uses threads of its own, and so does the parent") {
  if (SPIKELANE_IS_SANITIZED != 0) return note_skip("sanitizers do not follow fork with threads");
  ThreadPool pool(3);
  REQUIRE(sum_by(pool) == 4950);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);  // a child that hangs is ended by it
    bool is_right = sum_by(pool) == 4950 && sum_by(pool) == 4950;
    {
      ThreadPool another(2);
      is_right = is_right && sum_by(another) == 4950;
    }
    // a pool that the child never uses can be closed there
    _exit(is_right && pool.n_threads() == 3 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(sum_by(pool) == 4950);
}

TEST_CASE("thread pool: a child may close a pool that it has not used") {
  if (SPIKELANE_IS_SANITIZED != 0) return note_skip("sanitizers do not follow fork with threads");
  auto* pool = new ThreadPool(2);
  REQUIRE(sum_by(*pool) == 4950);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);
    delete pool;
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  delete pool;
}

TEST_CASE("usable cores: affinity and the control group's quota count") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  const UsableCores all = usable_cores();
  CHECK(all.n_affinity == CPU_COUNT(&before));
  CHECK(all.n_usable >= 1);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &before)) {
      CPU_SET(i, &one);
      break;
    }
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(usable_cores().n_usable == 1);
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);

  // the least quota of the group and those above it
  const ScratchFolder root;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root / name).parent_path());
    write_file(root / name, text);
  };
  write("proc/self/cgroup", "0::/a/b\n");
  CHECK(usable_cores(root.path()).quota == 0.0);
  write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(usable_cores(root.path()).quota == 0.0);
  write("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  CHECK(usable_cores(root.path()).quota == 0.5);
  CHECK(usable_cores(root.path()).n_usable == 1);
  CHECK(usable_cores(root.path()).text().find("0.5 by the control group's quota") !=
        std::string::npos);
  write("sys/fs/cgroup/a/b/cpu.max", "1000000000 100000\n");
  CHECK(usable_cores(root.path()).quota == 0.5);
  // what is no quota is no limit
  write("sys/fs/cgroup/a/cpu.max", "x y\n");
  CHECK(usable_cores(root.path()).n_usable == all.n_affinity);
}

}  // namespace spikelane::test
