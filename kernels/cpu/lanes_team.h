// The CPU's team: one worker, a thread whose lanes are the vector lanes. Loads and masks take 16 at
// a time. kernels/step/lane_workers.h says what the phases ask of a team.
#pragma once

#include "kernels/core/lanes.h"
#include "kernels/step/views.h"

namespace spikelane::SPIKELANE_ISA {

template <int kWidth>
struct TableOf;
template <>
struct TableOf<16> {
  Table16 table;
};
template <>
struct TableOf<32> {
  Table32 table;
};

struct LanesTeam {
  using F = Lanes;
  using Mask = LaneMask;
  template <int kWidth>
  using Table = TableOf<kWidth>;

  static constexpr int kWidth = kLanes;
  static constexpr bool kFetches = true, kListsNonzero = true;

  // how many neurons are in flight at once: as many as the registers of the ISA hold
#if defined(__AVX512F__)
  static constexpr int kBlock = 4, kTableBlock = 5, kReadoutBlock = 10, kRowBlock = 16;
  static constexpr int kProductRows = 8, kProductVectors = 3;
#elif defined(__AVX2__)
  static constexpr int kBlock = 2, kTableBlock = 2, kReadoutBlock = 5, kRowBlock = 4;
  static constexpr int kProductRows = 6, kProductVectors = 1;
#else
  static constexpr int kBlock = 1, kTableBlock = 1, kReadoutBlock = 2, kRowBlock = 2;
  static constexpr int kProductRows = 2, kProductVectors = 1;
#endif

  static constexpr int worker() { return 0; }
  static constexpr int n_workers() { return 1; }
  static constexpr int vector_begin() { return 0; }
  static constexpr int vector_step() { return kLanes; }
  static constexpr bool is_leader() { return true; }
  static constexpr bool leads_vector() { return true; }
  static constexpr void sync() {}

  SPIKELANE_INLINE F load(const float* p) const { return SPIKELANE_ISA::load(p); }
  SPIKELANE_INLINE void store(float* p, F a) const { SPIKELANE_ISA::store(p, a); }
  SPIKELANE_INLINE F broadcast(float x) const { return SPIKELANE_ISA::broadcast(x); }
  SPIKELANE_INLINE IntLanes lane_numbers() const { return iota(); }
  SPIKELANE_INLINE void store_words(uint32_t* p, IntLanes a) const { storeu(p, a); }
  SPIKELANE_INLINE Mask mask(uint32_t lanes) const { return mask_from_bits(lanes); }
  SPIKELANE_INLINE uint16_t bits(Mask m) const {
    return static_cast<uint16_t>(SPIKELANE_ISA::bits(m));
  }
  SPIKELANE_INLINE int list(int32_t* to, uint32_t lanes, int first) const {
    return list_lanes(to, lanes, first);
  }
  SPIKELANE_INLINE int list_bits(int32_t* to, const uint16_t* fired, int n) const {
    int n_listed = 0;
    for (int i = 0; i < n; i += kLanes) n_listed += list(to + n_listed, fired[i / kLanes], i);
    return n_listed;
  }
  SPIKELANE_INLINE int list_entries(SpikeEntry* to, const uint16_t* masks, int n) const {
    int n_listed = 0;
    for (int i = 0; i < n; ++i) {
      to[n_listed] = {static_cast<uint16_t>(i), masks[i]};
      n_listed += masks[i] != 0;
    }
    return n_listed;
  }
  SPIKELANE_INLINE void count(int32_t* counter) const { ++*counter; }
  SPIKELANE_INLINE bool claim(int* value, int from, int to) const {
    if (*value != from) return false;
    *value = to;
    return true;
  }
  SPIKELANE_INLINE Codes codes(const uint8_t* p) const { return load_codes(p); }
  SPIKELANE_INLINE void store_codes(uint8_t* p, Mask a, Mask b, Mask c, Mask d) const {
    SPIKELANE_ISA::store_codes(p, a, b, c, d);
  }
  template <int kWidth>
  SPIKELANE_INLINE Table<kWidth> table(const float* p) const {
    if constexpr (kWidth == 16)
      return {load_table16(p)};
    else
      return {load_table32(p)};
  }
  template <class AnyTable>
  SPIKELANE_INLINE F lookup(const AnyTable& t, Codes c) const {
    return SPIKELANE_ISA::lookup(t.table, c);
  }
  SPIKELANE_INLINE void fetch(const float* p) const { __builtin_prefetch(p); }
  // 16 consecutive floats, whatever the lanes mean
  SPIKELANE_INLINE F load_all(const float* p) const { return loadu(p); }
  SPIKELANE_INLINE void scatter_all(float* to, int stride, F a) const {
    alignas(64) float values[kLanes];
    storeu(values, a);
    for (int k = 0; k < kLanes; ++k) to[k * stride] = values[k];
  }
  SPIKELANE_INLINE F broadcast_all(float x) const { return SPIKELANE_ISA::broadcast(x); }
};

}  // namespace spikelane::SPIKELANE_ISA
