#include "tools/bench_device.h"

#include <algorithm>
#include <string>

#include "engine/device/device_views.h"
#include "kernels/cuda/cuda_library.h"

namespace spikelane {

namespace {

/// As their makers publish them: float32 without tensor cores, an fma counted as two, and memory.
struct PublishedRates {
  const char* device;
  double tflops, gb_s;
};
constexpr PublishedRates kPublished[] = {{"H200", 67.0, 4800.0},
                                         {"H100 PCIe", 51.0, 2000.0},
                                         {"H100", 67.0, 3350.0},
                                         {"A100", 19.5, 1555.0}};

// a device that is not in the list is held against an H100
const PublishedRates& rates_of(const CudaFunctions& cuda) {
  CudaDeviceInfo info{};
  cuda.describe_device(0, &info);
  for (const PublishedRates& rates : kPublished)
    if (std::string(info.name).find(rates.device) != std::string::npos) return rates;
  return kPublished[2];
}

}  // namespace

DeviceUse::DeviceUse(const KernelTable& kernels) : cuda_(cuda_of(kernels)) {}

void DeviceUse::begin() {
  n_launches_.clear();
  CudaKernelInfo info;
  for (int i = 0; cuda_->describe_kernel(i, &info); ++i) n_launches_.push_back(info.n_launches);
}

void DeviceUse::end() {
  kernels_.clear();
  n_dynamic_bytes_ = 0;
  CudaKernelInfo info;
  for (int i = 0; cuda_->describe_kernel(i, &info); ++i) {
    const std::int64_t n_before = n_launches_[static_cast<std::size_t>(i)];
    if (info.n_launches == n_before) continue;
    n_dynamic_bytes_ = std::max<std::int64_t>(n_dynamic_bytes_, info.n_shared_bytes);
    kernels_.push_back({info.name, info.n_launches - n_before, info.n_blocks, info.n_threads,
                        info.n_registers, info.n_static_shared_bytes + info.n_shared_bytes,
                        info.n_resident_blocks});
  }
}

double DeviceUse::bytes_of(const DeviceTraffic& traffic) const {
  const Plan& plan = traffic.plan;
  DeviceImage image;
  put_plan(image, plan.view());
  if (traffic.inputs)
    put_inputs(image, plan.view(), traffic.inputs->tiles(), traffic.inputs->n_steps());
  const int n_lanes = plan.lanes_per_tile();
  const std::int64_t n_tiles = (traffic.n_samples + n_lanes - 1) / n_lanes;
  const std::int64_t n_block_bytes = plan.n_block_floats() * 4;
  std::int64_t n_bytes = image.size();
  if (!traffic.draws)
    n_bytes += traffic.n_members * n_block_bytes;
  else
    n_bytes += plan.n_parameters() * 4;
  // too large for shared memory: written to device memory, and read from there
  if (traffic.draws && n_block_bytes > n_dynamic_bytes_)
    n_bytes += 2 * traffic.n_members * n_block_bytes;
  // a loss in double, and whether it was right
  if (traffic.scores) n_bytes += std::int64_t{traffic.n_members} * traffic.n_samples * 9;
  // of low rank: the weights that all members share are made, and read
  n_bytes += 2 * plan.n_shared_floats() * 4;
  if (traffic.keeps_state) n_bytes += 2 * traffic.n_members * n_tiles * plan.view().tile_bytes;
  return static_cast<double>(n_bytes) + traffic.n_learning_bytes;
}

void DeviceUse::describe(SceneResult& result, const DeviceTraffic& traffic, double n_sample_steps,
                         double n_times) const {
  if (!cuda_) return;
  const double n_bytes = n_times * bytes_of(traffic);
  const double n_operations = *result.n_operations;
  result.kernels = kernels_;
  result.operations_per_sample_step = n_operations / n_sample_steps;
  result.bytes_per_sample_step = n_bytes / n_sample_steps;
  result.operations_per_byte = n_operations / n_bytes;
  // products and sums are separate instructions, so half of what is published can be reached
  const PublishedRates& rates = rates_of(*cuda_);
  const double arithmetic_s = n_operations / (rates.tflops * 0.5e12);
  const double memory_s = n_bytes / (rates.gb_s * 1e9);
  result.bound = std::string(arithmetic_s > memory_s ? "halved FP32 rate" : "memory bandwidth") +
                 " of an " + rates.device + " as published";
  result.bound_share = std::max(arithmetic_s, memory_s) / result.seconds_min;
}

}  // namespace spikelane
