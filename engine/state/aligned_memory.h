// One zeroed block of memory, 64-byte aligned, that goes with its owner.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace spikelane {

class AlignedMemory {
 public:
  AlignedMemory() = default;
  explicit AlignedMemory(std::size_t n_bytes) : n_bytes_((n_bytes + 63) / 64 * 64) {
    if (n_bytes_ == 0) return;
    void* block = std::aligned_alloc(64, n_bytes_);
    if (!block) throw std::bad_alloc();
    std::memset(block, 0, n_bytes_);
    bytes_.reset(static_cast<char*>(block));
  }
  char* data() const { return bytes_.get(); }
  std::size_t size() const { return n_bytes_; }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  std::size_t n_bytes_ = 0;
  std::unique_ptr<char, Free> bytes_;
};

}  // namespace spikelane
