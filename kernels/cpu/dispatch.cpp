#include "kernels/cpu/kernel_table.h"

namespace spikelane {

#if defined(SPIKELANE_HAS_ISA_V2)
namespace isa_v2 {
extern const KernelTable kKernels;
}
#endif
#if defined(SPIKELANE_HAS_ISA_V3)
namespace isa_v3 {
extern const KernelTable kKernels;
}
#endif
#if defined(SPIKELANE_HAS_ISA_V4)
namespace isa_v4 {
extern const KernelTable kKernels;
}
#endif
#if defined(SPIKELANE_HAS_ISA_NEON)
namespace isa_neon {
extern const KernelTable kKernels;
}
#endif

#if defined(__x86_64__)
// what the levels of the x86-64 ABI add; clang knows the levels' names only later than 14
[[maybe_unused]] static bool has_v2() {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
         __builtin_cpu_supports("popcnt");
}
[[maybe_unused]] static bool has_v3() {
  return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
[[maybe_unused]] static bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

static std::vector<const KernelTable*> detect() {
  std::vector<const KernelTable*> tables;
#if defined(SPIKELANE_HAS_ISA_V2)
  if (has_v2()) tables.push_back(&isa_v2::kKernels);
#endif
#if defined(SPIKELANE_HAS_ISA_V3)
  if (has_v3()) tables.push_back(&isa_v3::kKernels);
#endif
#if defined(SPIKELANE_HAS_ISA_V4)
  if (has_v4()) tables.push_back(&isa_v4::kKernels);
#endif
#if defined(SPIKELANE_HAS_ISA_NEON)
  tables.push_back(&isa_neon::kKernels);
#endif
  return tables;
}

const std::vector<const KernelTable*>& runnable_kernels() {
  static const std::vector<const KernelTable*> tables = detect();
  return tables;
}

const KernelTable* find_kernels(const std::string& isa) {
  const auto& tables = runnable_kernels();
  if (isa.empty()) return tables.empty() ? nullptr : tables.back();
  for (const KernelTable* table : tables)
    if (isa == table->isa) return table;
  return nullptr;
}

std::string runnable_isa_names() {
  std::string names;
  for (const KernelTable* table : runnable_kernels())
    names += (names.empty() ? "" : ", ") + std::string(table->isa);
  return names;
}

}  // namespace spikelane
