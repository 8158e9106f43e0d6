// DeviceUpdate: the mean of an evolution strategy on a CUDA device, and the updates that it gets
// there: losses to coefficients, gradient from regenerated noise, optimiser. One launch each;
// nothing comes back to the host until it is read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/device/staged_copies.h"
#include "engine/learning/members.h"
#include "engine/learning/optimiser.h"

namespace spikelane {

class DeviceUpdate {
 public:
  /// All must outlive it. Throws RunError where the device has too little memory.
  DeviceUpdate(const CudaFunctions& cuda, const Plan& plan, const EsConfig& es, std::uint64_t seed,
               Optimiser& optimiser);

  /// Mean (P) and the optimiser's vectors, from the host and back to it.
  void write(std::span<const float> mean);
  void read(std::span<float> mean);
  /// The gradient (P) of the last update; entries that were not searched are older.
  void read_gradient(std::span<float> gradient);
  /// (P) on the device, for members to be drawn around.
  const float* mean() const { return args_.mean; }

  /// Losses (M) that the host has, copied to where scores of trials would be.
  MemberScoresView write_losses(std::span<const double> losses);

  /// Queues update number `update` behind what the scores come from. The optimiser counts it when
  /// it is known that no loss was lost; where one was, nothing is changed.
  void run(const MemberScoresView& scores, const Members& members, std::int64_t update,
           std::span<const ParameterRange> searched);

 private:
  template <class Copy>
  void for_each_vector(const Copy& copy);

  const CudaFunctions& cuda_;
  const Plan& plan_;
  const EsConfig& es_;
  Optimiser& optimiser_;
  DeviceMemory memory_, tensors_memory_;
  EsUpdateArgs args_{};
  MemberScoresView own_scores_{};
  StagedCopies staged_{cuda_, 4};  // an update takes two at most
};

}  // namespace spikelane
