#include "engine/device/device_regression.h"

#include <algorithm>

#include "engine/learning/regression_memory.h"
#include "engine/learning/sums.h"
#include "kernels/step/kernl_parts.h"

namespace spikelane {

constexpr int kPart = static_cast<int>(kSumBlock);

DeviceRegression::DeviceRegression(const CudaFunctions& cuda, const Plan& plan,
                                   const RegressionView& rule, Optimiser& optimiser)
    : cuda_(cuda),
      plan_(plan),
      rule_(rule),
      parameters_(cuda, optimiser, std::int64_t{n_rows()} * rule.n) {
  const auto place = [&](const auto& take) { place_regression_filters(rule_, take); };
  memory_ = DeviceMemory(cuda, bytes_of_arrays(place));
  point_arrays(memory_.data(), place);
  DeviceImage image;
  const std::int64_t at_plan = put_plan(image, plan.view()), at_rule = image.put(&rule_, 1);
  staged_.copy_in(constants_memory_, image);
  device_plan_ = reinterpret_cast<const PlanView*>(constants_memory_.data() + at_plan);
  update_.rule = reinterpret_cast<const RegressionView*>(constants_memory_.data() + at_rule);
  update_.parameters = parameters_.values();
  update_.gradient = parameters_.gradient();
  update_.first = parameters_.first();
  update_.second = parameters_.second();
}

void DeviceRegression::write(std::span<const float> parameters) {
  parameters_.write(parameters);
  update_.steps = 0;
  check_cuda(cuda_.update_regression(&update_, n_rows()));
}

void DeviceRegression::make_room(int n_samples) {
  if (n_samples <= n_samples_) return;
  check_cuda(cuda_.wait());
  n_samples_ = n_samples;
  const int n_parts = (n_samples + kPart - 1) / kPart;
  check_cuda(cuda_.plan_regression(largest_population(plan_),
                                   rule_.is_every_step ? n_parts : n_samples, &grid_));
  const int n_nets = grid_.n_blocks * (rule_.is_spiking_copy ? 2 : 1);
  scratch_ = DeviceScratch(cuda_, plan_, 1, n_nets);
  std::vector<RegressionScratch> scratches(static_cast<std::size_t>(grid_.n_blocks));
  args_ = {};
  const auto place = [&](const auto& take) {
    for (RegressionScratch& scratch : scratches) place_regression_scratch(rule_, scratch, take);
    if (!rule_.is_every_step) place_regression_rows(rule_, n_samples, args_.batch.rows, take);
    take(args_.tiles, n_nets * plan_.view().tile_bytes);
    take(args_.sums, n_parts * sum_stride(rule_));
    take(args_.batch.losses, n_samples);
    take(args_.not_finite, n_samples);
  };
  room_memory_ = DeviceMemory();
  room_memory_ = DeviceMemory(cuda_, bytes_of_arrays(place));
  point_arrays(room_memory_.data(), place);
  DeviceImage image;
  image.put(scratches.data(), grid_.n_blocks);
  staged_.copy_in(views_memory_, image);
  args_.scratch_of_rule = reinterpret_cast<const RegressionScratch*>(views_memory_.data());
  args_.scratch = scratch_.views();
  update_.sums = args_.sums;
}

void DeviceRegression::run(const RegressionArgs& batch, int first_part, int end_part) {
  const int n_samples = batch.trial.n_tiles;
  make_room(n_samples);
  const PlanView& plan = plan_.view();
  DeviceImage image;
  const std::int64_t at_inputs = put_inputs(
      image, plan, {batch.trial.inputs, static_cast<std::size_t>(n_samples)}, plan.n_steps);
  const std::int64_t at_parameters = image.put(batch.trial.parameters, plan_.n_block_floats());
  const std::int64_t n_noise =
      batch.given_noise ? std::int64_t{n_samples} * plan.n_steps * rule_.n_padded : 0;
  const std::int64_t at_noise = image.put(batch.given_noise, n_noise);
  staged_.copy_in(batch_memory_, image);

  const char* base = batch_memory_.data();
  RegressionArgs& copy = args_.batch;
  copy.trial = batch.trial;
  copy.trial.plan = device_plan_;
  copy.trial.inputs = reinterpret_cast<const InputView*>(base + at_inputs);
  copy.trial.parameters = reinterpret_cast<const float*>(base + at_parameters);
  copy.rule = update_.rule;
  copy.update = batch.update;
  copy.given_noise = n_noise > 0 ? reinterpret_cast<const float*>(base + at_noise) : nullptr;

  first_sample_ = first_part * kPart;
  end_sample_ = std::min(end_part * kPart, n_samples);
  if (first_part >= end_part) return;
  args_.n_samples_of_part = rule_.is_every_step ? kPart : 1;
  args_.first_part = rule_.is_every_step ? first_part : first_sample_;
  args_.n_parts = rule_.is_every_step ? end_part - first_part : end_sample_ - first_sample_;
  check_cuda(cuda_.run_regression(&args_, &grid_));
  if (rule_.is_every_step) return;
  CudaRegressionArgs last_steps = args_;
  last_steps.n_samples_of_part = kPart;
  last_steps.first_part = first_part;
  last_steps.n_parts = end_part - first_part;
  check_cuda(cuda_.score_regression(&last_steps, &grid_));
}

// the last run's rows of an array that has n values a sample
template <class T>
void DeviceRegression::ask_of_samples(T* to, const T* from, std::int64_t n) {
  returned_.ask(to + first_sample_ * n, from + first_sample_ * n,
                (end_sample_ - first_sample_) * n);
}

std::optional<NotFinite> DeviceRegression::read_losses(std::span<double> losses, float* sums) {
  if (first_sample_ >= end_sample_) return std::nullopt;
  ask_of_samples(losses.data(), args_.batch.losses, 1);
  if (sums) {
    const std::int64_t stride = sum_stride(rule_);
    const int begin = first_sample_ / kPart, end = (end_sample_ + kPart - 1) / kPart;
    returned_.ask(sums + begin * stride, args_.sums + begin * stride, (end - begin) * stride);
  }
  return wait_for_parts(returned_, args_.not_finite + args_.first_part, args_.n_parts);
}

void DeviceRegression::read_rows(const RegressionRows& rows) {
  const auto ask = [&](float* to, const float* from) { ask_of_samples(to, from, rule_.n_padded); };
  ask(rows.target, args_.batch.rows.target);
  for (int f = 0; f < rule_.n_filters; ++f) {
    ask(rows.theta[f], args_.batch.rows.theta[f]);
    ask(rows.Gamma[f], args_.batch.rows.Gamma[f]);
  }
  returned_.wait();
}

void DeviceRegression::find_gradient(int n_parts, double n_terms) {
  update_.n_parts = n_parts;
  update_.n_terms = n_terms;
  check_cuda(cuda_.find_regression_gradient(&update_, n_rows()));
}

void DeviceRegression::update(std::span<const OptimiserStep> steps) {
  update_.steps = 1;
  update_.step_of_tensor = steps[0];
  update_.step_of_filter = steps[1];
  check_cuda(cuda_.update_regression(&update_, n_rows()));
}

}  // namespace spikelane
