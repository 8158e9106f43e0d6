#include "engine/run/simulation.h"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <utility>

#include "engine/run/not_finite.h"
#include "kernels/cuda/cuda_library.h"

namespace spikelane {

Simulation::Simulation(const Plan& plan, const KernelTable& kernels, ThreadPool& pool,
                       int n_members, int n_samples, int max_window)
    : plan_(plan),
      kernels_(kernels),
      pool_(pool),
      n_members_(n_members),
      n_samples_(n_samples),
      max_window_(max_window),
      state_(plan, n_members, n_samples),
      block_stride_(plan.block_stride()),
      block_memory_(static_cast<std::size_t>(n_members * block_stride_) * sizeof(float)),
      blocks_(reinterpret_cast<float*>(block_memory_.data())),
      step_inputs_(static_cast<std::size_t>(n_members) *
                   static_cast<std::size_t>(state_.tiles_per_member() * plan.view().n_inputs *
                                            plan.lanes_per_tile()) *
                   sizeof(float)) {
  if (const CudaFunctions* cuda = cuda_of(kernels))
    device_ =
        std::make_unique<DeviceTrials>(*cuda, plan, n_members, n_samples, max_window, true, false);
  for (int thread = 0; thread < pool.n_threads() && !device_; ++thread)
    scratch_.emplace_back(plan, max_window, false);
  const int n_tiles = state_.tiles_per_member(), n_lanes = plan.lanes_per_tile();
  for (int i = 0; i < n_members * n_tiles; ++i) {
    InputView view{};
    view.dense = step_frame(static_cast<std::size_t>(i));
    view.n_lanes = std::min(n_lanes, n_samples - i % n_tiles * n_lanes);
    step_views_.push_back(view);
  }
  if (plan.layout() == Layout::kNeuronLanes) {
    const auto n_rows = static_cast<std::size_t>(n_members) * static_cast<std::size_t>(n_samples);
    // one more, since a list is written one ahead
    step_units_.resize(n_rows * static_cast<std::size_t>(plan.view().n_inputs) + 1);
    step_begin_.resize(n_rows * 2);
  }
  reset();
}

const float* Simulation::step_frame(std::size_t tile) const {
  return reinterpret_cast<const float*>(step_inputs_.data()) +
         static_cast<std::int64_t>(tile) * plan_.view().n_inputs * plan_.lanes_per_tile();
}

void Simulation::set_parameters(int member, std::span<const float> logical) {
  assert(static_cast<std::int64_t>(logical.size()) == plan_.n_parameters());
  plan_.fill_block(logical.data(), block(member));
  are_blocks_new_ = true;
}

void Simulation::reset() {
  t_ = 0;
  // a window of no steps: the kernels know what a tile looks like before its first step
  run_window(step_views_.data(), false, 0);
}

const State& Simulation::state() const {
  if (is_state_stale_) device_->read_tiles(state_.tiles(0));
  is_state_stale_ = false;
  return state_;
}

std::int64_t Simulation::count_spikes(int p) const {
  const PopulationView& population = plan_.population(p);
  if (is_state_stale_) return device_->sum_counts(population.at.n_spikes, population.n);
  std::int64_t n_spikes = 0;
  for (const float n : state_.gather_floats(population.at.n_spikes, population.n))
    n_spikes += static_cast<std::int64_t>(n);
  return n_spikes;
}

State& Simulation::edit_state() {
  state();
  is_state_edited_ = device_ != nullptr;
  return state_;
}

// what the host has written since the last window
void Simulation::bring_to_device() {
  if (are_blocks_new_) device_->set_blocks(blocks_, block_stride_, shared_);
  if (is_state_edited_) device_->write_tiles(state_.tiles(0));
  are_blocks_new_ = is_state_edited_ = false;
}

void Simulation::throw_if_lost(const std::optional<DeviceTrials::Lost>& lost) const {
  if (!lost) return;
  NotFinite at = lost->at;
  at.tile = static_cast<int>(lost->tile);
  throw_not_finite(static_cast<int>(lost->member), at);
}

void Simulation::run_window_on_device(const InputView* tiles, bool shares_tiles, int n_steps,
                                      std::uint64_t number, DeviceRecord* record) {
  bring_to_device();
  if (number == 0 || number != device_inputs_) {
    const int n_views = state_.tiles_per_member() * (shares_tiles ? 1 : n_members_);
    std::vector<InputView> views(tiles, tiles + n_views);
    // a reset looks at none of them
    if (n_steps == 0)
      for (InputView& view : views)
        view = {0, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 0, view.n_lanes};
    device_->set_inputs(views, plan_.view().n_steps, {});
    device_inputs_ = number;
  }
  device_->run({t_, t_ + n_steps, n_steps == 0, false, 0, record ? record->begin(t_) : nullptr});
  if (record) record->end();
  is_state_stale_ = true;
  throw_if_lost(device_->find_not_finite());
  if (record) record->read(n_steps);
  t_ += n_steps;
}

void Simulation::record_on_device(const EncodedInputs& inputs, int n_steps,
                                  const RecordArrays& arrays) {
  DeviceRecord record(*cuda_of(kernels_), arrays.fields, std::int64_t{n_members_} * n_samples_,
                      plan_.view().n_steps, arrays.n_device_bytes);
  for (const int t_end = t_ + n_steps; t_ < t_end;)
    run_window_on_device(inputs.tiles().data(), true, std::min(record.n_window_steps(), t_end - t_),
                         inputs.number(), &record);
}

void Simulation::run_window(const InputView* tiles, bool shares_tiles, int n_steps,
                            std::uint64_t number, const RecordView* record) {
  if (device_) {
    run_window_on_device(tiles, shares_tiles, n_steps, number);
    return;
  }
  const int n_tiles = state_.tiles_per_member();
  // a single member's tiles are cut over the threads; a few tiles are not worth waking anybody
  const int n_cuts = n_members_ == 1 && n_tiles >= 2 * pool_.n_threads() ? pool_.n_threads() : 1;
  // the lowest row is reported, whichever thread comes first
  std::mutex first_mutex;
  int first_member = -1;
  NotFinite first{-1, 0, 0, 0};
  auto run_part = [&](std::int64_t item, int thread) {
    const auto member = static_cast<int>(item / n_cuts), cut = static_cast<int>(item % n_cuts);
    const int begin = n_tiles * cut / n_cuts, end = n_tiles * (cut + 1) / n_cuts;
    NotFinite not_finite{-1, 0, 0, 0};
    TrialArgs args{};
    args.plan = &plan_.view();
    args.parameters = read_block(member);
    args.shared = shared_;
    args.inputs = tiles + (shares_tiles ? 0 : member * n_tiles) + begin;
    args.n_tiles = end - begin;
    args.t_begin = t_;
    args.t_end = t_ + n_steps;
    args.first_tile = begin;
    args.resets = n_steps == 0;
    args.tiles = state_.tiles(member) + begin * state_.tile_bytes();
    args.tile_stride = state_.tile_bytes();
    args.scratch = &scratch_[static_cast<std::size_t>(thread)].view();
    args.not_finite = &not_finite;
    args.record = record;
    args.record_row = std::int64_t{member} * n_samples_ + begin * plan_.lanes_per_tile();
    kernels_.run_tiles(args);
    if (not_finite.population < 0) return;
    const std::lock_guard lock(first_mutex);
    if (first_member >= 0 &&
        std::pair(first_member, first.tile) < std::pair(member, not_finite.tile))
      return;
    first_member = member;
    first = not_finite;
  };
  // alone there is nobody to share with, and nothing to allocate for it
  if (pool_.n_threads() == 1)
    for (int member = 0; member < n_members_; ++member) run_part(member, 0);
  else
    pool_.for_each(std::int64_t{n_members_} * n_cuts, run_part);
  if (first_member >= 0) throw_not_finite(first_member, first);
  t_ += n_steps;
}

void Simulation::throw_not_finite(int member, const NotFinite& at) const {
  const int sample = at.tile * plan_.lanes_per_tile() + at.lane;
  throw_state_not_finite(plan_, at.population,
                         "row " + std::to_string(member * n_samples_ + sample) +
                             ", at or before step " + std::to_string(at.step));
}

void Simulation::run(const EncodedInputs& inputs, int n_steps, const RecordArrays* record) {
  assert(inputs.n_samples() == n_samples_);
  assert(n_steps <= max_window_ && t_ + n_steps <= inputs.n_steps());
  if (record && device_) {
    record_on_device(inputs, n_steps, *record);
    return;
  }
  RecordView view{};
  if (record)
    view = {record->fields.data(), static_cast<int>(record->fields.size()), 0,
            plan_.view().n_steps};
  run_window(inputs.tiles().data(), true, n_steps, inputs.number(), record ? &view : nullptr);
}

// Inputs that are spikes are passed on as lists, so that silent units cost nothing; the sums are
// the same. False where some input is neither 0 nor 1.
bool Simulation::list_spikes(std::span<const float> x) {
  const int n_inputs = plan_.view().n_inputs, n_rows = n_members_ * n_samples_;
  for (int row = 0; row < n_rows; ++row) {
    const float* frame = x.data() + std::int64_t{row} * n_inputs;
    std::int32_t* units = step_units_.data() + std::int64_t{row} * n_inputs;
    std::int32_t n_fired = 0;
    bool are_spikes = true;
    for (int i = 0; i < n_inputs; ++i) {
      units[n_fired] = i;
      n_fired += frame[i] != 0.0f;
      are_spikes &= frame[i] == 0.0f || frame[i] == 1.0f;
    }
    if (!are_spikes) return false;
    step_begin_[static_cast<std::size_t>(row) * 2 + 1] = n_fired;
  }
  return true;
}

void Simulation::step(std::span<const float> x) {
  const int n_inputs = plan_.view().n_inputs, n_lanes = plan_.lanes_per_tile();
  assert(static_cast<std::int64_t>(x.size()) == std::int64_t{n_members_} * n_samples_ * n_inputs);
  const bool are_listed = !step_units_.empty() && list_spikes(x);
  for (std::size_t i = 0; i < step_views_.size(); ++i) {
    InputView& view = step_views_[i];
    view.first_step = t_;
    view.dense = are_listed ? nullptr : step_frame(i);
    view.units = are_listed ? step_units_.data() + i * static_cast<std::size_t>(n_inputs) : nullptr;
    view.step_begin = are_listed ? step_begin_.data() + i * 2 : nullptr;
  }
  if (are_listed) {
    step_once();
    return;
  }
  auto* to = reinterpret_cast<float*>(step_inputs_.data());
  const int n_tiles = state_.tiles_per_member();
  for (int row = 0; row < n_members_ * n_samples_; ++row) {
    const int sample = row % n_samples_, tile = row / n_samples_ * n_tiles + sample / n_lanes;
    for (int i = 0; i < n_inputs; ++i)
      to[(std::int64_t{tile} * n_inputs + i) * n_lanes + sample % n_lanes] =
          x[static_cast<std::size_t>(row) * static_cast<std::size_t>(n_inputs) +
            static_cast<std::size_t>(i)];
  }
  step_once();
}

// with step_views_
void Simulation::step_once() {
  if (!device_) {
    run_window(step_views_.data(), false, 1);
    return;
  }
  bring_to_device();
  const auto lost = device_->step(t_, step_views_);
  is_state_stale_ = true;
  throw_if_lost(lost);
  ++t_;
}

void Simulation::score(const EncodedInputs& inputs, std::vector<double>* losses,
                       std::vector<std::uint8_t>* is_correct, std::vector<float>* logits) {
  const auto n_rows = static_cast<std::size_t>(n_members_ * n_samples_);
  const auto n_outputs = static_cast<std::size_t>(plan_.output().n);
  const bool has_labels = !inputs.labels().empty();
  losses->assign(has_labels ? n_rows : 0, 0.0);
  is_correct->assign(has_labels ? n_rows : 0, 0);
  if (logits) logits->assign(n_rows * n_outputs, 0.0f);
  if (device_) {
    if (is_state_edited_) device_->write_tiles(state_.tiles(0));
    is_state_edited_ = false;
    device_->set_inputs(inputs.tiles(), inputs.n_steps(), inputs.labels());
    device_inputs_ = inputs.number();
    device_->run({t_, t_, false, true, 0});
    device_->read_scores(has_labels ? losses->data() : nullptr,
                         has_labels ? is_correct->data() : nullptr,
                         logits ? logits->data() : nullptr);
    is_state_stale_ = true;
    return;
  }
  NotFinite not_finite{-1, 0, 0, 0};
  for (int member = 0; member < n_members_; ++member) {
    const std::size_t at = static_cast<std::size_t>(member * n_samples_);
    TrialArgs args{};
    args.plan = &plan_.view();
    args.parameters = read_block(member);
    args.shared = shared_;
    args.inputs = inputs.tiles().data();
    args.n_tiles = state_.tiles_per_member();
    args.t_begin = args.t_end = t_;
    args.scores = 1;
    args.tiles = state_.tiles(member);
    args.tile_stride = state_.tile_bytes();
    args.scratch = &scratch_[0].view();
    args.labels = has_labels ? inputs.labels().data() : nullptr;
    args.losses = losses->data() + at;
    args.is_correct = is_correct->data() + at;
    args.logits = logits ? logits->data() + at * n_outputs : nullptr;
    args.not_finite = &not_finite;
    kernels_.run_tiles(args);
  }
}

}  // namespace spikelane
