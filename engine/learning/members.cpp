#include "engine/learning/members.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace spikelane {

namespace {

// base, base + scale*eps, or base + scale*uniform
struct StartDraw {
  TensorDraw draw;
  float base, scale;
};

StartDraw start_draw(const TensorPlan& tensor) {
  const InitDescription& init = tensor.init;
  double low = init.low, high = init.high;
  switch (init.kind) {
    case InitKind::kZeros:
      return {TensorDraw::kConstant, 0.0f, 0.0f};
    case InitKind::kConstant:
      return {TensorDraw::kConstant, static_cast<float>(init.value), 0.0f};
    case InitKind::kNormal:
      return {TensorDraw::kNormal, static_cast<float>(init.mean), static_cast<float>(init.std)};
    case InitKind::kFanIn:
      high = 1.0 / std::sqrt(static_cast<double>(tensor.n_fan_in));
      low = -high;
      break;
    case InitKind::kUniform:
      break;
  }
  return {TensorDraw::kUniform, static_cast<float>(low), static_cast<float>(high - low)};
}

}  // namespace

void draw_init(const KernelTable& kernels, const TensorPlan& tensor, std::uint64_t seed,
               std::uint32_t update, std::uint32_t member, std::span<float> out) {
  const RandomKey key{seed, 0, update, Stream::kInit, member};
  const auto n = static_cast<std::int64_t>(out.size());
  const StartDraw start = start_draw(tensor);
  if (start.draw == TensorDraw::kUniform) {
    kernels.draw_uniforms(out.data(), tensor.logical.begin, n, key);
    for (float& x : out) x = start.base + start.scale * x;
    return;
  }
  std::fill(out.begin(), out.end(), start.base);
  if (start.draw == TensorDraw::kNormal)
    kernels.draw_perturbed(out.data(), out.data(), start.scale, tensor.logical.begin, n, key);
}

std::vector<float> draw_start(const KernelTable& kernels, const Plan& plan, std::uint64_t seed,
                              std::span<const float> given) {
  if (!given.empty()) return {given.begin(), given.end()};
  std::vector<float> start(static_cast<std::size_t>(plan.n_parameters()));
  for (const TensorPlan& tensor : plan.tensors())
    draw_init(kernels, tensor, seed, 0, 0,
              std::span(start).subspan(
                  static_cast<std::size_t>(tensor.logical.begin),
                  static_cast<std::size_t>(tensor.logical.end - tensor.logical.begin)));
  return start;
}

PlanOptions for_members(PlanOptions options, const EsConfig& config) {
  options.rank = config.noise == EsNoiseKind::kLowRank ? config.rank : 0;
  return options;
}

Members::Members(const Plan& plan, const KernelTable& kernels, const EsConfig& config,
                 std::uint64_t seed)
    : plan_(plan),
      kernels_(kernels),
      config_(config),
      seed_(seed),
      sigma_(plan.tensors().size()),
      is_searched_(plan.tensors().size()),
      shared_(static_cast<std::size_t>(plan.n_shared_floats()) * sizeof(float)) {
  assert(plan.rank() == for_members({}, config).rank);
}

void Members::begin_update(std::span<const float> mean, std::int64_t update,
                           std::span<const ParameterRange> searched) {
  mean_ = mean;
  update_ = update;
  for (std::size_t i = 0; i < sigma_.size(); ++i)
    sigma_[i] = sigma_at(config_, plan_.tensors()[i].logical.name, update);
  std::fill(is_searched_.begin(), is_searched_.end(), false);
  for (const ParameterRange& range : searched)
    is_searched_[static_cast<std::size_t>(range.tensor)] = true;
  if (!device_mean_) place_shared();
}

void Members::place_shared() {
  if (plan_.rank() > 0) plan_.fill_shared(mean_.data(), reinterpret_cast<float*>(shared_.data()));
}

void Members::fill_tensor(std::size_t i, std::uint32_t redraw_member, float sign,
                          std::uint32_t draw, bool is_member, float* block) const {
  const TensorPlan& tensor = plan_.tensors()[i];
  const auto update = static_cast<std::uint32_t>(update_);
  const RandomKey key{seed_, 0, update, Stream::kNoise, draw};
  const bool redraws = !is_searched_[i] && config_.unsearched == UnsearchedKind::kRedraw;
  // rows first_row .. of the tensor, without padding
  auto draw_rows = [&](int first_row, int n_rows, float* out) {
    const std::int64_t begin = tensor.logical.begin + std::int64_t{first_row} * tensor.n_columns;
    const std::int64_t n = std::int64_t{n_rows} * tensor.n_columns;
    if (redraws) {
      TensorPlan part = tensor;
      part.logical.begin = begin;
      draw_init(kernels_, part, seed_, update + 1, redraw_member,
                std::span(out, static_cast<std::size_t>(n)));
    } else if (is_member && is_searched_[i]) {
      const auto draw_around =
          config_.draws_signs() ? kernels_.draw_sign_perturbed : kernels_.draw_perturbed;
      draw_around(out, mean_.data() + begin, sign * sigma_[i], begin, n, key);
    } else {
      std::copy_n(mean_.data() + begin, n, out);
    }
  };
  float* to = block + tensor.block_begin;
  if (tensor.block_stride == tensor.n_columns) {
    draw_rows(0, tensor.n_rows, to);
    return;
  }
  // padded rows: a few at a time through a buffer that stays in the cache
  constexpr int kBuffer = 4096;
  alignas(64) float buffer[kBuffer];
  const int n_at_once = std::max(1, kBuffer / tensor.n_columns);
  for (int row = 0; row < tensor.n_rows; row += n_at_once) {
    const int n_rows = std::min(n_at_once, tensor.n_rows - row);
    if (tensor.n_columns > kBuffer) {
      draw_rows(row, 1, to + std::int64_t{row} * tensor.block_stride);
      continue;
    }
    draw_rows(row, n_rows, buffer);
    for (int k = 0; k < n_rows; ++k)
      std::copy_n(buffer + k * tensor.n_columns, tensor.n_columns,
                  to + std::int64_t{row + k} * tensor.block_stride);
  }
}

float Members::factor_scale(std::size_t i) const {
  return is_searched_[i] ? static_cast<float>(double{sigma_[i]} / std::sqrt(double(plan_.rank())))
                         : 0.0f;
}

// B and A of one tensor, and what they are multiplied by; 0 says that it is not searched
void Members::fill_factors(std::size_t i, float sign, std::uint32_t draw, float* block) const {
  const TensorPlan& tensor = plan_.tensors()[i];
  const int rank = plan_.rank();
  block[tensor.low_rank.scale] = sign * factor_scale(i);
  if (!is_searched_[i]) return;
  const RandomKey key{seed_, kFactorStep, static_cast<std::uint32_t>(update_), Stream::kNoise,
                      draw};
  const auto draw_factor = config_.draws_signs() ? kernels_.draw_signs : kernels_.draw_normals;
  draw_factor(block + tensor.low_rank.b, tensor.factor_begin, std::int64_t{tensor.n_rows} * rank,
              key);
  for (int k = 0; k < rank; ++k)
    draw_factor(block + tensor.low_rank.a + std::int64_t{k} * tensor.low_rank.a_stride,
                tensor.a_begin(k, rank), tensor.n_columns, key);
}

void Members::fill(int member, float* block) const {
  const bool is_second = config_.antithetic && member % 2 == 1;
  const auto draw = static_cast<std::uint32_t>(config_.antithetic ? member / 2 : member);
  const float sign = is_second ? -1.0f : 1.0f;
  for (std::size_t i = 0; i < sigma_.size(); ++i)
    if (plan_.rank() > 0 && !plan_.tensors()[i].is_bias)
      fill_factors(i, sign, draw, block);
    else
      fill_tensor(i, static_cast<std::uint32_t>(member) + 1, sign, draw, true, block);
}

// what fill_factors writes
static void add_factor_draws(std::vector<TensorDrawView>& draws, const TensorPlan& tensor, int rank,
                             float scale) {
  draws.push_back({TensorDraw::kFactorScale, 1, 0, 1, tensor.low_rank.scale, 1, 0.0f, scale});
  if (scale == 0.0f) return;
  const auto add = [&](std::int64_t begin, std::int64_t n, std::int64_t block_begin) {
    draws.push_back({TensorDraw::kFactor, static_cast<int>(n), begin, begin + n, block_begin,
                     static_cast<int>(n), 0.0f, 0.0f});
  };
  add(tensor.factor_begin, std::int64_t{tensor.n_rows} * rank, tensor.low_rank.b);
  for (int k = 0; k < rank; ++k)
    add(tensor.a_begin(k, rank), tensor.n_columns,
        tensor.low_rank.a + std::int64_t{k} * tensor.low_rank.a_stride);
}

std::vector<TensorDrawView> Members::shared_draws() const {
  std::vector<TensorDrawView> draws;
  for (const TensorPlan& tensor : plan_.tensors())
    if (plan_.rank() > 0 && !tensor.is_bias)
      draws.push_back({TensorDraw::kMean, tensor.n_columns, tensor.logical.begin,
                       tensor.logical.end, tensor.block_begin, tensor.block_stride, 0.0f, 0.0f});
  return draws;
}

std::vector<TensorDrawView> Members::tensor_draws() const {
  std::vector<TensorDrawView> draws;
  for (std::size_t i = 0; i < sigma_.size(); ++i) {
    const TensorPlan& tensor = plan_.tensors()[i];
    if (plan_.rank() > 0 && !tensor.is_bias) {
      add_factor_draws(draws, tensor, plan_.rank(), factor_scale(i));
      continue;
    }
    TensorDrawView draw{TensorDraw::kMean,
                        tensor.n_columns,
                        tensor.logical.begin,
                        tensor.logical.end,
                        tensor.block_begin,
                        tensor.block_stride,
                        0.0f,
                        0.0f};
    if (is_searched_[i]) {
      draw.draw = TensorDraw::kPerturbed;
      draw.scale = sigma_[i];
    } else if (config_.unsearched == UnsearchedKind::kRedraw) {
      const StartDraw start = start_draw(tensor);
      draw.draw = start.draw;
      draw.base = start.base;
      draw.scale = start.scale;
    }
    draws.push_back(draw);
  }
  return draws;
}

void Members::fill_mean(float* block) const {
  for (std::size_t i = 0; i < sigma_.size(); ++i) fill_tensor(i, 0, 0.0f, 0, false, block);
}

}  // namespace spikelane
