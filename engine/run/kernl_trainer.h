// Training by KeRNL or e-prop in trial mode: whole trials of a minibatch, each followed by the
// backward sweep that gives its weight gradient (kernels/step/kernl_trial.h), then one step of the
// optimiser. Design, section 7.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/learning/kernl_memory.h"
#include "engine/learning/kernl_rule.h"
#include "engine/learning/minibatch.h"
#include "engine/learning/optimiser.h"
#include "engine/run/trainer.h"
#include "engine/state/encoded_inputs.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

class KernlTrainer : public Trainer {
 public:
  /// `config`, `data`, `kernels` and `pool` must outlive it. The layout is neuron lanes, whatever
  /// `options` say: gradients are rows of neurons.
  KernlTrainer(const RunConfig& config, PlanOptions options, const KernelTable& kernels,
               ThreadPool& pool, const Dataset& data);

  UpdateScores update() override;
  std::int64_t n_updates() const override { return update_; }
  const Plan& plan() const override { return *plan_; }
  const std::vector<float>& parameters() const override { return parameters_; }
  std::int64_t sample_steps_per_update() const override;
  std::string state_hash() const override;

  /// The last update's gradient of the mean loss, flat and logical (P), before clipping.
  const std::vector<float>& gradient() const { return gradient_; }
  /// Spikes per step of each learned neuron in the last update.
  const std::vector<double>& rates() const { return rates_; }
  /// Peak memory beside parameters and data: what the threads and blocks of samples hold.
  std::size_t n_bytes() const;

 private:
  void run_block(std::int64_t block, int thread, const EncodedInputs& inputs);
  void sum_gradient(int n_samples);
  void clip_gradient(double norm);

  const RunConfig& config_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  const Dataset& data_;
  std::unique_ptr<const Plan> plan_;
  KernlRule rule_;
  Minibatches minibatches_;
  Optimiser optimiser_;
  std::vector<ParameterRange> trained_;
  std::vector<KernlMemory> memories_;         // one a thread
  std::vector<float> parameters_, gradient_;  // (P)
  AlignedMemory block_, block_gradients_;     // a member's block; one for each 8 samples
  std::int64_t block_stride_ = 0;
  std::vector<std::int32_t> n_spikes_;  // (blocks of samples, learned neurons)
  std::vector<double> rates_, losses_;
  std::vector<std::uint8_t> is_correct_;
  std::int64_t update_ = 0;
  std::uint64_t loss_hash_ = 0;  // every update folds its samples' losses in
};

}  // namespace spikelane
