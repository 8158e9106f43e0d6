// DeviceUpdate: the mean of an evolution strategy on a CUDA device, and the updates that it gets
// there: losses to coefficients, gradient from regenerated noise, optimiser. One launch each;
// nothing comes back to the host until it is read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/device/device_parameters.h"
#include "engine/device/staged_copies.h"
#include "engine/learning/members.h"

namespace spikelane {

class DeviceUpdate {
 public:
  /// All must outlive it. Throws RunError where the device has too little memory.
  DeviceUpdate(const CudaFunctions& cuda, const Plan& plan, const EsConfig& es, std::uint64_t seed,
               Optimiser& optimiser);

  /// The mean, around which members are drawn, with the gradient of the last update; its entries
  /// that were not searched are older.
  DeviceParameters& parameters() { return parameters_; }

  /// Losses (M) that the host has, copied to where scores of trials would be.
  MemberScoresView write_losses(std::span<const double> losses);

  /// Queues update number `update` behind what the scores come from. The optimiser counts it when
  /// it is known that no loss was lost; where one was, nothing is changed.
  void run(const MemberScoresView& scores, const Members& members, std::int64_t update,
           std::span<const ParameterRange> searched);

 private:
  const CudaFunctions& cuda_;
  const Plan& plan_;
  const EsConfig& es_;
  Optimiser& optimiser_;
  DeviceParameters parameters_;
  DeviceMemory memory_, tensors_memory_;
  EsUpdateArgs args_{};
  MemberScoresView own_scores_{};
  StagedCopies staged_{cuda_, 4};  // an update takes two at most
};

}  // namespace spikelane
