#include "engine/run/evaluator.h"

#include <algorithm>
#include <cassert>
#include <mutex>

#include "engine/run/not_finite.h"
#include "engine/run/replay.h"
#include "kernels/cuda/cuda_library.h"

namespace spikelane {

Evaluator::Evaluator(const Plan& plan, const KernelTable& kernels, ThreadPool& pool)
    : plan_(plan), kernels_(kernels), pool_(pool), cuda_(cuda_of(kernels)) {
  for (int thread = 0; thread < pool.n_threads() && !runs_on_device(); ++thread)
    scratch_.emplace_back(plan, plan.view().n_steps, true);
}

void Evaluator::run(int n_members, const std::function<void(int, float*)>& fill_block,
                    const EncodedInputs& inputs, TrialScores& scores) {
  scores.losses.resize(static_cast<std::size_t>(n_members) *
                       static_cast<std::size_t>(inputs.n_samples()));
  scores.is_correct.resize(scores.losses.size());
  run(0, n_members, fill_block, inputs, scores);
}

void Evaluator::run(int first_member, int n_members,
                    const std::function<void(int, float*)>& fill_block, const EncodedInputs& inputs,
                    TrialScores& scores, const float* shared) {
  assert((shared != nullptr) == (plan_.rank() > 0));
  const auto n_samples = static_cast<std::size_t>(inputs.n_samples());
  assert(inputs.labels().size() == n_samples);
  assert(scores.losses.size() >= static_cast<std::size_t>(first_member + n_members) * n_samples);
  if (runs_on_device()) {
    run_on_device(first_member, n_members, nullptr, fill_block, inputs, scores, shared);
    return;
  }
  const int n_tiles = static_cast<int>(inputs.tiles().size());
  // few members: their tiles are cut as well, so that every thread has something to do
  const int n_wanted = 4 * pool_.n_threads();
  const int n_cuts =
      n_members >= n_wanted ? 1 : std::min(n_tiles, (n_wanted + n_members - 1) / n_members);
  NotFiniteRow first;
  std::mutex first_mutex;

  pool_.for_each(std::int64_t{n_members} * n_cuts, [&](std::int64_t item, int thread) {
    const int member = first_member + static_cast<int>(item / n_cuts);
    const int cut = static_cast<int>(item % n_cuts);
    const int begin = n_tiles * cut / n_cuts, end = n_tiles * (cut + 1) / n_cuts;
    Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
    fill_block(member, scratch.block());
    const std::size_t first_sample = static_cast<std::size_t>(begin * plan_.lanes_per_tile());
    const std::size_t at = static_cast<std::size_t>(member) * n_samples + first_sample;
    NotFinite not_finite{-1, 0, 0, 0};
    TrialArgs args{};
    args.plan = &plan_.view();
    args.parameters = scratch.block();
    args.shared = shared;
    args.inputs = inputs.tiles().data() + begin;
    args.n_tiles = end - begin;
    args.t_begin = 0;
    args.t_end = inputs.n_steps();
    args.first_tile = begin;
    args.resets = args.scores = 1;
    args.tiles = scratch.tile();
    args.scratch = &scratch.view();
    args.labels = inputs.labels().data() + first_sample;
    args.losses = scores.losses.data() + at;
    args.is_correct = scores.is_correct.data() + at;
    args.not_finite = &not_finite;
    kernels_.run_tiles(args);
    if (not_finite.population < 0) return;
    const int sample = not_finite.tile * plan_.lanes_per_tile() + not_finite.lane;
    const std::lock_guard lock(first_mutex);
    if (first.member < 0 || std::pair(member, sample) < std::pair(first.member, first.sample))
      first = {member, sample, not_finite.population, not_finite.step};
  });
  if (first.member >= 0) throw_not_finite(first, fill_block, inputs, shared);
}

void Evaluator::run(int first, int n, const Members& members, const EncodedInputs& inputs,
                    TrialScores& scores) {
  const auto fill = [&](int member, float* block) { members.fill(member, block); };
  if (runs_on_device())
    run_on_device(first, n, &members, fill, inputs, scores, members.shared());
  else
    run(first, n, fill, inputs, scores, members.shared());
}

void Evaluator::launch(int first, int n, const Members* members,
                       const std::function<void(int, float*)>& fill_block,
                       const EncodedInputs& inputs, const float* shared) {
  const bool draws = members != nullptr;
  const int n_samples = inputs.n_samples();
  if (!device_ || n_device_members_ != n || n_device_samples_ != n_samples ||
      device_draws_ != draws) {
    device_.reset();
    device_ = std::make_unique<DeviceTrials>(*cuda_, plan_, n, n_samples, plan_.view().n_steps,
                                             false, draws);
    n_device_members_ = n;
    n_device_samples_ = n_samples;
    device_draws_ = draws;
    device_inputs_ = prepared_inputs_ = 0;
  }
  if (draws) {
    device_->set_members(*members);
  } else {
    const std::int64_t stride = plan_.block_stride();
    std::vector<float> blocks(static_cast<std::size_t>(n * stride));
    for (int member = 0; member < n; ++member)
      fill_block(first + member, blocks.data() + member * stride);
    device_->set_blocks(blocks.data(), stride, shared);
  }
  if (device_inputs_ != inputs.number()) {
    if (prepared_inputs_ != inputs.number()) prepare(inputs);
    device_->use_prepared_inputs();
    device_inputs_ = inputs.number();
  }
  device_->run({0, inputs.n_steps(), true, true, first});
  first_device_member_ = first;
}

void Evaluator::prepare(const EncodedInputs& inputs) {
  device_->prepare_inputs(inputs.tiles(), inputs.n_steps(), inputs.labels());
  prepared_inputs_ = inputs.number();
}

void Evaluator::throw_if_lost(const std::function<void(int, float*)>& fill_block,
                              const EncodedInputs& inputs, const float* shared) const {
  if (const auto lost = device_->find_not_finite())
    throw_not_finite({first_device_member_ + static_cast<int>(lost->member),
                      static_cast<int>(lost->tile) * plan_.lanes_per_tile() + lost->at.lane,
                      lost->at.population, lost->at.step},
                     fill_block, inputs, shared);
}

void Evaluator::run_on_device(int first, int n, const Members* members,
                              const std::function<void(int, float*)>& fill_block,
                              const EncodedInputs& inputs, TrialScores& scores,
                              const float* shared) {
  launch(first, n, members, fill_block, inputs, shared);
  const std::size_t at =
      static_cast<std::size_t>(first) * static_cast<std::size_t>(inputs.n_samples());
  device_->read_scores(scores.losses.data() + at, scores.is_correct.data() + at, nullptr);
  throw_if_lost(fill_block, inputs, shared);
}

const MemberScoresView& Evaluator::start(int first, int n, const Members& members,
                                         const EncodedInputs& inputs) {
  launch(first, n, &members, nullptr, inputs, nullptr);
  device_->sum_up();
  return device_->sums();
}

void Evaluator::finish(const Members& members, const EncodedInputs& inputs,
                       std::span<double> losses, std::int64_t* n_correct,
                       const std::function<void()>& before_throwing) {
  if (device_->read_sums(losses, n_correct)) return;
  before_throwing();
  throw_if_lost([&](int member, float* block) { members.fill(member, block); }, inputs,
                members.shared());
}

void Evaluator::throw_not_finite(const NotFiniteRow& row,
                                 const std::function<void(int, float*)>& fill_block,
                                 const EncodedInputs& inputs, const float* shared) const {
  // the kernels look at the state now and then; the twin finds the step
  std::vector<float> block(static_cast<std::size_t>(plan_.n_block_floats()));
  fill_block(row.member, block.data());
  int population = row.population;
  const int step =
      find_not_finite_step(plan_, block.data(), shared, inputs, row.sample, &population);
  throw_state_not_finite(plan_, population,
                         "member " + std::to_string(row.member) + ", sample " +
                             std::to_string(row.sample) + " of the batch, step " +
                             std::to_string(step) +
                             "; smaller weights, sigma or learning rate may help");
}

}  // namespace spikelane
