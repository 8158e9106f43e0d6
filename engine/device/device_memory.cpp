#include "engine/device/device_memory.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/config/user_error.h"

namespace spikelane {

void check_cuda(const char* error) {
  if (error) throw RunError("CUDA: " + std::string(error));
}

DeviceMemory::DeviceMemory(const CudaFunctions& cuda, std::size_t n_bytes)
    : CudaMemory(cuda.release, (n_bytes + 63) / 64 * 64) {
  if (n_bytes_ == 0) return;
  check_cuda(cuda.allocate(n_bytes_, &memory_));
  check_cuda(cuda.fill(memory_, 0, n_bytes_));
}

PinnedMemory::PinnedMemory(const CudaFunctions& cuda, std::size_t n_bytes)
    : CudaMemory(cuda.release_pinned, n_bytes) {
  if (n_bytes_ > 0) check_cuda(cuda.allocate_pinned(n_bytes_, &memory_));
}

std::int64_t DeviceImage::put_bytes(const void* from, std::int64_t n_bytes) {
  const auto at = static_cast<std::int64_t>((bytes_.size() + 63) / 64 * 64);
  bytes_.resize(static_cast<std::size_t>(at + n_bytes));
  if (from && n_bytes > 0) std::memcpy(bytes_.data() + at, from, static_cast<std::size_t>(n_bytes));
  return at;
}

void DeviceImage::make_room_in(const CudaFunctions& cuda, DeviceMemory& memory) const {
  // a little more than asked for, so that growing is rare
  if (!fits(memory)) memory = DeviceMemory(cuda, (bytes_.size() + DeviceMemory::kSpare) / 4 * 5);
}

const char* DeviceImage::bytes_for(const DeviceMemory& memory) {
  for (const Pointer& pointer : pointers_) {
    const char* target = memory.data() + pointer.target;
    std::memcpy(bytes_.data() + pointer.at, &target, sizeof target);
  }
  return bytes_.data();
}

}  // namespace spikelane
