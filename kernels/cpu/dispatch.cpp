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

static std::vector<const KernelTable*> detect() {
  std::vector<const KernelTable*> tables;
#if defined(SPIKELANE_HAS_ISA_V2)
  if (__builtin_cpu_supports("x86-64-v2")) tables.push_back(&isa_v2::kKernels);
#endif
#if defined(SPIKELANE_HAS_ISA_V3)
  if (__builtin_cpu_supports("x86-64-v3")) tables.push_back(&isa_v3::kKernels);
#endif
#if defined(SPIKELANE_HAS_ISA_V4)
  if (__builtin_cpu_supports("x86-64-v4")) tables.push_back(&isa_v4::kKernels);
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
