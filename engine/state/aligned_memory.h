// One zeroed block of memory, 64-byte aligned, that goes with its owner; it comes from the C
// library or from a host's allocator.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

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

// One block for many arrays, each from a multiple of 64 bytes on. `place(take)` names them all,
// with take(pointer, n) for n values, and does the same each time it is called.

/// Hands each array's offset to `found(pointer, offset)`; returns the bytes of all.
template <class Place, class Found>
std::size_t walk_arrays(const Place& place, const Found& found) {
  std::int64_t offset = 0;
  place([&](auto*& pointer, std::int64_t n) {
    found(pointer, offset);
    offset += (n * static_cast<std::int64_t>(sizeof *pointer) + 63) / 64 * 64;
  });
  return static_cast<std::size_t>(offset);
}

template <class Place>
std::size_t bytes_of_arrays(const Place& place) {
  return walk_arrays(place, [](auto*&, std::int64_t) {});
}

/// Points the arrays into a block of that size, whose memory is `data`.
template <class Place>
void point_arrays(char* data, const Place& place) {
  walk_arrays(place, [data](auto*& pointer, std::int64_t offset) {
    pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(data + offset);
  });
}

/// A block with room for all arrays, which then point into it.
template <class Place>
AlignedMemory carve(const Place& place) {
  AlignedMemory memory(bytes_of_arrays(place));
  if (memory.data()) point_arrays(memory.data(), place);
  return memory;
}

}  // namespace spikelane
