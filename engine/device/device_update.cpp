#include "engine/device/device_update.h"

#include <cassert>
#include <cmath>

namespace spikelane {

static_assert(static_cast<int>(ShapingKind::kZScore) == static_cast<int>(Shaping::kZScore));
static_assert(static_cast<int>(ShapingKind::kCentredRanks) ==
              static_cast<int>(Shaping::kCentredRanks));

DeviceUpdate::DeviceUpdate(const CudaFunctions& cuda, const Plan& plan, const EsConfig& es,
                           std::uint64_t seed, Optimiser& optimiser)
    : cuda_(cuda),
      plan_(plan),
      es_(es),
      optimiser_(optimiser),
      parameters_(cuda, optimiser, plan.n_parameters()) {
  const int n_draws = es.antithetic ? es.n_members / 2 : es.n_members;
  const auto place = [&](const auto& take) {
    take(args_.shaping.coefficients, n_draws);
    take(args_.shaping.is_flat, 1);
    take(own_scores_.losses, es.n_members);
    take(own_scores_.is_lost, 1);
  };
  memory_ = DeviceMemory(cuda, bytes_of_arrays(place));
  point_arrays(memory_.data(), place);
  args_.mean = parameters_.values();
  args_.gradient_out = parameters_.gradient();
  args_.first = parameters_.first();
  args_.second = parameters_.second();
  args_.shaping.n_members = es.n_members;
  args_.shaping.shaping = static_cast<Shaping>(es.shaping);
  args_.shaping.is_antithetic = es.antithetic;
  args_.shaping.ties_by_index = es.ties == TiesKind::kByIndex;
  args_.gradient = {
      args_.shaping.coefficients, n_draws, es.antithetic ? 4 : 8, seed, 0, es.draws_signs()};
  args_.n_parameters = plan.n_parameters();
  args_.rank = plan.rank();
}

MemberScoresView DeviceUpdate::write_losses(std::span<const double> losses) {
  assert(static_cast<int>(losses.size()) == es_.n_members);
  staged_.copy_in(own_scores_.losses, losses.data(), losses.size_bytes());
  return own_scores_;
}

void DeviceUpdate::run(const MemberScoresView& scores, const Members& members, std::int64_t update,
                       std::span<const ParameterRange> searched) {
  const std::vector<OptimiserStep> steps =
      optimiser_.next_steps(learning_rate_at(es_.optimiser, update), searched);
  std::vector<SearchedTensorView> tensors;
  for (std::size_t k = 0; k < searched.size(); ++k) {
    const ParameterRange& range = searched[k];
    const double divisor =
        static_cast<double>(es_.n_members) * static_cast<double>(members.sigma(range.tensor));
    const TensorPlan& tensor = plan_.tensors()[static_cast<std::size_t>(range.tensor)];
    const int rank = plan_.rank();
    if (rank > 0 && !tensor.is_bias)
      tensors.push_back({range.begin, range.end, divisor * std::sqrt(rank), 1,
                         tensor.factor_view(rank), steps[k]});
    else
      tensors.push_back({range.begin, range.end, divisor, 0, {}, steps[k]});
  }
  DeviceImage image;
  image.put(tensors.data(), static_cast<std::int64_t>(tensors.size()));
  staged_.copy_in(tensors_memory_, image);
  args_.tensors = reinterpret_cast<const SearchedTensorView*>(tensors_memory_.data());
  args_.n_tensors = static_cast<int>(tensors.size());
  args_.shaping.losses = scores.losses;
  args_.gradient.update = static_cast<std::uint32_t>(update);
  args_.is_lost = scores.is_lost;
  check_cuda(cuda_.update_es(&args_));
}

}  // namespace spikelane
