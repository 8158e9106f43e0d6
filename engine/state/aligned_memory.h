// One zeroed block of memory, 64-byte aligned, that goes with its owner; it comes from the C
// library or from a host's allocator.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace spikelane {

/// Where blocks come from, in place of the C library: a host's allocator.
struct MemoryHooks {
  void* (*allocate)(void* user, std::size_t n_bytes, std::size_t alignment) = nullptr;
  void (*release)(void* user, void* block, std::size_t n_bytes) = nullptr;
  void* user = nullptr;
};

/// The hooks of the blocks that this thread makes while it lives; they may be empty.
class MemoryHooksScope {
 public:
  explicit MemoryHooksScope(const MemoryHooks& hooks) : before_(current()) { current() = hooks; }
  ~MemoryHooksScope() { current() = before_; }
  MemoryHooksScope(const MemoryHooksScope&) = delete;
  MemoryHooksScope& operator=(const MemoryHooksScope&) = delete;

  static MemoryHooks& current() {
    static thread_local MemoryHooks hooks;
    return hooks;
  }

 private:
  MemoryHooks before_;
};

class AlignedMemory {
 public:
  AlignedMemory() = default;
  explicit AlignedMemory(std::size_t n_bytes) : n_bytes_((n_bytes + 63) / 64 * 64) {
    if (n_bytes_ == 0) return;
    const MemoryHooks& hooks = MemoryHooksScope::current();
    void* block = hooks.allocate ? hooks.allocate(hooks.user, n_bytes_, 64)
                                 : std::aligned_alloc(64, n_bytes_);
    if (!block) throw std::bad_alloc();
    std::memset(block, 0, n_bytes_);
    bytes_ = {static_cast<char*>(block), Free{hooks, n_bytes_}};
  }
  char* data() const { return bytes_.get(); }
  std::size_t size() const { return n_bytes_; }

 private:
  struct Free {
    MemoryHooks hooks;
    std::size_t n_bytes;
    void operator()(char* p) const {
      if (hooks.release)
        hooks.release(hooks.user, p, n_bytes);
      else
        std::free(p);
    }
  };
  std::size_t n_bytes_ = 0;
  std::unique_ptr<char, Free> bytes_;
};

}  // namespace spikelane
