// Records on CUDA: the kernel writes what the CPU writes, byte for byte, however the trial is cut
// into windows.
#include <doctest/doctest.h>

#include "engine/config/parse_config.h"
#include "engine/learning/members.h"
#include "tasks/load_task.h"
#include "tests/cuda/cuda_kernels.h"
#include "tests/run/records.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {

TEST_CASE("cuda: a record is that of the CPU, byte for byte, in both layouts") {
  const KernelTable* cuda = cuda_kernels_or_skip();
  if (!cuda) return;
  const KernelTable& cpu = *find_kernels("");
  ThreadPool pool(1);
  // a row a warp, and one a block; with alif and a readout
  for (const char* text : {kTinyConfig, kRecurrentConfig, kKernlConfig}) {
    const RunConfig config = parse_config(text, "config.json");
    const TaskData data = load_task(config);
    for (const LayoutChoice layout : {LayoutChoice::kSampleLanes, LayoutChoice::kNeuronLanes}) {
      PlanOptions plan_options;
      plan_options.layout = layout;
      const auto plan = compile_plan(config.network, config.loss, data.test.n_steps, plan_options);
      const std::vector<float> parameters = draw_start(cpu, *plan, config.seed);
      EvaluationOptions options;
      options.n_samples = 19;
      options.record = all_fields(config.network);
      const auto evaluate_on = [&](const KernelTable& kernels, std::size_t n_device_bytes) {
        options.n_device_record_bytes = n_device_bytes;
        return evaluate(config, plan_options, kernels, pool, data.test, parameters, options);
      };
      const Evaluation expected = evaluate_on(cpu, 0);
      const auto n_bytes = static_cast<std::size_t>(
          n_record_bytes(options.record, options.n_samples, data.test.n_steps));
      // one launch; three and a bit; one a step
      for (const std::size_t n_device_bytes : {n_bytes, n_bytes * 2 / 7, std::size_t{1}}) {
        CAPTURE(text);
        CAPTURE(static_cast<int>(layout));
        CAPTURE(n_device_bytes);
        const std::int64_t n_before = n_launches_of("recorded");
        const Evaluation evaluation = evaluate_on(*cuda, n_device_bytes);
        const std::int64_t n_launches = n_launches_of("recorded") - n_before;
        CHECK(n_launches == (n_device_bytes == n_bytes ? 1
                             : n_device_bytes == 1     ? data.test.n_steps
                                                       : 4));
        CHECK(evaluation.state_hash == expected.state_hash);
        CHECK(evaluation.scores.loss == expected.scores.loss);
        REQUIRE(evaluation.record.size() == expected.record.size());
        for (std::size_t i = 0; i < expected.record.size(); ++i) {
          CAPTURE(options.record[i].name);
          CHECK(has_other_than_zeros(expected.record[i].bytes));
          CHECK(evaluation.record[i].bytes == expected.record[i].bytes);
        }
      }
    }
  }
}

}  // namespace spikelane::test
