#include "engine/device/device_kernl.h"

#include <algorithm>

namespace spikelane {

// null stays null: what is not given
template <class T>
static void point_into(const DeviceMemory& memory, std::int64_t at, T*& pointer) {
  if (pointer) pointer = reinterpret_cast<T*>(memory.data() + at);
}

// returns where the KernlView is
static std::int64_t put_rule(DeviceImage& image, const KernlView& rule, const Plan& plan) {
  const std::int64_t at_learned = image.put(rule.learned, rule.n_learned);
  for (int l = 0; l < rule.n_learned; ++l) {
    const LearnedView& learned = rule.learned[l];
    const auto put = [&](const float* LearnedView::*field, int n_rows) {
      if (!(learned.*field)) return;
      const std::int64_t at = image.put(learned.*field, std::int64_t{n_rows} * learned.n_padded);
      image.point(&(image.at<LearnedView>(at_learned)[l].*field), at);
    };
    for (const auto field :
         {&LearnedView::decay, &LearnedView::slow_decay, &LearnedView::slow_coupling,
          &LearnedView::slow_gain, &LearnedView::rate_error, &LearnedView::slow_rate_error})
      put(field, 1);
    put(&LearnedView::sensitivity, learned.n);
    put(&LearnedView::slow_sensitivity, learned.n);
    put(&LearnedView::feedback, plan.output().n);
  }
  const std::int64_t at_signal = image.put(rule.signal, plan.view().n_steps);
  const std::int64_t at_rule = image.put(&rule, 1);
  image.point(&image.at<KernlView>(at_rule)->learned, at_learned);
  image.point(&image.at<KernlView>(at_rule)->signal, at_signal);
  return at_rule;
}

DeviceKernlTrials::DeviceKernlTrials(const CudaFunctions& cuda, const Plan& plan,
                                     const KernlRule& rule, const KernlConfig& config,
                                     int n_samples, int n_parts_at_once, bool takes_error)
    : cuda_(cuda), plan_(plan) {
  check_cuda(cuda.plan_kernl(largest_population(plan), n_parts_at_once, false, &grid_));
  scratch_ = DeviceScratch(cuda, plan, plan.view().n_steps, grid_.n_teams());
  const auto n_blocks = static_cast<std::size_t>(grid_.n_blocks);
  const auto n_parts =
      static_cast<std::int64_t>((static_cast<std::size_t>(n_samples) + kSumBlock - 1) / kSumBlock);
  const std::size_t n_of_trial = KernlMemory::n_bytes_of_trial(plan, rule, config, takes_error);
  args_.stride = plan.block_stride();
  args_.n_neurons = rule.n_neurons();
  args_.n_samples_of_part = static_cast<int>(kSumBlock);
  char* trials = nullptr;
  const auto place = [&](const auto& take) {
    take(args_.tiles, grid_.n_blocks * plan.view().tile_bytes);
    take(trials, static_cast<std::int64_t>(n_blocks * n_of_trial));
    take(args_.gradients, n_parts_at_once * args_.stride);
    take(sums_, args_.stride);
    take(args_.n_spikes, n_parts * args_.n_neurons);
    take(args_.not_finite, n_parts);
    take(args_.batch.trial.losses, n_samples);
    take(args_.batch.trial.is_correct, n_samples);
  };
  memory_ = DeviceMemory(cuda, bytes_of_arrays(place));
  point_arrays(memory_.data(), place);

  std::vector<HistoryView> histories;
  std::vector<KernlScratch> kernl;
  for (std::size_t block = 0; block < n_blocks; ++block) {
    const auto views =
        KernlMemory::views_in(trials + block * n_of_trial, plan, rule, config, takes_error);
    histories.insert(histories.end(), views.histories.begin(), views.histories.end());
    kernl.push_back(views.kernl);
  }
  DeviceImage image;
  const std::int64_t at_plan = put_plan(image, plan.view());
  const std::int64_t at_histories =
      image.put(histories.data(), static_cast<std::int64_t>(histories.size()));
  const std::int64_t at_kernl = image.put(kernl.data(), static_cast<std::int64_t>(kernl.size()));
  staged_.copy_in(views_memory_, image);
  args_.batch.trial.plan = reinterpret_cast<const PlanView*>(views_memory_.data() + at_plan);
  args_.histories = reinterpret_cast<HistoryView*>(views_memory_.data() + at_histories);
  args_.kernl = reinterpret_cast<const KernlScratch*>(views_memory_.data() + at_kernl);
  args_.scratch = scratch_.views();
}

void DeviceKernlTrials::set_batch(const KernlTrialArgs& batch) {
  const TrialArgs& trial = batch.trial;
  const PlanView& plan = plan_.view();
  DeviceImage image;
  const std::int64_t at_inputs = put_inputs(
      image, plan, {trial.inputs, static_cast<std::size_t>(trial.n_tiles)}, plan.n_steps);
  const std::int64_t at_labels = image.put(trial.labels, trial.labels ? trial.n_tiles : 0);
  const std::int64_t at_parameters = image.put(trial.parameters, plan_.n_block_floats());
  const std::int64_t at_rule = put_rule(image, *batch.rule, plan_);
  const std::int64_t n_errors = batch.given_error ? std::int64_t{trial.n_tiles} * plan.n_steps *
                                                        batch.rule->learned[0].n_padded
                                                  : 0;
  const std::int64_t at_error = image.put(batch.given_error, n_errors);
  staged_.copy_in(batch_memory_, image);

  // everything else is as it was given
  KernlTrialArgs copy = batch;
  point_into(batch_memory_, at_inputs, copy.trial.inputs);
  point_into(batch_memory_, at_labels, copy.trial.labels);
  point_into(batch_memory_, at_parameters, copy.trial.parameters);
  point_into(batch_memory_, at_rule, copy.rule);
  point_into(batch_memory_, at_error, copy.given_error);
  copy.trial.plan = args_.batch.trial.plan;
  copy.trial.losses = args_.batch.trial.losses;
  copy.trial.is_correct = args_.batch.trial.is_correct;
  args_.batch = copy;
}

void DeviceKernlTrials::run(int first_part, int n_parts) {
  args_.first_part = first_part;
  args_.n_parts = n_parts;
  if (n_parts > 0) check_cuda(cuda_.run_kernl_trials(&args_, &grid_));
}

void DeviceKernlTrials::add_to_sums(bool is_first) {
  const CudaPartSumArgs sums{args_.gradients, args_.stride, args_.n_parts, is_first, sums_};
  check_cuda(cuda_.sum_parts(&sums));
}

std::optional<NotFinite> DeviceKernlTrials::read_results(int first_part, int n_parts,
                                                         const KernlResults& results) {
  const int begin = first_part * args_.n_samples_of_part;
  const int end = std::min(begin + n_parts * args_.n_samples_of_part, args_.batch.trial.n_tiles);
  const auto ask = [&](auto* to, const auto* from, std::int64_t first, std::int64_t n) {
    returned_.ask(to + first, from + first, n);
  };
  ask(results.losses, args_.batch.trial.losses, begin, end - begin);
  ask(results.is_correct, args_.batch.trial.is_correct, begin, end - begin);
  ask(results.n_spikes, args_.n_spikes, std::int64_t{first_part} * args_.n_neurons,
      std::int64_t{n_parts} * args_.n_neurons);
  return wait_for_parts(returned_, args_.not_finite + first_part, n_parts);
}

std::optional<NotFinite> DeviceKernlTrials::read_sums(int n_parts, const KernlResults& results,
                                                      double* sums) {
  returned_.ask(sums, sums_, args_.stride);
  return read_results(0, n_parts, results);
}

std::optional<NotFinite> DeviceKernlTrials::read_gradients(const KernlResults& results,
                                                           float* gradients) {
  returned_.ask(gradients, args_.gradients, args_.n_parts * args_.stride);
  return read_results(args_.first_part, args_.n_parts, results);
}

DeviceKernlOnline::DeviceKernlOnline(const CudaFunctions& cuda, const Plan& plan, int n_rows)
    : cuda_(cuda), plan_(plan), n_rows_(n_rows) {
  args_.n_rows_of_part = static_cast<int>(kSumBlock);
  n_parts_ = (n_rows + args_.n_rows_of_part - 1) / args_.n_rows_of_part;
  check_cuda(cuda.plan_kernl(largest_population(plan), n_parts_, true, &grid_));
  scratch_ = DeviceScratch(cuda, plan, 1, grid_.n_teams());
  args_.scratch = scratch_.views();
  const auto place = [&](const auto& take) {
    take(tiles_, n_rows * plan.view().tile_bytes);
    take(args_.not_finite, n_parts_);
    take(sums_, plan.n_block_floats() + kLanes);
  };
  state_memory_ = DeviceMemory(cuda, bytes_of_arrays(place));
  point_arrays(state_memory_.data(), place);
  DeviceImage image;
  const std::int64_t at_plan = put_plan(image, plan.view());
  staged_.copy_in(plan_memory_, image);
  args_.batch.trial.plan = reinterpret_cast<const PlanView*>(plan_memory_.data() + at_plan);
}

char* DeviceKernlOnline::take(std::size_t n_bytes) {
  memory_ = DeviceMemory(cuda_, n_bytes);
  return memory_.data();
}

void DeviceKernlOnline::set_views(std::span<const KernlOnlineRow> rows,
                                  std::span<const HistoryView> histories,
                                  std::span<const KernlScratch> kernl,
                                  std::span<const KernlOnlineScratch> online) {
  DeviceImage image;
  const auto put = [&](const auto& views) {
    return image.put(views.data(), static_cast<std::int64_t>(views.size()));
  };
  const std::int64_t at_rows = put(rows), at_histories = put(histories), at_kernl = put(kernl),
                     at_online = put(online);
  staged_.copy_in(views_memory_, image);
  const char* base = views_memory_.data();
  args_.batch.rows = reinterpret_cast<const KernlOnlineRow*>(base + at_rows);
  args_.batch.histories = reinterpret_cast<HistoryView*>(views_memory_.data() + at_histories);
  args_.kernl = reinterpret_cast<const KernlScratch*>(base + at_kernl);
  args_.online = reinterpret_cast<const KernlOnlineScratch*>(base + at_online);
}

void DeviceKernlOnline::reset(const char* tiles) {
  check_cuda(cuda_.fill(memory_.data(), 0, memory_.size()));
  staged_.copy_in(tiles_, tiles, static_cast<std::size_t>(n_rows_ * plan_.view().tile_bytes));
  // all finite: each population is -1
  check_cuda(cuda_.fill(args_.not_finite, 0xff,
                        static_cast<std::size_t>(n_parts_) * sizeof *args_.not_finite));
}

void DeviceKernlOnline::run(const KernlOnlineArgs& all, int first_part, int end_part,
                            int n_input_steps, std::uint64_t inputs_number, float* gradients,
                            std::int64_t stride) {
  const TrialArgs& trial = all.trial;
  const auto n_rows = static_cast<std::size_t>(n_rows_);
  KernlOnlineArgs copy = all;
  if (inputs_number == 0 || inputs_number != inputs_number_) {
    DeviceImage image;
    const std::int64_t at_inputs =
        put_inputs(image, plan_.view(), {trial.inputs, n_rows}, n_input_steps);
    const std::int64_t at_labels = image.put(trial.labels, trial.labels ? n_rows_ : 0);
    staged_.copy_in(inputs_memory_, image);
    inputs_number_ = inputs_number;
    at_inputs_ = at_inputs;
    at_labels_ = at_labels;
  }
  DeviceImage image;
  const std::int64_t at_parameters = image.put(trial.parameters, plan_.n_block_floats());
  const std::int64_t at_rule = put_rule(image, *all.rule, plan_);
  const std::int64_t at_error =
      image.put(all.given_error, all.given_error ? n_rows_ * all.rule->learned[0].n_padded : 0);
  staged_.copy_in(rule_memory_, image);
  point_into(inputs_memory_, at_inputs_, copy.trial.inputs);
  point_into(inputs_memory_, at_labels_, copy.trial.labels);
  point_into(rule_memory_, at_parameters, copy.trial.parameters);
  point_into(rule_memory_, at_rule, copy.rule);
  point_into(rule_memory_, at_error, copy.given_error);
  copy.trial.plan = args_.batch.trial.plan;
  copy.trial.tiles = tiles_;
  copy.rows = args_.batch.rows;
  copy.histories = args_.batch.histories;
  args_.batch = copy;
  args_.gradients = gradients;
  args_.stride = stride;
  args_.first_part = first_part;
  args_.n_parts = end_part - first_part;
  if (args_.n_parts > 0) check_cuda(cuda_.run_kernl_online(&args_, &grid_));
}

std::optional<NotFinite> DeviceKernlOnline::wait_for_returned() {
  not_finite_.resize(static_cast<std::size_t>(n_parts_));
  returned_.ask(not_finite_.data(), args_.not_finite, n_parts_);
  returned_.wait();
  std::optional<NotFinite> first;
  for (const NotFinite& at : not_finite_)
    if (at.population >= 0 && (!first || at.step < first->step)) first = at;
  return first;
}

std::optional<NotFinite> DeviceKernlOnline::read_tiles(char* tiles) {
  returned_.ask(tiles, tiles_, n_rows_ * plan_.view().tile_bytes);
  return wait_for_returned();
}

std::optional<NotFinite> DeviceKernlOnline::take_sums(float* gradients, std::int64_t stride,
                                                      std::vector<double>& sums) {
  const CudaPartSumArgs args{gradients, stride, n_parts_, true, sums_};
  check_cuda(cuda_.sum_parts(&args));
  check_cuda(cuda_.fill(gradients, 0, static_cast<std::size_t>(n_parts_ * stride) * sizeof(float)));
  sums.resize(static_cast<std::size_t>(stride));
  returned_.ask(sums.data(), sums_, stride);
  return wait_for_returned();
}

std::optional<NotFinite> DeviceKernlOnline::take_gradients(float* gradients, std::int64_t stride,
                                                           std::vector<float>& copy) {
  copy.resize(static_cast<std::size_t>(n_parts_ * stride));
  returned_.ask(copy.data(), gradients, n_parts_ * stride);
  const auto first = wait_for_returned();
  check_cuda(cuda_.fill(gradients, 0, copy.size() * sizeof(float)));
  return first;
}

}  // namespace spikelane
