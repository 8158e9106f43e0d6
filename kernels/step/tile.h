// The tile at hand: plan, one member's parameters, inputs, state memory and working memory.
#pragma once

#include "kernels/core/device.h"
#include "kernels/core/lanes.h"
#include "kernels/step/views.h"

namespace spikelane::SPIKELANE_ISA {

struct Tile {
  const PlanView* plan;
  const float* weights;     // of the projections
  const float* parameters;  // biases, and the weights or the factors of their noise
  const InputView* input;
  const ScratchView* scratch;
  char* memory;
  NotFinite* not_finite;
  int index;         // of the tile, for messages
  int signal_begin;  // the step that a signal's first entry stands for

  SPIKELANE_INLINE float* floats(int64_t offset) const {
    return reinterpret_cast<float*>(memory + offset);
  }
  SPIKELANE_INLINE uint16_t* masks(int64_t offset) const {
    return reinterpret_cast<uint16_t*>(memory + offset);
  }
  SPIKELANE_INLINE uint32_t* words(int64_t offset) const {
    return reinterpret_cast<uint32_t*>(memory + offset);
  }

  // the lowest sample is kept, whatever order its neurons are looked at in; the runner finds the
  // exact step with the reference twin
  template <class Team>
  SPIKELANE_INLINE void note_not_finite(const Team& team, int population, uint32_t lanes,
                                        int step) const {
    lanes &= (1u << input->n_lanes) - 1u;
    if (lanes == 0 || !team.leads_vector()) return;
    const int lane = lowest_bit(lanes);
    const bool has_lower =
        not_finite->population >= 0 && (not_finite->tile < index || not_finite->lane <= lane);
    if (!has_lower) *not_finite = {population, index, lane, step};
  }

  // neuron lanes: a tile is one row
  template <class Team>
  SPIKELANE_INLINE void note_row_not_finite(const Team& team, int population, uint32_t neurons,
                                            int step) const {
    if (neurons != 0 && team.leads_vector() && team.claim(&not_finite->population, -1, population))
      note_row(step);
  }
  SPIKELANE_INLINE void note_row(int step) const {
    not_finite->tile = index;
    not_finite->lane = 0;
    not_finite->step = step;
  }
};

constexpr bool is_flush_step(int t) { return t % kFlushPeriod == kFlushPeriod - 1; }

}  // namespace spikelane::SPIKELANE_ISA
