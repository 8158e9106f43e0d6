// The floating-point mode that the engine's numbers are defined in: round to nearest, subnormals
// kept, exceptions masked. Hosts do set other ones.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace spikelane {

/// Sets the mode and puts the caller's back, with its exception flags, when it goes.
class FloatMode {
 public:
  FloatMode() : before_(read()) { write(kPlain); }
  ~FloatMode() { write(before_); }
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr std::uint64_t kPlain = 0x1f80;
  static std::uint64_t read() { return _mm_getcsr(); }
  static void write(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#else
  static constexpr std::uint64_t kPlain = 0;
  static std::uint64_t read() {
    std::uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void write(std::uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#endif
  std::uint64_t before_;
};

}  // namespace spikelane
