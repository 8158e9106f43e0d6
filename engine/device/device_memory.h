// Memory on a CUDA device and pinned memory for copies, owned; and errors of the device as
// RunError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/cuda/cuda_functions.h"

namespace spikelane {

/// Throws RunError with the text, if there is one.
void check_cuda(const char* error);

/// A block that goes with its owner.
class CudaMemory {
 public:
  CudaMemory(CudaMemory&& other) noexcept { *this = std::move(other); }
  CudaMemory& operator=(CudaMemory&& other) noexcept {
    std::swap(release_, other.release_);
    std::swap(memory_, other.memory_);
    std::swap(n_bytes_, other.n_bytes_);
    return *this;
  }
  char* data() const { return static_cast<char*>(memory_); }
  std::size_t size() const { return n_bytes_; }

 protected:
  CudaMemory() = default;
  CudaMemory(void (*release)(void*), std::size_t n_bytes) : release_(release), n_bytes_(n_bytes) {}
  ~CudaMemory() {
    if (memory_) release_(memory_);
  }

  void (*release_)(void* memory) = nullptr;
  void* memory_ = nullptr;
  std::size_t n_bytes_ = 0;
};

class DeviceMemory : public CudaMemory {
 public:
  static constexpr std::size_t kSpare = 256;  // bytes: vector loads may look past an array
  DeviceMemory() = default;
  /// Zeroed. Throws RunError with what it needs and what is there.
  DeviceMemory(const CudaFunctions& cuda, std::size_t n_bytes);
};

class PinnedMemory : public CudaMemory {
 public:
  PinnedMemory() = default;
  PinnedMemory(const CudaFunctions& cuda, std::size_t n_bytes);
};

/// Structs and arrays that point at one another, put together here and copied to the device as one
/// piece. Pointers are offsets until then; they are found out at the copy.
class DeviceImage {
 public:
  /// Appends n values, 64-byte aligned; returns where.
  template <class T>
  std::int64_t put(const T* from, std::int64_t n) {
    return put_bytes(from, n * static_cast<std::int64_t>(sizeof(T)));
  }
  /// Room for n values, zeroed.
  template <class T>
  std::int64_t make_room(std::int64_t n) {
    return put_bytes(nullptr, n * static_cast<std::int64_t>(sizeof(T)));
  }
  /// What was put at `at`, until the next call of put.
  template <class T>
  T* at(std::int64_t at) {
    return reinterpret_cast<T*>(bytes_.data() + at);
  }
  /// The pointer `field` of the image shall point at `target`.
  template <class T>
  void point(T* const* field, std::int64_t target) {
    pointers_.push_back({reinterpret_cast<const char*>(field) - bytes_.data(), target});
  }
  std::int64_t size() const { return static_cast<std::int64_t>(bytes_.size()); }

  bool fits(const DeviceMemory& memory) const {
    return memory.size() >= bytes_.size() + DeviceMemory::kSpare;
  }
  /// Makes `memory` larger where it is too small; nothing may be using it then.
  void make_room_in(const CudaFunctions& cuda, DeviceMemory& memory) const;
  /// The bytes with all pointers as they are in `memory`.
  const char* bytes_for(const DeviceMemory& memory);

 private:
  struct Pointer {
    std::int64_t at, target;
  };
  std::int64_t put_bytes(const void* from, std::int64_t n_bytes);

  std::vector<char> bytes_;
  std::vector<Pointer> pointers_;
};

}  // namespace spikelane
