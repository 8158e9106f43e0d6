// Learning the sensitivity tensor M and the temporal filter g: a noisy copy of the net runs beside
// the true one, filtered noise times M predicts how far it has moved, and the squared error's
// gradient changes M and g (kernels/step/kernl_regression_view.h has the equations; design,
// section 7).
//
// Sums over samples: blocks of 8 in the order of the batch, a float accumulator an entry inside a
// block; the blocks' sums ascending in double, times -2/n, rounded once. n counts the scored
// values: B*N, or T*B*N where every step is scored.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/learning/kernl_rule.h"
#include "engine/learning/optimiser.h"
#include "engine/plan/plan.h"
#include "engine/run/part_sums.h"
#include "engine/state/encoded_inputs.h"
#include "engine/state/saved_state.h"
#include "engine/state/scratch.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

class DeviceRegression;

class KernlRegression {
 public:
  /// For the one `alif` population of `plan` (neuron lanes) that projects to itself; both checked
  /// with the config. `start_block` (n_block_floats) are the weights that an analytic start is made
  /// of. `plan`, `kernels` and `pool` must outlive it.
  KernlRegression(const Plan& plan, const RegressionConfig& config, const KernelTable& kernels,
                  ThreadPool& pool, std::uint64_t seed, const float* start_block);
  ~KernlRegression();
  KernlRegression(const KernlRegression&) = delete;
  KernlRegression& operator=(const KernlRegression&) = delete;

  /// Cuts the batches that follow over ranks, parts of 8 samples each.
  void use_ranks(Ranks& ranks);

  /// The mean squared error over the samples of `inputs` with the weights `block`, and its gradient
  /// (gradient()). Noise is that of `update`, sample b of the batch its number; or `given_noise`
  /// (B, T, n_padded). Throws RunError when a state or the loss is not finite.
  double find_gradient(const EncodedInputs& inputs, const float* block, std::int64_t update,
                       const float* given_noise = nullptr);
  /// The optimiser's step with the gradient found last.
  void step(std::int64_t update);

  /// M and g become the rule's: `learned` is the population's place among those that learn.
  void set_filters(KernlRule& rule, int learned) const;

  int n() const { return view_.n; }
  int n_padded() const { return view_.n_padded; }
  int n_filters() const { return view_.n_filters; }
  /// Flat: M (F, N, N) [source, target], then g (F, N). These wait for a device, where it has them.
  const std::vector<float>& parameters() const;
  const std::vector<float>& gradient() const;
  void set_parameters(std::span<const float> parameters);
  /// M, g and the optimiser; the noise is a function of the update.
  void visit_state(StateVisitor& visitor);
  /// "<population>.sensitivity" and "<population>.filter", with their ranges.
  const std::vector<ParameterTensor>& tensors() const { return tensors_; }
  const OptimiserState& optimiser_state() const;
  /// Of the last call's samples at the last step, (B, n_padded); only where the last step is
  /// scored, and with several ranks this one's samples alone.
  const RegressionRows& rows() const;
  std::size_t n_bytes() const;

 private:
  // what one thread works with
  struct Worker {
    Scratch scratch, copy_scratch;  // of the true net and of a spiking copy
    ScratchView scratch_view, copy_view;
    CurrentTap tap{}, copy_tap{};
    AlignedMemory memory;
    RegressionScratch regression{};
    Worker(const Plan& plan, const RegressionView& rule);
  };
  void start(const RegressionConfig& config, const KernelTable& kernels, std::uint64_t seed,
             const float* block);
  void refresh();
  void read_device() const;
  void make_room(int n_samples);
  RegressionArgs part_args(const RegressionArgs& batch, std::int64_t begin, std::int64_t end,
                           int thread) const;
  void run_samples(const RegressionArgs& batch, std::int64_t begin, std::int64_t end, int thread);
  void score_part(const RegressionArgs& batch, std::int64_t part, int thread);
  void run_parts(const RegressionArgs& batch, std::int64_t first, std::int64_t last);
  [[noreturn]] void throw_not_finite(const NotFinite& at, std::int64_t update) const;

  const Plan& plan_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  OptimiserConfig optimiser_config_;
  RegressionView view_{};
  std::vector<ParameterTensor> tensors_;
  std::vector<ParameterRange> ranges_;
  mutable std::vector<float> parameters_, gradient_;
  Optimiser optimiser_;
  std::unique_ptr<DeviceRegression> device_;  // where a device was chosen
  mutable bool is_host_stale_ = false;        // the device has newer parameters
  PartSums part_sums_;
  Ranks* ranks_ = &one_rank();
  AlignedMemory filters_;  // decays and both forms of M, as the kernels read them
  std::vector<std::unique_ptr<Worker>> workers_;
  int room_ = 0;  // samples that rows_ and sums_ have room for
  AlignedMemory row_memory_, sums_;
  RegressionRows rows_{};
  std::vector<double> losses_;  // (B)
};

}  // namespace spikelane
