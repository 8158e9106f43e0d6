// One table for training by KeRNL and e-prop, as hash_table_test.cpp is for the step: every rule
// has one state hash after a few updates, on any instruction set, number of threads and layout
// asked for. The gradients themselves are held against golden data and oracles elsewhere.
#include <doctest/doctest.h>

#include "tests/run/kernl_cases.h"

namespace spikelane::test {
namespace {

constexpr int kThinning = SPIKELANE_IS_SANITIZED ? 7 : 1;

}  // namespace

TEST_CASE("kernl: one hash a rule for every ISA, layout asked for and number of threads") {
  const Net net = make_net();
  int i_run = 0;
  for (const TrainedCase& c : trained_cases()) {
    const RunConfig config = config_of(c, net);
    bool is_told = false;
    for (const KernelTable* kernels : runnable_kernels())
      for (int n_threads = 1; n_threads <= 4; ++n_threads) {
        if (i_run++ % kThinning != 0) continue;
        const LayoutChoice layout =
            i_run % 2 == 0 ? LayoutChoice::kSampleLanes : LayoutChoice::kNeuronLanes;
        INFO(std::string(c.name), ", ", std::string(kernels->isa), ", ", n_threads, " threads");
        double firing_rate = 0.0;
        const std::string hash =
            train_hash(config, layout, *kernels, n_threads, net.data, &firing_rate);
        CHECK(firing_rate > 0.01);
        CHECK(firing_rate < 0.5);
        CHECK(hash == c.hash);
        if (hash != c.hash && !is_told) MESSAGE(std::string(c.name), ": \"", hash, "\"");
        is_told = true;
      }
  }
}

}  // namespace spikelane::test
