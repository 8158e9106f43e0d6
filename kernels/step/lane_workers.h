// A team of workers that hold one lane each: F is a float. The machine says who a worker is and
// how workers wait for one another; on CUDA (kernels/cuda) workers are threads of a half-warp, a
// warp or a block, in the tests (kernels/threads) threads of the operating system.
//
// What the phases ask of any team, this one or the CPU's single worker with 16 lanes
// (kernels/cpu/lanes_team.h):
//
//   load, store           16 consecutive floats, lane l the l-th; broadcast gives all lanes one
//   lane_numbers          0 .. 15, each lane its own; store_words stores such integers
//   vector_begin, _step   for (int i = team.vector_begin(); i < n; i += team.vector_step()) goes
//                         over the vectors of n values that this worker takes part in
//   worker, n_workers     for (int j = team.worker(); j < n; j += team.n_workers()) goes over its
//                         scalars
//   is_leader             one worker of the team; leads_vector: one of the 16 lanes
//   sync                  what any worker wrote before is seen by all of them after
//   bits, mask            a mask as 16 bits, bit l = lane l, known to all 16 lanes
//   list_bits             who fired, from bits; list_entries: the same from masks of samples
//   count, claim          adding 1 to a counter, and changing a value once, by whoever comes first
//
// In both kinds of loop index j belongs to the same worker, j mod n_workers, so loops over the same
// index need no sync between them.
#pragma once

#include <stdint.h>

#include "kernels/core/device.h"
#include "kernels/core/lanes.h"
#include "kernels/step/views.h"

namespace spikelane::SPIKELANE_ISA {

template <class Machine>
struct LaneWorkers {
  using F = float;
  using Mask = bool;
  struct TableRow {
    const float* values;
    uint32_t mask;
  };
  template <int kTableWidth>
  using Table = TableRow;

  static constexpr int kWidth = 1;
  // neurons in flight in a worker's registers; of rows one, so that indices keep their worker
  static constexpr int kBlock = 2, kTableBlock = 4, kReadoutBlock = 5, kRowBlock = 1;
  static constexpr int kProductRows = 8, kProductVectors = 1;
  static constexpr bool kFetches = false, kListsNonzero = false;

  Machine machine;

  SPIKELANE_INLINE int worker() const { return machine.worker(); }
  SPIKELANE_INLINE int n_workers() const { return machine.n_workers(); }
  SPIKELANE_INLINE int lane() const { return machine.worker() % kLanes; }
  SPIKELANE_INLINE int vector_begin() const { return machine.worker() / kLanes * kLanes; }
  SPIKELANE_INLINE int vector_step() const { return machine.n_workers(); }
  SPIKELANE_INLINE bool is_leader() const { return machine.worker() == 0; }
  SPIKELANE_INLINE bool leads_vector() const { return lane() == 0; }
  SPIKELANE_INLINE void sync() const { machine.sync(); }

  SPIKELANE_INLINE F load(const float* p) const { return p[lane()]; }
  SPIKELANE_INLINE void store(float* p, F a) const { p[lane()] = a; }
  SPIKELANE_INLINE F broadcast(float x) const { return x; }
  SPIKELANE_INLINE Mask mask(uint32_t lanes) const { return (lanes >> lane() & 1u) != 0; }
  SPIKELANE_INLINE uint16_t bits(Mask m) const {
    return static_cast<uint16_t>(machine.lanes_where(m));
  }

  SPIKELANE_INLINE uint32_t lane_numbers() const { return static_cast<uint32_t>(lane()); }
  SPIKELANE_INLINE void store_words(uint32_t* p, uint32_t a) const { p[lane()] = a; }

  SPIKELANE_INLINE uint32_t codes(const uint8_t* p) const { return p[lane()]; }
  SPIKELANE_INLINE void store_codes(uint8_t* p, Mask a, Mask b, Mask c, Mask d) const {
    p[lane()] = static_cast<uint8_t>((a ? 1 : 0) | (b ? 2 : 0) | (c ? 4 : 0) | (d ? 8 : 0));
  }
  template <int kTableWidth>
  SPIKELANE_INLINE TableRow table(const float* p) const {
    return {p, kTableWidth - 1u};
  }
  SPIKELANE_INLINE F lookup(TableRow t, uint32_t code) const { return t.values[code & t.mask]; }

  SPIKELANE_INLINE F load_all(const float* p) const { return p[lane()]; }
  SPIKELANE_INLINE F broadcast_all(float x) const { return x; }
  SPIKELANE_INLINE void scatter_all(float* to, int stride, F a) const { to[lane() * stride] = a; }

  SPIKELANE_INLINE int list_entries(SpikeEntry* to, const uint16_t* masks, int n) const {
    int n_listed = 0;
    SPIKELANE_ROLLED
    for (int i_vector = 0; i_vector < n; i_vector += kLanes) {
      const int i = i_vector + lane();
      const uint16_t samples = i < n ? masks[i] : uint16_t{0};
      const uint32_t who = machine.lanes_where(samples != 0);
      if (samples != 0)
        to[n_listed + count_bits(who & ((1u << lane()) - 1u))] = {static_cast<uint16_t>(i),
                                                                  samples};
      n_listed += count_bits(who);
    }
    return n_listed;
  }
  SPIKELANE_INLINE int list_bits(int32_t* to, const uint16_t* fired, int n) const {
    int n_listed = 0;
    SPIKELANE_ROLLED
    for (int i = 0; i < n; i += kLanes) {
      const uint32_t who = fired[i / kLanes];
      const bool is_own = i % machine.n_workers() == vector_begin();
      if (is_own && (who >> lane() & 1u) != 0)
        to[n_listed + count_bits(who & ((1u << lane()) - 1u))] = i + lane();
      n_listed += count_bits(who);
    }
    return n_listed;
  }
  SPIKELANE_INLINE void count(int32_t* counter) const { machine.count(counter); }
  SPIKELANE_INLINE bool claim(int* value, int from, int to) const {
    return machine.claim(value, from, to);
  }
};

}  // namespace spikelane::SPIKELANE_ISA
