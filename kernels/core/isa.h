// Which instruction set this object is compiled for, and how its functions are declared.
//
// The kernels are compiled once per instruction set with -DSPIKELANE_ISA=isa_v4 (AVX-512), isa_v3
// (AVX2 + FMA), isa_v2 (SSE4.2) or isa_neon. Everything that such an object defines sits in the
// namespace spikelane::SPIKELANE_ISA, and nothing from the standard library is inlined into it:
// otherwise the linker might keep an AVX-512 copy of a shared weak function and call it on an
// older machine. Code compiled without the macro sees the same headers in isa_generic, which
// `spikelane` then uses, so there `spikelane::own_exp` is enough.
#pragma once

#ifndef SPIKELANE_ISA
#define SPIKELANE_ISA isa_generic
namespace spikelane {
namespace isa_generic {}
using namespace isa_generic;
}  // namespace spikelane
#endif

#if defined(__CUDACC__)
#define SPIKELANE_HD __host__ __device__
#define SPIKELANE_INLINE __forceinline__
#else
#define SPIKELANE_HD
#define SPIKELANE_INLINE inline __attribute__((always_inline))
#endif
