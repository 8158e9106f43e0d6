// Trial mode's memory: the batch is cut so that it fits rule.max_memory_mib, which changes no bit;
// a trial that does not fit is refused with what it needs.
#include <doctest/doctest.h>

#include "engine/config/user_error.h"
#include "engine/run/kernl_trainer.h"
#include "tests/run/kernl_net.h"

namespace spikelane::test {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

RunConfig config_of(const Net& net) {
  RunConfig config;
  config.seed = 3;
  config.network = net.network;
  config.loss = net.loss;
  config.rule.kind = RuleKind::kKernl;
  config.rule.kernl.batch = 40;
  return config;
}

}  // namespace

TEST_CASE("kernl: a batch cut to fit the memory has the same bits") {
  Net net = make_net();
  net.data = random_events({44, kSteps, kInputs, kOutputs, 7}, 0.2, 44, 0.2);
  RunConfig config = config_of(net);
  const KernelTable& kernels = *find_kernels("");
  ThreadPool pool(2);
  KernlTrainer whole(config, {}, kernels, pool, net.data);
  const double n_left = n_bytes_for_gradients(
      whole.plan(), KernlRule(whole.plan(), kernels, config.rule.kernl, 3), config.rule.kernl, 2);
  const double n_histories = config.rule.kernl.max_memory_mib * kMiB - n_left;
  const double n_part = static_cast<double>(whole.plan().n_block_floats() + 2 * kLanes) * 4.0;
  for (int i = 0; i < 3; ++i) whole.update();
  // 5 parts of 8 samples: one at a time, two, four
  for (const int n_at_once : {1, 2, 4}) {
    config.rule.kernl.max_memory_mib = (n_histories + n_at_once * n_part) / kMiB;
    KernlTrainer cut(config, {}, kernels, pool, net.data);
    for (int i = 0; i < 3; ++i) cut.update();
    CAPTURE(n_at_once);
    CHECK(cut.state_hash() == whole.state_hash());
    CHECK(cut.n_bytes() < whole.n_bytes());
  }
  CHECK(whole.firing_rate() > 0.01);
}

TEST_CASE("kernl: a trial that does not fit the memory is refused with its need") {
  const Net net = make_net();
  RunConfig config = config_of(net);
  config.rule.kernl.batch = 8;
  config.rule.kernl.max_memory_mib = 0.01;
  ThreadPool pool(3);
  try {
    const KernlTrainer trainer(config, {}, *find_kernels(""), pool, net.data);
    FAIL("not refused");
  } catch (const UserError& error) {
    REQUIRE(error.problems().size() == 1);
    CHECK(error.problems()[0].place == "rule.max_memory_mib");
    CHECK(error.problems()[0].value == "0.01");
    const std::string allowed = error.problems()[0].allowed;
    CHECK(allowed.find("at least ") == 0);
    CHECK(allowed.find("a trial of 61 steps on each of 3 threads") != std::string::npos);
  }
}

}  // namespace spikelane::test
