#include "engine/device/device_update.h"

#include <cassert>
#include <cmath>

namespace spikelane {

static_assert(static_cast<int>(ShapingKind::kZScore) == static_cast<int>(Shaping::kZScore));
static_assert(static_cast<int>(ShapingKind::kCentredRanks) ==
              static_cast<int>(Shaping::kCentredRanks));

DeviceUpdate::DeviceUpdate(const CudaFunctions& cuda, const Plan& plan, const EsConfig& es,
                           std::uint64_t seed, Optimiser& optimiser)
    : cuda_(cuda), plan_(plan), es_(es), optimiser_(optimiser) {
  const int n_draws = es.antithetic ? es.n_members / 2 : es.n_members;
  const std::size_t n_vectors = optimiser.state().vectors.size();
  const auto place = [&](const auto& take) {
    take(args_.mean, plan.n_parameters());
    take(args_.gradient_out, plan.n_parameters());
    if (n_vectors > 0) take(args_.first, plan.n_parameters());
    if (n_vectors > 1) take(args_.second, plan.n_parameters());
    take(args_.shaping.coefficients, n_draws);
    take(own_scores_.losses, es.n_members);
    take(own_scores_.is_lost, 1);
  };
  memory_ = DeviceMemory(cuda, bytes_of_arrays(place));
  point_arrays(memory_.data(), place);
  // a vector that is not there is not looked at
  if (!args_.first) args_.first = args_.mean;
  if (!args_.second) args_.second = args_.mean;
  args_.shaping.n_members = es.n_members;
  args_.shaping.shaping = static_cast<Shaping>(es.shaping);
  args_.shaping.is_antithetic = es.antithetic;
  args_.gradient = {args_.shaping.coefficients, n_draws, es.antithetic ? 4 : 8, seed, 0};
  args_.n_parameters = plan.n_parameters();
  args_.rank = plan.rank();
}

template <class Copy>
void DeviceUpdate::for_each_vector(const Copy& copy) {
  if (args_.first != args_.mean) copy(args_.first, optimiser_.vector(0));
  if (args_.second != args_.mean) copy(args_.second, optimiser_.vector(1));
  check_cuda(cuda_.wait());
}

void DeviceUpdate::write(std::span<const float> mean) {
  check_cuda(cuda_.copy_in(args_.mean, mean.data(), mean.size_bytes()));
  for_each_vector([&](float* device, std::span<const float> host) {
    check_cuda(cuda_.copy_in(device, host.data(), host.size_bytes()));
  });
}

void DeviceUpdate::read(std::span<float> mean) {
  check_cuda(cuda_.copy_out(mean.data(), args_.mean, mean.size_bytes()));
  for_each_vector([&](const float* device, std::span<float> host) {
    check_cuda(cuda_.copy_out(host.data(), device, host.size_bytes()));
  });
}

void DeviceUpdate::read_gradient(std::span<float> gradient) {
  check_cuda(cuda_.copy_out(gradient.data(), args_.gradient_out, gradient.size_bytes()));
  check_cuda(cuda_.wait());
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
