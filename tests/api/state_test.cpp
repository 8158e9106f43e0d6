// A session's state in a caller's buffer: saved in the middle, restored elsewhere, to the bit,
// whether its rows act, learn or search.
#include <doctest/doctest.h>

#include "tests/api/learning_config.h"
#include "tests/api/policies.h"

using namespace spikelane;
using namespace spikelane::test;

namespace {

struct Loop {
  spikelane_session session{};
  int n_rows = 0, n_inputs = 0, n_outputs = 0;
  bool learns = false;

  /// Actions of steps begin .. end-1.
  std::vector<float> run(int begin, int end) const {
    std::vector<float> all;
    std::vector<float> y(static_cast<std::size_t>(n_rows * n_outputs));
    for (int t = begin; t < end; ++t) {
      const std::vector<float> x = observations_at(t, n_rows, n_inputs);
      char error[256];
      const auto status =
          spikelane_step(session, x.data(), x.size(), y.data(), y.size(), error, sizeof error);
      INFO(error);
      REQUIRE(status == SPIKELANE_OK);
      all.insert(all.end(), y.begin(), y.end());
      if (!learns || t % 5 == 4) continue;
      std::vector<float> e = y;
      for (float& value : e) value -= 0.5f;
      REQUIRE(spikelane_learn(session, e.data(), e.size(), nullptr, 0, nullptr, 0) == SPIKELANE_OK);
    }
    return all;
  }
  spikelane_session_info info() const {
    spikelane_session_info filled{};
    filled.struct_size = sizeof filled;
    REQUIRE(spikelane_describe_session(session, &filled, nullptr, 0) == SPIKELANE_OK);
    return filled;
  }
  std::vector<char> save() const {
    std::vector<char> bytes(info().n_state_bytes);
    REQUIRE(spikelane_save_state(session, bytes.data(), bytes.size(), nullptr, 0) == SPIKELANE_OK);
    return bytes;
  }
};

/// `first` and `second` are sessions opened the same way.
void check_restore(const Loop& first, const Loop& second, int t_saved) {
  CAPTURE(t_saved);
  spikelane_reset(first.session, nullptr, 0);
  first.run(0, t_saved);
  const std::vector<char> bytes = first.save();
  CHECK(first.info().n_steps == t_saved);
  const std::vector<float> rest = first.run(t_saved, t_saved + 45);
  const std::vector<char> end = first.save();
  char error[256];
  const auto status =
      spikelane_restore_state(second.session, bytes.data(), bytes.size(), error, sizeof error);
  INFO(error);
  REQUIRE(status == SPIKELANE_OK);
  CHECK(second.save() == bytes);
  CHECK(second.run(t_saved, t_saved + 45) == rest);
  CHECK(second.save() == end);
}

}  // namespace

TEST_CASE("api: states of acting rows go on to the bit, in both layouts") {
  for (const int n_hidden : {70, 40}) {
    ApiPolicy policy(policy_bytes(leaky_config(n_hidden)));
    const Loop a{policy.open(19), 19, 6, 3}, b{policy.open(19), 19, 6, 3};
    check_restore(a, b, 37);
    check_restore(b, a, 64);
    // something has fired, and counts say so
    std::vector<float> counts(static_cast<std::size_t>(19 * n_hidden));
    CHECK(spikelane_read(a.session, 0, SPIKELANE_COUNTS, counts.data(), counts.size(), nullptr,
                         0) == SPIKELANE_OK);
    double n_spikes = 0;
    for (float n : counts) n_spikes += n;
    CHECK(n_spikes > 100);
    spikelane_close(a.session, nullptr, 0);
    spikelane_close(b.session, nullptr, 0);
  }
}

TEST_CASE("api: states of learning rows go on to the bit, within a block and at its end") {
  ApiPolicy policy(policy_bytes(learning_config()));
  INFO(policy.error);
  REQUIRE(policy.status == SPIKELANE_OK);
  Loop loops[2];
  for (Loop& loop : loops) {
    loop = {{}, 3, 5, 2, true};
    spikelane_session_options options = spikelane_default_session_options();
    options.n_rows = 3;
    char error[256];
    const auto status =
        spikelane_open_learning(policy.network, &options, &loop.session, error, sizeof error);
    INFO(error);
    REQUIRE(status == SPIKELANE_OK);
  }
  for (const int t : {3, 8, 16, 21, 40}) check_restore(loops[0], loops[1], t);
  CHECK(loops[1].info().n_updates > 3);
  for (Loop& loop : loops) spikelane_close(loop.session, nullptr, 0);
}

TEST_CASE("api: states of a search go on to the bit") {
  ApiPolicy policy(policy_bytes(leaky_config(40)));
  Loop loops[2];
  for (Loop& loop : loops) {
    loop = {{}, 16, 6, 3};
    spikelane_session_options options = spikelane_default_session_options();
    options.n_rows = 2;
    REQUIRE(spikelane_open_search(policy.network, &options, &loop.session, nullptr, 0) ==
            SPIKELANE_OK);
    CHECK(loop.info().n_members == 8);
    CHECK(loop.info().n_rows == 16);
  }
  const double losses[8] = {3, 1, 4, 1.5, 9, 2, 6, 5};
  CHECK(spikelane_tell(loops[0].session, losses, 8, nullptr, 0) == SPIKELANE_OK);
  check_restore(loops[0], loops[1], 11);
  CHECK(loops[1].info().n_updates == 1);
  // and so does what is told afterwards
  for (Loop& loop : loops)
    CHECK(spikelane_tell(loop.session, losses, 8, nullptr, 0) == SPIKELANE_OK);
  CHECK(loops[0].run(0, 20) == loops[1].run(0, 20));
  for (Loop& loop : loops) spikelane_close(loop.session, nullptr, 0);
}

TEST_CASE("api: states that are damaged or of something else are refused and change nothing") {
  ApiPolicy policy(policy_bytes(leaky_config(70)));
  const Loop loop{policy.open(2), 2, 6, 3}, wider{policy.open(3), 3, 6, 3};
  loop.run(0, 20);
  const std::vector<char> bytes = loop.save();
  loop.run(20, 30);
  const std::vector<char> now = loop.save();
  auto restore = [&](spikelane_session session, const std::vector<char>& from, std::size_t n) {
    return spikelane_restore_state(session, from.data(), n, nullptr, 0);
  };
  // each bit
  std::vector<char> damaged = bytes;
  const std::size_t n_bits = 8 * bytes.size();
  std::size_t n_refused = 0;
  for (std::size_t bit = 0; bit < n_bits; ++bit) {
    const char right = damaged[bit / 8];
    damaged[bit / 8] = static_cast<char>(right ^ (1 << (bit % 8)));
    const auto status = restore(loop.session, damaged, damaged.size());
    n_refused += status == SPIKELANE_ERROR_INPUT || status == SPIKELANE_ERROR_VERSION;
    damaged[bit / 8] = right;
  }
  MESSAGE(n_bits, " flips, ", n_refused, " refused");
  CHECK(n_refused == n_bits);
  for (const std::size_t n : {std::size_t{0}, std::size_t{63}, std::size_t{64}, bytes.size() - 1})
    CHECK(restore(loop.session, bytes, n) == SPIKELANE_ERROR_INPUT);
  CHECK(restore(wider.session, bytes, bytes.size()) == SPIKELANE_ERROR_INPUT);
  CHECK(spikelane_restore_state(loop.session, nullptr, 64, nullptr, 0) == SPIKELANE_ERROR_ARGUMENT);
  std::vector<char> small(bytes.size() - 1);
  CHECK(spikelane_save_state(loop.session, small.data(), small.size(), nullptr, 0) ==
        SPIKELANE_ERROR_ARGUMENT);
  // another net, and the same one with another weight
  ApiPolicy other(policy_bytes(leaky_config(69)));
  Policy changed = start_policy(leaky_config(70));
  changed.parameters[5] += 0.5f;
  ApiPolicy tuned(policy_to_safetensors(changed.config, changed.parameters));
  const Loop of_other{other.open(2), 2, 6, 3}, of_tuned{tuned.open(2), 2, 6, 3};
  CHECK(restore(of_other.session, bytes, bytes.size()) == SPIKELANE_ERROR_INPUT);
  CHECK(restore(of_tuned.session, bytes, bytes.size()) == SPIKELANE_ERROR_INPUT);
  CHECK(loop.save() == now);
  CHECK(restore(loop.session, bytes, bytes.size()) == SPIKELANE_OK);
  for (const Loop& each : {loop, wider, of_other, of_tuned})
    spikelane_close(each.session, nullptr, 0);
}
