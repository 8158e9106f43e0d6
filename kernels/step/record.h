// The record of a run: spikes and membrane potentials of every row as they are after a step, taken
// from the state.
#pragma once

#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

/// What step t left in a tile whose samples begin at first_sample. Waits for the step before and
/// holds the next one back.
template <Layout kLayout, class Team>
SPIKELANE_HD void record_step(const Team& team, const Tile& tile, const TrialArgs& args,
                              int64_t first_sample, int t) {
  const RecordView& record = *args.record;
  constexpr bool is_sample_lanes = kLayout == Layout::kSampleLanes;
  const int n_rows = is_sample_lanes ? tile.input->n_lanes : 1;
  team.sync();
  SPIKELANE_ROLLED
  for (int f = 0; f < record.n_fields; ++f) {
    const RecordFieldView& field = record.fields[f];
    SPIKELANE_ROLLED
    for (int row = 0; row < n_rows; ++row) {
      const int64_t at =
          ((args.record_row + first_sample + row) * record.row_steps + (t - record.first_step)) *
          field.n;
      SPIKELANE_ROLLED
      for (int i = team.worker(); i < field.n; i += team.n_workers()) {
        if (field.spikes) {
          const uint32_t bits =
              is_sample_lanes
                  ? tile.masks(field.at)[i] >> row
                  : static_cast<uint32_t>(tile.masks(field.at)[i / kLanes]) >> i % kLanes;
          field.spikes[at + i] = static_cast<uint8_t>(bits & 1u);
        } else {
          field.floats[at + i] = tile.floats(field.at)[is_sample_lanes ? i * kLanes + row : i];
        }
      }
    }
  }
  team.sync();
}

}  // namespace spikelane::SPIKELANE_ISA
