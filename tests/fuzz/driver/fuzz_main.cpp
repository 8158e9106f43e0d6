// libFuzzer's entry: one program for each target, whose name is SPIKELANE_FUZZ_TARGET.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const spikelane::fuzz::Target* const target =
      spikelane::fuzz::find_target(SPIKELANE_FUZZ_TARGET);
  target->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
