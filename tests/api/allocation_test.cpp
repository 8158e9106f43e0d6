// A step allocates nothing: every way to memory is counted, over 100,000 steps here and over
// 10,000,000 where SPIKELANE_LONG_STEPS says so (tools/test_long.sh steps).
#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>

#include "tests/api/policies.h"
#include "tests/skip.h"

using namespace spikelane;
using namespace spikelane::test;

#if defined(__GLIBC__) && !SPIKELANE_IS_SANITIZED

namespace {
// counts calls of this thread between start and stop
thread_local long n_allocations = -1;
void note() {
  if (n_allocations >= 0) ++n_allocations;
}
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

// operator new comes here too
void* malloc(std::size_t n) noexcept {
  note();
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  note();
  return __libc_calloc(n, size);
}
void* realloc(void* block, std::size_t n) noexcept {
  note();
  return __libc_realloc(block, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  note();
  return __libc_memalign(alignment, n);
}
}

namespace {

long count_allocations(spikelane_session session, int n_rows, int n_inputs, int n_outputs,
                       long n_steps) {
  std::vector<std::vector<float>> x;
  for (int t = 0; t < 64; ++t) x.push_back(observations_at(t, n_rows, n_inputs));
  std::vector<float> y(static_cast<std::size_t>(n_rows * n_outputs));
  std::vector<float> bad = x[0];
  bad[0] = std::numeric_limits<float>::quiet_NaN();
  char error[128];
  spikelane_status worst = SPIKELANE_OK;
  n_allocations = 0;
  for (long t = 0; t < n_steps; ++t) {
    const std::vector<float>& now = x[static_cast<std::size_t>(t % 64)];
    const spikelane_status status =
        spikelane_step(session, now.data(), now.size(), y.data(), y.size(), error, sizeof error);
    if (status != SPIKELANE_OK) worst = status;
    // a wrong observation now and then costs nothing either
    if (t % 1000 == 0)
      spikelane_step(session, bad.data(), bad.size(), y.data(), y.size(), error, sizeof error);
  }
  const long n = n_allocations;
  n_allocations = -1;
  CHECK(worst == SPIKELANE_OK);
  return n;
}

}  // namespace

TEST_CASE("api: a hundred thousand steps allocate nothing and log nothing") {
  n_allocations = 0;
  std::free(std::malloc(64));
  delete new int(1);
  const long n_seen = n_allocations;
  n_allocations = -1;
  REQUIRE(n_seen == 2);
  const char* long_steps = std::getenv("SPIKELANE_LONG_STEPS");
  const long n_steps = long_steps ? std::strtol(long_steps, nullptr, 10) : 100000;

  const std::string bytes = policy_bytes(leaky_config(70));
  int n_lines = 0;
  spikelane_load_options options = spikelane_default_load_options();
  options.log = [](void* user, const char*) { ++*static_cast<int*>(user); };
  options.log_user = &n_lines;
  spikelane_network network{};
  REQUIRE(spikelane_load_memory(bytes.data(), bytes.size(), &options, &network, nullptr, 0) ==
          SPIKELANE_OK);
  spikelane_session session{};
  REQUIRE(spikelane_open(network, nullptr, &session, nullptr, 0) == SPIKELANE_OK);
  CHECK(n_lines == 2);
  CHECK(count_allocations(session, 1, 6, 3, n_steps) == 0);
  CHECK(n_lines == 2);
  // the network has spiked, so the steps were real ones
  std::vector<float> counts(70);
  CHECK(spikelane_read(session, 0, SPIKELANE_COUNTS, counts.data(), 70, nullptr, 0) ==
        SPIKELANE_OK);
  double n_spikes = 0.0;
  for (float n : counts) n_spikes += static_cast<double>(n);
  CHECK(n_spikes > static_cast<double>(n_steps));
  spikelane_close(session, nullptr, 0);
  spikelane_unload(network, nullptr, 0);
}

TEST_CASE("api: many rows, a search and learning allocate nothing in a step") {
  ApiPolicy policy(policy_bytes(leaky_config(40)));
  const spikelane_session rows = policy.open(64);
  CHECK(count_allocations(rows, 64, 6, 3, 500) == 0);
  spikelane_session search{};
  REQUIRE(spikelane_open_search(policy.network, nullptr, &search, nullptr, 0) == SPIKELANE_OK);
  CHECK(count_allocations(search, 8, 6, 3, 500) == 0);
  const std::int32_t begun[] = {3, 0};
  n_allocations = 0;
  for (const spikelane_session session : {rows, search})
    spikelane_reset_rows(session, begun, 2, nullptr, 0);
  const long n_of_resets = n_allocations;
  n_allocations = -1;
  CHECK(n_of_resets == 0);
  spikelane_close(rows, nullptr, 0);
  spikelane_close(search, nullptr, 0);
}

TEST_CASE("api: the host's allocator serves the large blocks, and gets them all back") {
  struct Counts {
    long n_blocks = 0, n_bytes = 0, n_most = 0;
  } counts;
  const std::string bytes = policy_bytes(leaky_config(70));
  spikelane_load_options options = spikelane_default_load_options();
  options.allocator_user = &counts;
  options.allocate = [](void* user, std::size_t n, std::size_t alignment) {
    auto& count = *static_cast<Counts*>(user);
    ++count.n_blocks;
    count.n_bytes += static_cast<long>(n);
    count.n_most = std::max(count.n_most, count.n_bytes);
    return std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment);
  };
  options.release = [](void* user, void* block, std::size_t n) {
    auto& count = *static_cast<Counts*>(user);
    --count.n_blocks;
    count.n_bytes -= static_cast<long>(n);
    std::free(block);
  };
  spikelane_network network{};
  REQUIRE(spikelane_load_memory(bytes.data(), bytes.size(), &options, &network, nullptr, 0) ==
          SPIKELANE_OK);
  spikelane_session session{};
  spikelane_session_options rows = spikelane_default_session_options();
  rows.n_rows = 100;
  REQUIRE(spikelane_open(network, &rows, &session, nullptr, 0) == SPIKELANE_OK);
  // weights and the state of 100 rows
  CHECK(counts.n_most > 70 * 96 * 4 + 100 * 96 * 4);
  spikelane_close(session, nullptr, 0);
  spikelane_unload(network, nullptr, 0);
  CHECK(counts.n_blocks == 0);
  CHECK(counts.n_bytes == 0);
}

#else
TEST_CASE("api: allocations are counted") {
  note_skip("allocations are counted with glibc's functions, not under sanitizers");
}
#endif
