// kernels/core as the compiler's own target compiles it, and the list of all that run here.
#include "tests/kernels/isa_under_test_body.h"

namespace spikelane::test {

namespace {

// asked here, in code of the baseline, before any function of an ISA object is called
#if defined(__x86_64__)
bool has_v2() { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }
bool has_v3() {
  return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}
bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#else
bool has_v2() { return false; }
bool has_v3() { return false; }
bool has_v4() { return false; }
#endif

}  // namespace

const IsaUnderTest* isa_generic_under_test() {
  static constexpr IsaUnderTest kIsa = SPIKELANE_ISA::under_test("isa_generic");
  return &kIsa;
}

IsaList isas_under_test() {
  using Getter = const IsaUnderTest* (*)();
  const Getter getters[] = {isa_generic_under_test, isa_v2_under_test, isa_v3_under_test,
                            isa_v4_under_test};
  const bool is_supported[] = {true, has_v2(), has_v3(), has_v4()};
  IsaList list = {};
  for (int i = 0; i < 4; ++i) {
    if (!is_supported[i]) continue;
    ++list.n_supported;
    const IsaUnderTest* isa = getters[i]();
    if (isa != nullptr) list.isa[list.n++] = isa;
  }
  return list;
}

}  // namespace spikelane::test
