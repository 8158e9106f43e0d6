#include "engine/run/kernl_online.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/device/device_kernl.h"
#include "engine/learning/sums.h"
#include "engine/run/not_finite.h"
#include "kernels/cuda/cuda_library.h"
#include "kernels/step/kernl_parts.h"

namespace spikelane {

KernlOnline::KernlOnline(const Plan& plan, const KernlRule& rule, const KernlConfig& config,
                         const KernelTable& kernels, ThreadPool& pool, int n_rows, bool has_host)
    : plan_(plan),
      rule_(rule),
      kernels_(kernels),
      pool_(pool),
      n_rows_(n_rows),
      n_parts_((n_rows + static_cast<int>(kSumBlock) - 1) / static_cast<int>(kSumBlock)),
      k_steps_(config.k_steps),
      part_sums_(parameter_rows(plan)),
      state_(plan, 1, n_rows),
      n_teams_(pool.n_threads()),
      has_host_(has_host),
      stride_(plan.block_stride()),
      surrogate_(config.surrogate),
      gamma_(config.gamma) {
  if (const CudaFunctions* cuda = cuda_of(kernels); cuda && !has_host) {
    device_ = std::make_unique<DeviceKernlOnline>(*cuda, plan, n_rows);
    n_teams_ = device_->n_blocks();
  }
  // the CPU resets and scores rows in any case
  for (int thread = 0; thread < (device_ ? 1 : n_teams_); ++thread)
    scratch_.emplace_back(plan, 1, false);
  place_memory();
  use_ranks(one_rank());
  reset();
}

void KernlOnline::use_ranks(Ranks& ranks) {
  assert(ranks.is_one() || !has_host_);
  ranks_ = &ranks;
  part_sums_.use_ranks(ranks);
  cut_ = cut_over_ranks(n_parts_, 1, ranks.n_ranks());
}

// rows and what teams work with
template <class Take>
void KernlOnline::place_rows(std::int64_t n_largest, const Take& take) {
  const PlanView& view = plan_.view();
  const auto n_learned = rule_.learned().size();
  const auto n_populations = static_cast<std::size_t>(view.n_populations);
  std::int64_t n_pre = 0;
  for (const LearnedView& learned : rule_.learned()) {
    const PopulationView& population = plan_.population(learned.population);
    for (int q = 0; q < population.n_projections; ++q)
      n_pre = std::max<std::int64_t>(n_pre, population.projections[q].n_pre);
  }
  const std::int64_t k = k_steps_;
  for (std::size_t row = 0; row < static_cast<std::size_t>(n_rows_); ++row) {
    for (int p = 0; p < view.n_populations; ++p) {
      const PopulationView& population = plan_.population(p);
      if (!is_spiking(population.model)) continue;
      HistoryView& history = histories_[row * n_populations + static_cast<std::size_t>(p)];
      history.window = k_steps_ + 1;
      history.surrogate = static_cast<Surrogate>(surrogate_);
      history.gamma = static_cast<float>(gamma_);
      if (population.model == Model::kAlif) take(history.h, (k + 1) * population.n_padded);
      take(history.step_begin, k + 2);
      take(history.units, (k + 1) * population.n);
    }
    for (std::size_t l = 0; l < n_learned; ++l) {
      const LearnedView& learned = rule_.learned()[l];
      KernlOnlineRow& online = rows_[row * n_learned + l];
      take(online.fast, stride_);
      if (learned.has_slow) take(online.slow, stride_);
      take(online.read, stride_);
      take(online.q, k * learned.n_padded);
      online.h = histories_[row * n_populations + static_cast<std::size_t>(learned.population)].h;
    }
  }
  for (std::size_t team = 0; team < online_.size(); ++team) {
    KernlOnlineScratch& online = online_[team];
    take(online.coefficients, 12 * n_largest);
    take(online.events, 4 * k * n_largest);
    take(online.event_begin, n_pre + 1);
    take(online.event_next, n_pre);
    take(online.event_steps, n_pre * k);
    if (has_host_) take(online.event_values, std::int64_t{view.n_inputs} * k);
    take(kernl_[team].output_error, std::int64_t{plan_.output().n_padded});
  }
  take(gradients_, n_parts_ * stride_);
}

// what the caller gives step by step
template <class Take>
void KernlOnline::place_frames(std::int64_t n_largest, const Take& take) {
  const std::int64_t k = k_steps_, n_inputs = plan_.view().n_inputs;
  take(given_error_, n_rows_ * n_largest);
  take(frame_units_, n_rows_ * k * n_inputs + 1);
  take(frame_begin_, n_rows_ * (k + 1));
  if (has_host_) {
    take(frame_values_, n_rows_ * k * n_inputs);
    take(output_error_, std::int64_t{n_rows_} * plan_.output().n_padded);
  }
}

void KernlOnline::place_memory() {
  const PlanView& view = plan_.view();
  const auto n_rows = static_cast<std::size_t>(n_rows_);
  rows_.resize(n_rows * rule_.learned().size());
  histories_.resize(n_rows * static_cast<std::size_t>(view.n_populations));
  online_.resize(static_cast<std::size_t>(n_teams_));
  kernl_.resize(online_.size());
  std::int64_t n_largest = 0;
  for (const LearnedView& learned : rule_.learned())
    n_largest = std::max<std::int64_t>(n_largest, learned.n_padded);
  if (device_) {
    const auto place = [&](const auto& take) { place_rows(n_largest, take); };
    point_arrays(device_->take(bytes_of_arrays(place)), place);
    device_->set_views(rows_, histories_, kernl_, online_);
  }
  memory_ = carve([&](const auto& take) {
    if (!device_) place_rows(n_largest, take);
    place_frames(n_largest, take);
  });
  const std::int64_t k = k_steps_;
  for (int row = 0; row < n_rows_; ++row) {
    InputView frame{};
    frame.units = frame_units_ + row * k * view.n_inputs;
    frame.step_begin = frame_begin_ + row * (k + 1);
    frame.n_lanes = 1;
    if (has_host_) frame.dense = frame_values_ + row * k * view.n_inputs;
    frame_views_.push_back(frame);
  }
}

void KernlOnline::reset() {
  t_ = 0;
  has_learned_ = true;
  NotFinite not_finite{-1, 0, 0, 0};
  TrialArgs args{};
  args.plan = &plan_.view();
  args.inputs = frame_views_.data();
  args.n_tiles = n_rows_;
  args.resets = 1;
  args.tiles = state_.tiles(0);
  args.tile_stride = state_.tile_bytes();
  args.scratch = &scratch_[0].view();
  args.not_finite = &not_finite;
  kernels_.run_tiles(args);
  if (device_) {
    device_->reset(state_.tiles(0));
    is_state_stale_ = false;
    return;
  }
  for (const KernlOnlineRow& row : rows_)
    for (float* traces : {row.fast, row.slow, row.read})
      if (traces) std::fill_n(traces, stride_, 0.0f);
  std::fill_n(gradients_, n_parts_ * stride_, 0.0f);
}

KernlOnlineArgs KernlOnline::args_for(const InputView* inputs, const float* block, int n_steps) {
  KernlOnlineArgs args{};
  args.trial.plan = &plan_.view();
  args.trial.parameters = block;
  args.trial.inputs = inputs;
  args.trial.n_tiles = n_rows_;
  args.trial.t_begin = t_;
  args.trial.t_end = t_ + n_steps;
  args.trial.tiles = state_.tiles(0);
  args.trial.tile_stride = state_.tile_bytes();
  args.rule = &rule_.view();
  args.rows = rows_.data();
  args.histories = histories_.data();
  args.k_steps = k_steps_;
  args.t_trial_end = has_host_ ? -1 : plan_.view().n_steps;
  args.defers_error = has_host_;
  return args;
}

KernlOnline::~KernlOnline() = default;

void KernlOnline::throw_not_finite(const NotFinite& at) const {
  throw_state_not_finite(
      plan_, at.population,
      "row " + std::to_string(at.tile) + ", at or before step " + std::to_string(at.step));
}

void KernlOnline::run_rows(int begin, int end, int thread, const KernlOnlineArgs& all) {
  const auto at_thread = static_cast<std::size_t>(thread);
  NotFinite not_finite{-1, 0, 0, 0};
  KernlOnlineArgs args = part_of(all, begin, end);
  args.trial.scratch = &scratch_[at_thread].view();
  args.trial.not_finite = &not_finite;
  args.kernl = &kernl_[at_thread];
  args.online = &online_[at_thread];
  args.gradient = gradients_ + begin / static_cast<int>(kSumBlock) * stride_;
  kernels_.run_kernl_online(args);
  if (not_finite.population >= 0) throw_not_finite(not_finite);
}

void KernlOnline::run_part(int part, int thread, const KernlOnlineArgs& all) {
  const int begin = part * static_cast<int>(kSumBlock);
  run_rows(begin, std::min(begin + static_cast<int>(kSumBlock), n_rows_), thread, all);
}

// one step, by the caller's thread
void KernlOnline::run_frame(const KernlOnlineArgs& all) {
  if (device_) {
    run_on_device(all, t_ % k_steps_ + 1, 0);
    return;
  }
  for (int part = 0; part < n_parts_; ++part) run_part(part, 0, all);
}

void KernlOnline::run_on_device(const KernlOnlineArgs& all, int n_input_steps,
                                std::uint64_t inputs_number) {
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  device_->run(all, static_cast<int>(cut_[mine]), static_cast<int>(cut_[mine + 1]), n_input_steps,
               inputs_number, gradients_, stride_);
  is_state_stale_ = true;
}

const State& KernlOnline::state() const {
  if (is_state_stale_)
    if (const auto at = device_->read_tiles(state_.tiles(0))) throw_not_finite(*at);
  is_state_stale_ = false;
  return state_;
}

void KernlOnline::run(const EncodedInputs& inputs, const float* block, int n_steps) {
  assert(inputs.n_samples() == n_rows_ && t_ % k_steps_ + n_steps <= k_steps_);
  KernlOnlineArgs all = args_for(inputs.tiles().data(), block, n_steps);
  all.trial.labels = inputs.labels().data();
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  do_together(*ranks_, [&] {
    if (device_) {
      run_on_device(all, inputs.n_steps(), inputs.number());
      return;
    }
    pool_.for_each(cut_[mine + 1] - cut_[mine], [&](std::int64_t i, int thread) {
      run_part(static_cast<int>(cut_[mine] + i), thread, all);
    });
  });
  t_ += n_steps;
}

void KernlOnline::step(const float* block, std::span<const float> x, std::span<const float> error) {
  const LearnedView& learned = rule_.learned()[0];
  const auto n = static_cast<std::size_t>(learned.n);
  assert(x.size() == static_cast<std::size_t>(n_rows_ * plan_.view().n_inputs) &&
         error.size() == static_cast<std::size_t>(n_rows_) * n);
  const int n_inputs = plan_.view().n_inputs, u = t_ % k_steps_;
  for (int row = 0; row < n_rows_; ++row) {
    std::int32_t* begin = frame_begin_ + std::int64_t{row} * (k_steps_ + 1) + u;
    std::int32_t* units = frame_units_ + std::int64_t{row} * k_steps_ * n_inputs;
    const float* frame = x.data() + std::int64_t{row} * n_inputs;
    if (u == 0) begin[0] = 0;
    begin[1] = begin[0];
    for (int i = 0; i < n_inputs; ++i) {
      units[begin[1]] = i;
      begin[1] += frame[i] != 0.0f;
    }
    std::memcpy(given_error_ + std::int64_t{row} * learned.n_padded,
                error.data() + static_cast<std::size_t>(row) * n, n * sizeof(float));
    frame_views_[static_cast<std::size_t>(row)].first_step = t_ - u;
  }
  KernlOnlineArgs all = args_for(frame_views_.data(), block, 1);
  all.given_error = given_error_;
  run_frame(all);
  ++t_;
}

void KernlOnline::act(const float* block, std::span<const float> x) {
  assert(has_host_ && x.size() == static_cast<std::size_t>(n_rows_ * plan_.view().n_inputs));
  if (!has_learned_ && t_ > 0 && t_ % k_steps_ == 0) learn(block, {});
  // steps are counted modulo a multiple of all periods
  if (t_ >= (1 << 30) / (kFlushPeriod * k_steps_) * (kFlushPeriod * k_steps_)) t_ = 0;
  const auto n_inputs = static_cast<std::size_t>(plan_.view().n_inputs);
  const int u = t_ % k_steps_;
  for (int row = 0; row < n_rows_; ++row) {
    std::memcpy(frame_values_ + (std::int64_t{row} * k_steps_ + u) * plan_.view().n_inputs,
                x.data() + static_cast<std::size_t>(row) * n_inputs, n_inputs * sizeof(float));
    frame_views_[static_cast<std::size_t>(row)].first_step = t_ - u;
  }
  run_frame(args_for(frame_views_.data(), block, 1));
  ++t_;
  has_learned_ = false;
}

bool KernlOnline::learn(const float* block, std::span<const float> error, bool ends_trial) {
  assert(has_host_ && !has_learned_ && t_ > 0);
  const PopulationView& output = plan_.output();
  std::fill_n(output_error_, std::int64_t{n_rows_} * output.n_padded, 0.0f);
  if (!error.empty())
    for (int row = 0; row < n_rows_; ++row)
      std::memcpy(output_error_ + std::int64_t{row} * output.n_padded,
                  error.data() + std::int64_t{row} * output.n,
                  static_cast<std::size_t>(output.n) * sizeof(float));
  --t_;  // of the step that was taken
  KernlOnlineArgs all = args_for(frame_views_.data(), block, 1);
  all.output_error = output_error_;
  if (ends_trial) all.t_trial_end = t_ + 1;
  run_frame(all);
  ++t_;
  has_learned_ = true;
  return ends_trial || t_ % k_steps_ == 0;
}

void KernlOnline::reset_row(const float* block, int row) {
  assert(has_host_ && !device_);
  const bool is_block_open = t_ % k_steps_ != 0 || !has_learned_;
  if (is_block_open) {
    --t_;  // the last step that was taken ends the row's block
    KernlOnlineArgs all = args_for(frame_views_.data(), block, 1);
    all.t_trial_end = t_ + 1;
    run_rows(row, row + 1, 0, all);
    ++t_;
  }
  const PlanView& view = plan_.view();
  const auto at = static_cast<std::size_t>(row);
  const std::size_t n_learned = rule_.learned().size();
  for (std::size_t l = 0; l < n_learned; ++l) {
    const KernlOnlineRow& online = rows_[at * n_learned + l];
    for (float* traces : {online.fast, online.slow, online.read})
      if (traces) std::fill_n(traces, stride_, 0.0f);
  }
  // and no spike or input of before is an event of this block
  for (int p = 0; p < view.n_populations; ++p) {
    HistoryView& history =
        histories_[at * static_cast<std::size_t>(view.n_populations) + static_cast<std::size_t>(p)];
    if (history.step_begin) std::fill_n(history.step_begin, k_steps_ + 2, 0);
  }
  std::fill_n(frame_values_ + std::int64_t{row} * k_steps_ * view.n_inputs,
              std::int64_t{k_steps_} * view.n_inputs, 0.0f);
  state_.reset_row(row);
}

void KernlOnline::visit_state(StateVisitor& visitor) {
  visitor.array("online", std::span(reinterpret_cast<float*>(memory_.data()),
                                    memory_.size() / sizeof(float)));
  visitor.flag("has_learned", has_learned_);
}

void KernlOnline::set_t(int t) {
  t_ = t;
  const bool is_block_open = t % k_steps_ != 0 || !has_learned_;
  const int t_block = is_block_open ? (t - 1) / k_steps_ * k_steps_ : t;
  for (HistoryView& history : histories_) history.first_step = t_block - 1;
  for (InputView& frame : frame_views_) frame.first_step = t_block;
}

void KernlOnline::take_gradient(std::span<float> gradient) {
  const auto add = [&](std::int64_t at, double sum) {
    float& to = gradient[static_cast<std::size_t>(at)];
    to = static_cast<float>(static_cast<double>(to) + sum);
  };
  if (device_ && ranks_->is_one()) {
    if (const auto at = device_->take_sums(gradients_, stride_, sums_)) throw_not_finite(*at);
    for (const PartRow& row : parameter_rows(plan_))
      for (int i = 0; i < row.n; ++i)
        add(row.in_sum + i, sums_[static_cast<std::size_t>(row.in_part + i)]);
    return;
  }
  const std::int64_t first = cut_[static_cast<std::size_t>(ranks_->rank())];
  // with several ranks their parts' rows go over the host
  if (device_)
    do_together(*ranks_, [&] {
      if (const auto at = device_->take_gradients(gradients_, stride_, gradients_copy_))
        throw_not_finite(*at);
    });
  const float* parts = device_ ? gradients_copy_.data() : gradients_;
  part_sums_.sum(
      pool_, parts + first * stride_, stride_, cut_, [](std::int64_t) { return 0.0; }, add);
  part_sums_.share(gradient);
  if (!device_) std::fill_n(gradients_, n_parts_ * stride_, 0.0f);
}

void KernlOnline::score(const EncodedInputs& inputs, const float* block,
                        std::vector<double>& losses, std::vector<std::uint8_t>& is_correct) {
  losses.assign(static_cast<std::size_t>(n_rows_), 0.0);
  is_correct.assign(static_cast<std::size_t>(n_rows_), 0);
  const auto begin = sample_cut(cut_, 0, n_rows_);
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  const std::int64_t first = begin[mine];
  NotFinite not_finite{-1, 0, 0, 0};
  TrialArgs args{};
  args.plan = &plan_.view();
  args.parameters = block;
  args.inputs = inputs.tiles().data() + first;
  args.n_tiles = static_cast<int>(begin[mine + 1] - first);
  args.t_begin = args.t_end = t_;
  args.scores = 1;
  args.tiles = state().tiles(0) + first * state_.tile_bytes();
  args.tile_stride = state_.tile_bytes();
  args.scratch = &scratch_[0].view();
  args.labels = inputs.labels().data() + first;
  args.losses = losses.data() + first;
  args.is_correct = is_correct.data() + first;
  args.not_finite = &not_finite;
  kernels_.run_tiles(args);
  ranks_->gather(std::span(losses), begin);
  ranks_->gather(std::span(reinterpret_cast<char*>(is_correct.data()), is_correct.size()), begin);
}

std::vector<std::int64_t> KernlOnline::n_spikes() const {
  std::vector<std::int64_t> counts;
  for (const LearnedView& learned : rule_.learned()) {
    const auto n = static_cast<std::size_t>(learned.n);
    std::vector<std::int64_t> of_population(n, 0);
    const auto values =
        state().gather_floats(plan_.population(learned.population).at.n_spikes, learned.n);
    for (std::size_t i = 0; i < values.size(); ++i)
      of_population[i % n] += static_cast<std::int64_t>(values[i]);
    counts.insert(counts.end(), of_population.begin(), of_population.end());
  }
  // rows of other ranks have stood still here
  sum_over_ranks(*ranks_, counts);
  return counts;
}

std::span<const float> KernlOnline::traces(int row, int filter) const {
  assert(!device_);
  const KernlOnlineRow& online = rows_[static_cast<std::size_t>(row) * rule_.learned().size()];
  const float* from = filter == 0 ? online.fast : filter == 1 ? online.slow : online.read;
  return {from, from ? static_cast<std::size_t>(stride_) : 0};
}

std::size_t KernlOnline::n_bytes() const {
  std::size_t n = memory_.size() + state_.n_bytes();
  if (device_) n += device_->n_bytes();
  for (const Scratch& scratch : scratch_) n += scratch.n_bytes();
  return n;
}

}  // namespace spikelane
