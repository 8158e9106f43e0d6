#include "engine/device/device_trials.h"

#include <algorithm>
#include <cstring>

namespace spikelane {

DeviceTrials::DeviceTrials(const CudaFunctions& cuda, const Plan& plan, int n_members,
                           int n_samples, int max_window, bool keeps_state, bool draws,
                           const LoopView* loop, int built_in)
    : cuda_(cuda),
      plan_(plan),
      n_members_(n_members),
      n_samples_(n_samples),
      n_tiles_((n_samples + plan.lanes_per_tile() - 1) / plan.lanes_per_tile()),
      keeps_state_(keeps_state),
      draws_(draws),
      is_closed_loop_(loop != nullptr),
      inputs_{Inputs(cuda), Inputs(cuda)} {
  const PlanView& view = plan.view();
  const std::int64_t block_stride = plan.block_stride();
  const int n_largest = largest_population(plan);
  bool has_table = false;
  for (int p = 0; p < view.n_populations; ++p) has_table |= view.populations[p].may_use_table != 0;
  const std::int64_t n_table_floats =
      plan.layout() == Layout::kSampleLanes && has_table ? std::int64_t{n_largest} * kMaxCodes : 0;
  int has_shared_block = 0, has_shared_table = 0;
  check_cuda(cuda.plan_trials(plan.layout(), is_closed_loop_, n_largest, n_members, n_tiles_,
                              draws ? block_stride : 0, n_table_floats, &grid_, &has_shared_block,
                              &has_shared_table));
  scratch_ = DeviceScratch(cuda, plan, max_window, grid_.n_teams());
  DeviceImage image;
  const std::int64_t at_plan = put_plan(image, view);
  staged_.copy_in(plan_memory_, image);

  // one allocation for state, parameters and results
  const std::int64_t n_rows = std::int64_t{n_members} * n_samples;
  const std::int64_t n_items = std::int64_t{n_members} * n_tiles_;
  const auto place = [&](const auto& take_some) {
    // what is not there stays null
    const auto take = [&](auto*& pointer, std::int64_t n) {
      if (n > 0) take_some(pointer, n);
    };
    take(args_.first_not_finite, 1);
    take(sums_.n_counted, 1);
    take(sums_.is_lost, 1);
    take(sums_.losses, n_members);
    take(args_.not_finite, n_items);
    take(args_.losses, n_rows);
    take(args_.is_correct, n_rows);
    take(args_.logits, n_rows * plan.output().n);
    take(args_.tiles, keeps_state ? n_items * view.tile_bytes : 0);
    take(args_.tile_slots, keeps_state ? 0 : grid_.n_teams() * view.tile_bytes);
    take(shared_, plan.n_shared_floats());
    take(blocks_, draws ? 0 : n_members * block_stride);
    take(args_.block_slots, draws && !has_shared_block ? grid_.n_blocks * block_stride : 0);
  };
  memory_ = DeviceMemory(cuda, bytes_of_arrays(place));
  point_arrays(memory_.data(), place);
  sums_.first_not_finite = args_.first_not_finite;
  n_sum_bytes_ =
      static_cast<std::size_t>(reinterpret_cast<char*>(sums_.losses + n_members) - memory_.data());
  args_.plan = reinterpret_cast<const PlanView*>(plan_memory_.data() + at_plan);
  args_.n_tiles = n_tiles_;
  args_.n_members = n_members;
  args_.n_samples = n_samples;
  args_.blocks = blocks_;
  args_.shared = shared_;
  args_.block_stride = block_stride;
  args_.n_block_floats = plan.n_block_floats();
  args_.n_table_floats = has_shared_table ? static_cast<int>(n_table_floats) : 0;
  args_.scratch = scratch_.views();
  args_memory_ = DeviceMemory(cuda, sizeof args_);
  if (loop) set_loop(*loop, built_in);
}

bool DeviceTrials::counts_spikes() const {
  for (int p = 0; p < plan_.view().n_populations; ++p)
    if (plan_.population(p).at.n_spikes >= 0) return true;
  return false;
}

void DeviceTrials::set_loop(const LoopView& loop, int built_in) {
  episodes_.built_in = built_in;
  DeviceImage image;
  const auto n = static_cast<std::int64_t>(loop.observation.n_observations);
  const bool has_fields = loop.observation.coding == ObservationCoding::kGaussian;
  const auto at_scale = image.put(loop.observation.inverse_scale, n);
  const auto at_centres =
      image.put(loop.observation.centres, has_fields ? n * loop.observation.n_fields : 0);
  const auto at_loop = image.put(&loop, 1);
  image.point(&image.at<LoopView>(at_loop)->observation.inverse_scale, at_scale);
  image.point(&image.at<LoopView>(at_loop)->observation.centres, at_centres);
  staged_.copy_in(loop_memory_, image);
  const std::int64_t n_lanes = plan_.lanes_per_tile(), n_teams = grid_.n_teams();
  const std::int64_t n_rows = std::int64_t{n_members_} * n_samples_;
  episodes_.loop = reinterpret_cast<const LoopView*>(loop_memory_.data() + at_loop);
  const std::int64_t n_frames = std::int64_t{loop.control_steps} * plan_.view().n_inputs * n_lanes;
  episodes_.n_frame_floats = (n_frames + kLanes - 1) / kLanes * kLanes;
  const auto place = [&](const auto& take) {
    take(episodes_.frames, n_teams * episodes_.n_frame_floats);
    take(episodes_.states, n_teams * n_lanes * loop.port.n_state);
    take(episodes_.observations, n_teams * n_lanes * loop.port.n_observations);
    take(episodes_.actions, n_teams * n_lanes * loop.port.n_actions);
    take(episodes_.lengths, n_rows);
    take(episodes_.ends, n_rows);
    if (counts_spikes()) take(episodes_.n_spikes, n_rows * plan_.view().n_populations);
  };
  episode_memory_ = DeviceMemory(cuda_, bytes_of_arrays(place));
  point_arrays(episode_memory_.data(), place);
}

void DeviceTrials::set_blocks(const float* blocks, std::int64_t block_stride, const float* shared) {
  check_cuda(cuda_.wait());
  if (block_stride == args_.block_stride) {
    check_cuda(cuda_.copy_in(blocks_, blocks,
                             static_cast<std::size_t>(n_members_ * block_stride) * sizeof(float)));
  }
  if (shared_ && shared)
    check_cuda(cuda_.copy_in(shared_, shared,
                             static_cast<std::size_t>(plan_.n_shared_floats()) * sizeof(float)));
  check_cuda(cuda_.wait());
}

void DeviceTrials::set_members(const Members& members) {
  const std::vector<TensorDrawView> tensors = members.tensor_draws();
  const std::vector<TensorDrawView> shared = members.shared_draws();
  DeviceImage image;
  const auto put = [&](const auto& values) {
    return image.put(values.data(), static_cast<std::int64_t>(values.size()));
  };
  const std::int64_t at_tensors = put(tensors), at_shared = put(shared);
  const std::int64_t at_mean = members.device_mean() ? 0 : put(members.mean());
  staged_.copy_in(members_memory_, image);
  const char* base = members_memory_.data();
  MemberDrawView& view = args_.members;
  view.mean = members.device_mean() ? members.device_mean()
                                    : reinterpret_cast<const float*>(base + at_mean);
  view.tensors = reinterpret_cast<const TensorDrawView*>(base + at_tensors);
  view.n_tensors = static_cast<int>(tensors.size());
  view.is_antithetic = members.is_antithetic();
  view.is_sign = members.draws_signs();
  view.seed = members.seed();
  view.update = static_cast<std::uint32_t>(members.update());
  if (!shared_) return;
  MemberDrawView common = view;
  common.tensors = reinterpret_cast<const TensorDrawView*>(base + at_shared);
  common.n_tensors = static_cast<int>(shared.size());
  check_cuda(cuda_.place_shared(&common, shared_));
}

void DeviceTrials::prepare_inputs(std::span<const InputView> views, int n_steps,
                                  std::span<const std::int32_t> labels) {
  DeviceImage image;
  const std::int64_t at_views = put_inputs(image, plan_.view(), views, n_steps);
  const std::int64_t at_labels = image.put(labels.data(), static_cast<std::int64_t>(labels.size()));
  Inputs& next = inputs_[static_cast<std::size_t>(1 - i_inputs_)];
  next.is_read.hold_back(CudaStream::kUpload);
  uploads_.copy_in(next.memory, image);
  next.is_uploaded.record(CudaStream::kUpload);
  const char* base = next.memory.data();
  next.views = reinterpret_cast<const InputView*>(base + at_views);
  next.labels = labels.empty() ? nullptr : reinterpret_cast<const std::int32_t*>(base + at_labels);
  next.are_own = views.size() > static_cast<std::size_t>(n_tiles_);
}

void DeviceTrials::use_prepared_inputs() {
  inputs_[static_cast<std::size_t>(i_inputs_)].is_read.record(CudaStream::kWork);
  i_inputs_ = 1 - i_inputs_;
  const Inputs& inputs = inputs_[static_cast<std::size_t>(i_inputs_)];
  inputs.is_uploaded.hold_back(CudaStream::kWork);
  args_.inputs = inputs.views;
  args_.labels = inputs.labels;
  args_.has_own_inputs = inputs.are_own;
}

void DeviceTrials::copy_args(const DeviceWindow& window) {
  args_.t_begin = window.t_begin;
  args_.t_end = window.t_end;
  args_.resets = window.resets;
  args_.scores = window.scores;
  args_.first_member = window.first_member;
  args_.record = window.record;
  is_state_copied_ = false;
  check_cuda(cuda_.fill(args_.first_not_finite, 0xff, sizeof *args_.first_not_finite));
  staged_.copy_in(args_memory_.data(), &args_, sizeof args_);
}

void DeviceTrials::run(const DeviceWindow& window) {
  copy_args(window);
  check_cuda(cuda_.run_trials(plan_.layout(), window.record != nullptr,
                              reinterpret_cast<const CudaTrialArgs*>(args_memory_.data()), &grid_));
}

void DeviceTrials::run_episodes(int first_member, const RandomKey& key) {
  episodes_.key = key;
  copy_args({0, 0, false, false, first_member});
  check_cuda(cuda_.run_episodes(plan_.layout(),
                                reinterpret_cast<const CudaTrialArgs*>(args_memory_.data()),
                                &episodes_, &grid_));
}

std::optional<DeviceTrials::Lost> DeviceTrials::find_not_finite() {
  unsigned long long first = 0;
  check_cuda(cuda_.copy_out(&first, args_.first_not_finite, sizeof first));
  check_cuda(cuda_.wait());
  return lost_at(first);
}

std::optional<DeviceTrials::Lost> DeviceTrials::lost_at(unsigned long long first) const {
  if (first == ~0ull) return std::nullopt;
  Lost lost{
      static_cast<std::int64_t>(first) / n_tiles_, static_cast<std::int64_t>(first) % n_tiles_, {}};
  check_cuda(cuda_.copy_out(&lost.at, args_.not_finite + first, sizeof lost.at));
  check_cuda(cuda_.wait());
  return lost;
}

std::optional<DeviceTrials::Lost> DeviceTrials::step(int t, std::span<const InputView> views) {
  if (!steps_)
    steps_ = std::make_unique<DeviceSteps>(cuda_, plan_, args_, grid_,
                                           static_cast<int>(views.size()), n_state_bytes());
  const unsigned long long first = steps_->run(t, views);
  is_state_copied_ = steps_->state() != nullptr;
  return lost_at(first);
}

std::int64_t DeviceTrials::sum_counts(std::int64_t at, int n) const {
  const CudaCountArgs args{args_.tiles,
                           std::int64_t{n_members_} * n_tiles_,
                           plan_.view().tile_bytes,
                           at,
                           n_tiles_,
                           n_samples_,
                           n,
                           plan_.lanes_per_tile()};
  std::int64_t sum = 0;
  check_cuda(cuda_.sum_counts(&args, &sum));
  return sum;
}

void DeviceTrials::sum_up() {
  if (sums_pinned_.size() == 0) sums_pinned_ = PinnedMemory(cuda_, n_sum_bytes_);
  // n_counted and is_lost lie side by side
  check_cuda(cuda_.fill(sums_.n_counted, 0,
                        static_cast<std::size_t>(reinterpret_cast<char*>(sums_.losses) -
                                                 reinterpret_cast<char*>(sums_.n_counted))));
  const MemberScoresArgs args{args_.losses,      is_closed_loop_ ? nullptr : args_.is_correct,
                              episodes_.lengths, n_members_,
                              n_samples_,        sums_};
  check_cuda(cuda_.sum_up_members(&args));
  check_cuda(cuda_.copy_out(sums_pinned_.data(), memory_.data(), n_sum_bytes_));
}

bool DeviceTrials::read_sums(std::span<double> losses, std::int64_t* n_counted) {
  check_cuda(cuda_.wait());
  const auto copy_of = [&](const void* device) {
    return sums_pinned_.data() + (static_cast<const char*>(device) - memory_.data());
  };
  std::memcpy(losses.data(), copy_of(sums_.losses), losses.size_bytes());
  *n_counted = *reinterpret_cast<const std::int64_t*>(copy_of(sums_.n_counted));
  return *reinterpret_cast<const std::uint64_t*>(copy_of(sums_.first_not_finite)) == ~0ull;
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

std::size_t DeviceTrials::n_state_bytes() const {
  return static_cast<std::size_t>(std::int64_t{n_members_} * n_tiles_ * plan_.view().tile_bytes);
}

void DeviceTrials::read_episodes(std::vector<double>& losses, std::vector<std::int32_t>& lengths,
                                 std::vector<std::uint8_t>& ends,
                                 std::vector<std::int64_t>& n_spikes) {
  const std::int64_t n_rows = std::int64_t{n_members_} * n_samples_;
  const auto copy = [&](auto& to, const auto* from, std::int64_t n) {
    to.resize(from ? static_cast<std::size_t>(n) : 0);
    if (from) check_cuda(cuda_.copy_out(to.data(), from, to.size() * sizeof to[0]));
  };
  copy(losses, args_.losses, n_rows);
  copy(lengths, episodes_.lengths, n_rows);
  copy(ends, episodes_.ends, n_rows);
  copy(n_spikes, episodes_.n_spikes, n_rows * plan_.view().n_populations);
  check_cuda(cuda_.wait());
}

void DeviceTrials::read_tiles(char* tiles) {
  if (is_state_copied_) {
    std::memcpy(tiles, steps_->state(), n_state_bytes());
    return;
  }
  check_cuda(cuda_.copy_out(tiles, args_.tiles, n_state_bytes()));
  check_cuda(cuda_.wait());
}

void DeviceTrials::write_tiles(const char* tiles) {
  is_state_copied_ = false;
  check_cuda(cuda_.copy_in(args_.tiles, tiles, n_state_bytes()));
  check_cuda(cuda_.wait());
}

}  // namespace spikelane
