// libFuzzer's entry: one program for each target, the function of targets.h that
// SPIKELANE_FUZZ_TARGET names.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spikelane::fuzz::SPIKELANE_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
