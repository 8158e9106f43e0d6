#include "engine/device/device_trials.h"

#include <algorithm>
#include <cstring>

namespace spikelane {

DeviceTrials::DeviceTrials(const CudaFunctions& cuda, const Plan& plan, int n_members,
                           int n_samples, int max_window, bool keeps_state, bool draws)
    : cuda_(cuda),
      plan_(plan),
      n_members_(n_members),
      n_samples_(n_samples),
      n_tiles_((n_samples + plan.lanes_per_tile() - 1) / plan.lanes_per_tile()),
      keeps_state_(keeps_state),
      draws_(draws) {
  const PlanView& view = plan.view();
  const std::int64_t block_stride = (plan.n_block_floats() + kLanes - 1) / kLanes * kLanes;
  int n_largest = 0;
  bool has_table = false;
  for (int p = 0; p < view.n_populations; ++p) {
    n_largest = std::max(n_largest, view.populations[p].n_padded);
    has_table |= view.populations[p].may_use_table != 0;
  }
  const std::int64_t n_table_floats =
      plan.layout() == Layout::kSampleLanes && has_table ? std::int64_t{n_largest} * kMaxCodes : 0;
  int has_shared_block = 0, has_shared_table = 0;
  check_cuda(cuda.plan_trials(plan.layout(), n_largest, n_members, n_tiles_,
                              draws ? block_stride : 0, n_table_floats, &grid_, &has_shared_block,
                              &has_shared_table));
  scratch_ = DeviceScratch(cuda, plan, max_window, grid_.n_teams());
  DeviceImage image;
  const std::int64_t at_plan = put_plan(image, view);
  image.copy_to(cuda, plan_memory_, plan_pinned_);

  // one allocation for state, parameters and results
  const std::int64_t n_rows = std::int64_t{n_members} * n_samples;
  const std::int64_t n_items = std::int64_t{n_members} * n_tiles_;
  const auto place = [&](const auto& take_some) {
    // what is not there stays null
    const auto take = [&](auto*& pointer, std::int64_t n) {
      if (n > 0) take_some(pointer, n);
    };
    take(args_.first_not_finite, 1);
    take(args_.not_finite, n_items);
    take(args_.losses, n_rows);
    take(args_.is_correct, n_rows);
    take(args_.logits, n_rows * plan.output().n);
    take(args_.tiles, keeps_state ? n_items * view.tile_bytes : 0);
    take(args_.tile_slots, keeps_state ? 0 : grid_.n_teams() * view.tile_bytes);
    take(blocks_, draws ? 0 : n_members * block_stride);
    take(args_.block_slots, draws && !has_shared_block ? grid_.n_blocks * block_stride : 0);
  };
  memory_ = DeviceMemory(cuda, bytes_of_arrays(place));
  point_arrays(memory_.data(), place);
  args_.plan = reinterpret_cast<const PlanView*>(plan_memory_.data() + at_plan);
  args_.n_tiles = n_tiles_;
  args_.n_members = n_members;
  args_.n_samples = n_samples;
  args_.blocks = blocks_;
  args_.block_stride = block_stride;
  args_.n_block_floats = plan.n_block_floats();
  args_.n_table_floats = has_shared_table ? static_cast<int>(n_table_floats) : 0;
  args_.scratch = scratch_.views();
  args_memory_ = DeviceMemory(cuda, sizeof args_);
  args_pinned_ = PinnedMemory(cuda, sizeof args_);
}

void DeviceTrials::set_blocks(const float* blocks, std::int64_t block_stride) {
  check_cuda(cuda_.wait());
  if (block_stride == args_.block_stride) {
    check_cuda(cuda_.copy_in(blocks_, blocks,
                             static_cast<std::size_t>(n_members_ * block_stride) * sizeof(float)));
  }
  check_cuda(cuda_.wait());
}

void DeviceTrials::set_members(const Members& members) {
  const std::vector<TensorDrawView> tensors = members.tensor_draws();
  DeviceImage image;
  const std::int64_t at_tensors =
      image.put(tensors.data(), static_cast<std::int64_t>(tensors.size()));
  const std::int64_t at_mean =
      image.put(members.mean().data(), static_cast<std::int64_t>(members.mean().size()));
  check_cuda(cuda_.wait());
  image.copy_to(cuda_, members_memory_, members_pinned_);
  args_.members.mean = reinterpret_cast<const float*>(members_memory_.data() + at_mean);
  args_.members.tensors =
      reinterpret_cast<const TensorDrawView*>(members_memory_.data() + at_tensors);
  args_.members.n_tensors = static_cast<int>(tensors.size());
  args_.members.is_antithetic = members.is_antithetic();
  args_.members.seed = members.seed();
  args_.members.update = static_cast<std::uint32_t>(members.update());
}

void DeviceTrials::set_inputs(std::span<const InputView> views, int n_steps,
                              std::span<const std::int32_t> labels) {
  DeviceImage image;
  const std::int64_t at_views = put_inputs(image, plan_.view(), views, n_steps);
  const std::int64_t at_labels = image.put(labels.data(), static_cast<std::int64_t>(labels.size()));
  check_cuda(cuda_.wait());
  image.copy_to(cuda_, inputs_memory_, inputs_pinned_);
  args_.inputs = reinterpret_cast<const InputView*>(inputs_memory_.data() + at_views);
  args_.labels = labels.empty()
                     ? nullptr
                     : reinterpret_cast<const std::int32_t*>(inputs_memory_.data() + at_labels);
  args_.has_own_inputs = views.size() > static_cast<std::size_t>(n_tiles_);
}

void DeviceTrials::run(const DeviceWindow& window) {
  args_.t_begin = window.t_begin;
  args_.t_end = window.t_end;
  args_.resets = window.resets;
  args_.scores = window.scores;
  args_.first_member = window.first_member;
  // the copy before may still be on its way
  check_cuda(cuda_.wait());
  std::memcpy(args_pinned_.data(), &args_, sizeof args_);
  check_cuda(cuda_.fill(args_.first_not_finite, 0xff, sizeof *args_.first_not_finite));
  check_cuda(cuda_.copy_in(args_memory_.data(), args_pinned_.data(), sizeof args_));
  check_cuda(cuda_.run_trials(plan_.layout(),
                              reinterpret_cast<const CudaTrialArgs*>(args_memory_.data()), &grid_));
}

std::optional<DeviceTrials::Lost> DeviceTrials::find_not_finite() {
  unsigned long long first = 0;
  check_cuda(cuda_.copy_out(&first, args_.first_not_finite, sizeof first));
  check_cuda(cuda_.wait());
  if (first == ~0ull) return std::nullopt;
  Lost lost{
      static_cast<std::int64_t>(first) / n_tiles_, static_cast<std::int64_t>(first) % n_tiles_, {}};
  check_cuda(cuda_.copy_out(&lost.at, args_.not_finite + first, sizeof lost.at));
  check_cuda(cuda_.wait());
  return lost;
}

void DeviceTrials::read_scores(double* losses, std::uint8_t* is_correct, float* logits) {
  const auto n_rows = static_cast<std::size_t>(n_members_) * static_cast<std::size_t>(n_samples_);
  if (losses) check_cuda(cuda_.copy_out(losses, args_.losses, n_rows * sizeof(double)));
  if (is_correct) check_cuda(cuda_.copy_out(is_correct, args_.is_correct, n_rows));
  if (logits)
    check_cuda(cuda_.copy_out(logits, args_.logits,
                              n_rows * static_cast<std::size_t>(plan_.output().n) * sizeof(float)));
  check_cuda(cuda_.wait());
}

void DeviceTrials::read_tiles(char* tiles) {
  check_cuda(cuda_.copy_out(
      tiles, args_.tiles,
      static_cast<std::size_t>(std::int64_t{n_members_} * n_tiles_ * plan_.view().tile_bytes)));
  check_cuda(cuda_.wait());
}

void DeviceTrials::write_tiles(const char* tiles) {
  check_cuda(cuda_.copy_in(
      args_.tiles, tiles,
      static_cast<std::size_t>(std::int64_t{n_members_} * n_tiles_ * plan_.view().tile_bytes)));
  check_cuda(cuda_.wait());
}

}  // namespace spikelane
