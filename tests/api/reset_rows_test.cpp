// Rows that begin again while the others go on: in both layouts, in a search, and where they learn.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/run/kernl_online.h"
#include "tests/api/learning_config.h"
#include "tests/api/policies.h"

using namespace spikelane;
using namespace spikelane::test;

namespace {

constexpr int kInputs = 6, kOutputs = 3;

/// Actions (R, O) of a step with the inputs of step t.
std::vector<float> actions_at(spikelane_session session, int n_rows, int t) {
  const std::vector<float> x = observations_at(t, n_rows, kInputs);
  std::vector<float> y(static_cast<std::size_t>(n_rows * kOutputs));
  REQUIRE(spikelane_step(session, x.data(), x.size(), y.data(), y.size(), nullptr, 0) ==
          SPIKELANE_OK);
  return y;
}

std::vector<float> field_of(spikelane_session session, int n_rows, int n, int field) {
  std::vector<float> values(static_cast<std::size_t>(n_rows * n));
  REQUIRE(spikelane_read(session, 0, field, values.data(), values.size(), nullptr, 0) ==
          SPIKELANE_OK);
  return values;
}

/// `begun` has run for a while, `fresh` not at all, `other` as `begun`: then some rows of the first
/// are as those of the second, the others as those of the third.
void check_rows(spikelane_session begun, spikelane_session fresh, spikelane_session other,
                int n_rows, int n_hidden, const std::vector<std::int32_t>& rows) {
  // after whole periods of 16 steps not even the smallest values differ
  for (int t = 0; t < 48; ++t) {
    actions_at(begun, n_rows, t);
    actions_at(other, n_rows, t);
  }
  char error[256];
  const auto status = spikelane_reset_rows(begun, rows.data(), rows.size(), error, sizeof error);
  INFO(error);
  REQUIRE(status == SPIKELANE_OK);
  std::vector<bool> is_reset(static_cast<std::size_t>(n_rows), false);
  for (const std::int32_t row : rows) is_reset[static_cast<std::size_t>(row)] = true;
  int n_wrong = 0, n_apart = 0;
  const auto compare = [&](const std::vector<float>& a, const std::vector<float>& b,
                           const std::vector<float>& c) {
    const std::size_t n = a.size() / is_reset.size();
    for (std::size_t i = 0; i < a.size(); ++i) {
      n_wrong += a[i] != (is_reset[i / n] ? b[i] : c[i]);
      n_apart += b[i] != c[i];
    }
  };
  for (int t = 0; t < 30; ++t)
    compare(actions_at(begun, n_rows, t), actions_at(fresh, n_rows, t),
            actions_at(other, n_rows, t));
  for (const int field : {SPIKELANE_COUNTS, SPIKELANE_SPIKES, SPIKELANE_MEMBRANE})
    compare(field_of(begun, n_rows, n_hidden, field), field_of(fresh, n_rows, n_hidden, field),
            field_of(other, n_rows, n_hidden, field));
  CHECK(n_wrong == 0);
  CHECK(n_apart > 100);
  for (const spikelane_session session : {begun, fresh, other})
    spikelane_close(session, nullptr, 0);
}

// steps begin .. end-1 of some rows, each with inputs and errors of its own number
void run(KernlOnline& learner, const float* block, const std::vector<int>& numbers, int begin,
         int end, bool ends_trial) {
  for (int t = begin; t < end; ++t) {
    std::vector<float> x, error;
    for (const int number : numbers) {
      for (int i = 0; i < 5; ++i)
        x.push_back(0.6f + 0.6f * std::sin(0.7f * static_cast<float>(t + 3 * i + 5 * number)));
      for (int o = 0; o < 2; ++o)
        error.push_back(std::cos(0.3f * static_cast<float>(t + 2 * o + number)));
    }
    learner.act(block, x);
    learner.learn(block, error, ends_trial && t + 1 == end);
  }
}

}  // namespace

TEST_CASE("api: rows that are reset begin again, the others go on") {
  for (const int n_hidden : {70, 40}) {
    ApiPolicy policy(policy_bytes(leaky_config(n_hidden)));
    const spikelane_session begun = policy.open(19), fresh = policy.open(19),
                            other = policy.open(19);
    check_rows(begun, fresh, other, 19, n_hidden, {18, 0, 7, 7});
  }
  ApiPolicy policy(policy_bytes(leaky_config(40)));
  spikelane_session sessions[3];
  spikelane_session_options options = spikelane_default_session_options();
  options.n_rows = 2;
  for (spikelane_session& session : sessions)
    REQUIRE(spikelane_open_search(policy.network, &options, &session, nullptr, 0) == SPIKELANE_OK);
  check_rows(sessions[0], sessions[1], sessions[2], 16, 40, {3, 8, 15});
}

TEST_CASE("api: rows to reset that are not there are refused, and no row is reset") {
  ApiPolicy policy(policy_bytes(leaky_config(40)));
  const spikelane_session session = policy.open(3), twin = policy.open(3);
  for (int t = 0; t < 20; ++t) CHECK(actions_at(session, 3, t) == actions_at(twin, 3, t));
  char error[256];
  for (const std::int32_t bad : {-1, 3}) {
    const std::int32_t rows[] = {1, bad};
    CHECK(spikelane_reset_rows(session, rows, 2, error, sizeof error) == SPIKELANE_ERROR_ARGUMENT);
    CHECK(std::string(error) ==
          "rows[1]: found " + std::to_string(bad) + "; allowed: an integer from 0 to 2");
  }
  CHECK(spikelane_reset_rows(session, nullptr, 2, error, sizeof error) == SPIKELANE_ERROR_ARGUMENT);
  CHECK(std::string(error) == "rows: found NULL");
  for (int t = 20; t < 40; ++t) CHECK(actions_at(session, 3, t) == actions_at(twin, 3, t));
  spikelane_close(session, nullptr, 0);
  spikelane_close(twin, nullptr, 0);
  const std::int32_t row = 0;
  CHECK(spikelane_reset_rows(session, &row, 1, error, sizeof error) == SPIKELANE_ERROR_HANDLE);
}

TEST_CASE("api: a learning row that is reset within a block learns from what it did before") {
  const Policy policy = start_policy(learning_config());
  const KernlConfig& kernl = policy.config.rule.kernl;
  const auto plan = compile_plan(policy.config.network, LossConfig{}, kernl.k_steps,
                                 for_learning(PlanOptions{}, true));
  const KernelTable& kernels = *find_kernels("");
  KernlRule rule(*plan, kernels, kernl, policy.config.seed);
  AlignedMemory memory(static_cast<std::size_t>(plan->n_block_floats()) * sizeof(float));
  auto* block = reinterpret_cast<float*>(memory.data());
  plan->fill_block(policy.parameters.data(), block);
  rule.follow_weights(block);
  ThreadPool pool(1);
  // within a block, at its end, and after the first step of one
  for (const int t_reset : {13, 16, 17}) {
    CAPTURE(t_reset);
    KernlOnline both(*plan, rule, kernl, kernels, pool, 2, true);
    KernlOnline alone(*plan, rule, kernl, kernels, pool, 1, true);
    std::vector<float> together(policy.parameters.size()), parts = together;
    run(both, block, {0, 1}, 0, t_reset, false);
    both.reset_row(block, 1);
    run(both, block, {0, 1}, t_reset, 32, false);
    both.take_gradient(together);
    run(alone, block, {0}, 0, 32, false);
    alone.take_gradient(parts);
    // what follows the reset is a trial of its own, in blocks that begin elsewhere
    for (const auto& [begin, end] : {std::pair{0, t_reset}, {t_reset, 32}}) {
      alone.reset();
      run(alone, block, {1}, begin, end, true);
      alone.take_gradient(parts);
    }
    double n_spikes = 0.0;
    for (const std::int64_t n : both.n_spikes()) n_spikes += static_cast<double>(n);
    CHECK(n_spikes > 10);
    for (const ParameterTensor& tensor : plan->parameter_tensors()) {
      CAPTURE(tensor.name);
      double largest = 0.0, difference = 0.0;
      for (auto i = static_cast<std::size_t>(tensor.begin);
           i < static_cast<std::size_t>(tensor.end); ++i) {
        largest = std::max(largest, std::fabs(static_cast<double>(parts[i])));
        difference = std::max(difference, std::fabs(static_cast<double>(parts[i] - together[i])));
      }
      CHECK(largest > 0.0);
      CHECK(difference <= 2e-5 * largest);
    }
  }
}
