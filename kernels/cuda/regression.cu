// KeRNL's regression on CUDA: a block takes a part of the batch, whose samples follow one another
// where every step is scored; else a block takes a sample, and the last steps are scored in parts
// of 8 afterwards. Gradient and update go over the rows of M and g. The phases are those of
// kernels/step.
#include <algorithm>

#include "kernels/cuda/cuda_machines.cuh"
#include "kernels/cuda/kernl_args.h"
#include "kernels/cuda/memory.cuh"
#include "kernels/step/kernl_parts.h"
#include "kernels/step/kernl_regression.h"
#include "kernels/step/lane_workers.h"

namespace spikelane::SPIKELANE_ISA {

/// Calls run(team, part_args) for each part that this block takes, with its losses and sums zero.
template <class Run>
__device__ __forceinline__ void take_parts(const CudaRegressionArgs& args, bool has_sums,
                                           const Run& run) {
  __shared__ RegressionArgs part_args;
  __shared__ RegressionScratch regression;
  __shared__ ScratchView scratch, copy_scratch;
  __shared__ CurrentTap tap, copy_tap;
  const LaneWorkers<Block> team;
  const RegressionView& rule = *args.batch.rule;
  const auto i_block = static_cast<int>(blockIdx.x);
  if (team.is_leader()) {
    regression = args.scratch_of_rule[i_block];
    scratch = args.scratch[i_block];
    tap = tap_of_net(rule, regression);
    scratch.tap = &tap;
    if (rule.is_spiking_copy) {
      copy_scratch = args.scratch[gridDim.x + i_block];
      copy_tap = tap_of_copy(rule, regression);
      copy_scratch.tap = &copy_tap;
      const int64_t tile_bytes = args.batch.trial.plan->tile_bytes;
      regression.copy_tile = args.tiles + (int64_t{gridDim.x} + i_block) * tile_bytes;
      regression.copy_scratch = &copy_scratch;
    }
  }
  const int64_t n_sums = has_sums ? sum_stride(rule) : 0;
  for (int i = i_block; i < args.n_parts; i += static_cast<int>(gridDim.x)) {
    const int part = args.first_part + i;
    const int begin = part * args.n_samples_of_part;
    const int n_left = args.batch.trial.n_tiles - begin;
    const int n = n_left < args.n_samples_of_part ? n_left : args.n_samples_of_part;
    float* sums = args.sums + part * n_sums;
    for (int64_t at = team.worker(); at < n_sums; at += team.n_workers()) sums[at] = 0.0f;
    team.sync();
    if (team.is_leader()) {
      part_args = args.batch;
      take_part(part_args, begin, begin + n);
      part_args.trial.tiles = args.tiles + i_block * args.batch.trial.plan->tile_bytes;
      part_args.trial.scratch = &scratch;
      part_args.trial.not_finite = args.not_finite + part;
      part_args.scratch = &regression;
      point_sums(rule, sums, part_args.sums);
      for (int k = 0; has_sums && k < n; ++k) part_args.losses[k] = 0.0;
    }
    team.sync();
    run(team, part_args);
  }
}

// needs a few registers more than half a multiprocessor leaves
__global__ void __launch_bounds__(256, 1) run_regression_kernel(CudaRegressionArgs args) {
  take_parts(args, args.batch.rule->is_every_step,
             [](const auto& team, const RegressionArgs& part) {
               if (team.is_leader()) part.trial.not_finite->population = -1;
               run_regression(team, part);
             });
}

__global__ void __launch_bounds__(256, 2) score_regression_kernel(CudaRegressionArgs args) {
  take_parts(args, true, [](const auto& team, const RegressionArgs& part) {
    score_rows(team, RegressionScoreArgs{part.rule, part.scratch, &part.rows, part.trial.n_tiles,
                                         &part.sums, part.losses, 1});
  });
}

// a block a row of M, source after source and filter after filter, or a filter's row of g
struct RuleRow {
  int filter, source;  // source n: g
  int64_t in_part, in_vector;
};
__device__ __forceinline__ RuleRow rule_row(const RegressionView& rule, int row) {
  const int n = rule.n, n_tensor = rule.n_filters * n;
  const int filter = row < n_tensor ? row / n : row - n_tensor;
  const int source = row < n_tensor ? row % n : n;
  return {filter, source, (int64_t{filter} * (n + 1) + source) * rule.n_padded, int64_t{row} * n};
}

__global__ void __launch_bounds__(256) regression_gradient_kernel(CudaRegressionUpdateArgs a) {
  const RegressionView& rule = *a.rule;
  const int64_t stride = sum_stride(rule);
  const RuleRow row = rule_row(rule, static_cast<int>(blockIdx.x));
  for (auto i = static_cast<int>(threadIdx.x); i < rule.n; i += static_cast<int>(blockDim.x)) {
    double sum = 0.0;
    for (int part = 0; part < a.n_parts; ++part)
      sum += static_cast<double>(a.sums[part * stride + row.in_part + i]);
    a.gradient[row.in_vector + i] = static_cast<float>(-2.0 * sum / a.n_terms);
  }
}

__global__ void __launch_bounds__(256, 2) regression_update_kernel(CudaRegressionUpdateArgs a) {
  const RegressionView& rule = *a.rule;
  const RuleRow row = rule_row(rule, static_cast<int>(blockIdx.x));
  const RegressionFilterView& filter = rule.filters[row.filter];
  const int64_t begin = row.in_vector + threadIdx.x, end = row.in_vector + rule.n;
  const int64_t n_padded = rule.n_padded;
  const bool is_filter = row.source == rule.n;
  if (a.steps && is_filter)
    step_entries(a.step_of_filter, a.gradient, a.parameters, a.first, a.second, begin, end,
                 blockDim.x);
  else if (a.steps)
    step_entries(a.step_of_tensor, a.gradient, a.parameters, a.first, a.second, begin, end,
                 blockDim.x);
  for (int64_t i = begin; i < end; i += blockDim.x) {
    const auto target = static_cast<int>(i - row.in_vector);
    const float value = a.parameters[i];
    if (is_filter) {
      filter.decay[target] = static_cast<float>(own_exp(-static_cast<double>(value)));
    } else {
      filter.sensitivity[row.source * n_padded + target] = value;
      filter.transposed[target * n_padded + row.source] = value;
    }
  }
}

}  // namespace spikelane::SPIKELANE_ISA

namespace spikelane::cuda {

using namespace SPIKELANE_ISA;

static const NamedKernel named_kernels[] = {
    {"regression, samples", pointer_of(run_regression_kernel)},
    {"regression, scoring", pointer_of(score_regression_kernel)},
    {"regression, gradient", pointer_of(regression_gradient_kernel)},
    {"regression, update", pointer_of(regression_update_kernel)}};

constexpr int kRowThreads = 256;

const char* plan_regression(int n_largest, int n_parts, CudaGrid* grid) {
  return plan_parts(pointer_of(run_regression_kernel), n_largest, n_parts, grid);
}

const char* run_regression(const CudaRegressionArgs* args, const CudaGrid* grid) {
  launch(run_regression_kernel, grid->n_blocks, grid->n_threads, 0, *args);
  return text_of(cudaGetLastError(), "launching the samples of a regression");
}

const char* score_regression(const CudaRegressionArgs* args, const CudaGrid* grid) {
  launch(score_regression_kernel, std::min(grid->n_blocks, args->n_parts), grid->n_threads, 0,
         *args);
  return text_of(cudaGetLastError(), "launching the scoring of a regression");
}

const char* find_regression_gradient(const CudaRegressionUpdateArgs* args, int n_rows) {
  launch(regression_gradient_kernel, static_cast<unsigned>(n_rows), kRowThreads, 0, *args);
  return text_of(cudaGetLastError(), "launching the gradient of a regression");
}

const char* update_regression(const CudaRegressionUpdateArgs* args, int n_rows) {
  launch(regression_update_kernel, static_cast<unsigned>(n_rows), kRowThreads, 0, *args);
  return text_of(cudaGetLastError(), "launching the update of a regression");
}

}  // namespace spikelane::cuda
