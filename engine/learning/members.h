// The population of an evolution strategy: theta_m = mu + sigma*eps_m, drawn when it is needed and
// never stored; or weights with noise of low rank, of which only the factors are drawn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/plan/plan.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cuda/cuda_functions.h"

namespace spikelane {

/// Start values of one tensor, `out` (rows, columns) without padding. `update` 0 and `member` 0 are
/// the start of the run; redrawn tensors count both from 1. Stream init, index in the flat vector.
void draw_init(const KernelTable& kernels, const TensorPlan& tensor, std::uint64_t seed,
               std::uint32_t update, std::uint32_t member, std::span<float> out);

/// The start values of all parameters, flat and logical: `given` (P) where it is not empty, else
/// those of the seed.
std::vector<float> draw_start(const KernelTable& kernels, const Plan& plan, std::uint64_t seed,
                              std::span<const float> given = {});

/// The plan options of networks whose members `config` makes: those of their noise's rank.
PlanOptions for_members(PlanOptions options, const EsConfig& config);

/// How the members of one update differ from the mean. All pointers outlive it.
class Members {
 public:
  Members(const Plan& plan, const KernelTable& kernels, const EsConfig& config, std::uint64_t seed);

  /// Sets mean (P), update and searched tensors for the calls of fill that follow.
  void begin_update(std::span<const float> mean, std::int64_t update,
                    std::span<const ParameterRange> searched);

  /// Writes the block of `member` (plan.n_block_floats()). May be called from several threads.
  void fill(int member, float* block) const;

  /// The weights that all members share (plan.n_shared_floats()), set by begin_update; null where
  /// members have weights of their own.
  const float* shared() const { return reinterpret_cast<const float*>(shared_.data()); }
  /// Sets them anew from the mean, where that was a device's at begin_update.
  void place_shared();

  /// Writes the block of the mean itself; tensors that members redraw are redrawn for it too. Not
  /// for plans with a rank.
  void fill_mean(float* block) const;

  /// Sigma of one tensor at this update.
  float sigma(int tensor) const { return sigma_[static_cast<std::size_t>(tensor)]; }

  /// The same members as a device draws them: fill, as a list of what happens to each tensor; and
  /// the weights that all share, likewise.
  std::vector<TensorDrawView> tensor_draws() const;
  std::vector<TensorDrawView> shared_draws() const;
  std::span<const float> mean() const { return mean_; }
  /// The same mean in a CUDA device's memory, where it is kept there; null: it is not.
  const float* device_mean() const { return device_mean_; }
  /// Then `fill` and `shared` are not to be used unless the mean has been brought to the host.
  void set_device_mean(const float* mean) { device_mean_ = mean; }
  std::int64_t update() const { return update_; }
  std::uint64_t seed() const { return seed_; }
  bool is_antithetic() const { return config_.antithetic; }
  bool draws_signs() const { return config_.draws_signs(); }

 private:
  void fill_tensor(std::size_t i, std::uint32_t redraw_member, float sign, std::uint32_t draw,
                   bool is_member, float* block) const;
  float factor_scale(std::size_t i) const;
  void fill_factors(std::size_t i, float sign, std::uint32_t draw, float* block) const;

  const Plan& plan_;
  const KernelTable& kernels_;
  const EsConfig& config_;
  std::uint64_t seed_;
  std::span<const float> mean_;
  const float* device_mean_ = nullptr;
  std::int64_t update_ = 0;
  std::vector<float> sigma_;       // of each tensor
  std::vector<bool> is_searched_;  // of each tensor
  AlignedMemory shared_;
};

}  // namespace spikelane
