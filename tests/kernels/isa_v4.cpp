// kernels/core as x86-64-v4 compiles it: this file gets -march=x86-64-v4 -mprefer-vector-width=512
// from tests/CMakeLists.txt. Nothing from the standard library may be included here.
#define SPIKELANE_ISA isa_v4
#include "tests/kernels/isa_under_test.h"

#if defined(__x86_64__) && defined(__AVX512F__)
#include "tests/kernels/isa_under_test_body.h"

const spikelane::test::IsaUnderTest* spikelane::test::isa_v4_under_test() {
  static constexpr IsaUnderTest kIsa = isa_v4::under_test("isa_v4");
  return &kIsa;
}
#else
const spikelane::test::IsaUnderTest* spikelane::test::isa_v4_under_test() { return nullptr; }
#endif
