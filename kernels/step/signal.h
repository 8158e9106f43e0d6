// Sample lanes: the spikes of one population on their way to the next, as lists or as codes.
#pragma once

#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

/// The list of spikes that `projection` carries into step t.
struct EntryRange {
  const SpikeEntry *begin, *end;
};

SPIKELANE_HD inline EntryRange entries_into(const Tile& tile, const ProjectionView& projection,
                                            int t) {
  if (projection.source == kInputSource) {
    const InputView& in = *tile.input;
    const int32_t* begin = in.step_begin + (t - in.first_step);
    return {in.entries + begin[0], in.entries + begin[1]};
  }
  const SignalBuffer& signal = tile.scratch->signals[projection.source];
  const int32_t* begin = signal.step_begin + (t - tile.signal_begin);
  return {signal.entries + begin[0], signal.entries + begin[1]};
}

/// masks (window, n) -> lists of who fired, per step. The masks are there before a sync.
template <class Team>
SPIKELANE_HD void list_spikes(const Team& team, const SignalBuffer& signal, int n, int n_window) {
  int n_entries = 0;
  SPIKELANE_ROLLED
  for (int t = 0; t < n_window; ++t) {
    if (team.is_leader()) signal.step_begin[t] = n_entries;
    const uint16_t* masks = signal.masks + static_cast<int64_t>(t) * n;
    n_entries += team.list_entries(signal.entries + n_entries, masks, n);
  }
  if (team.is_leader()) signal.step_begin[n_window] = n_entries;
  team.sync();
}

/// masks (window, n <= 4) -> the set that fired, per step and sample
template <class Team>
SPIKELANE_HD void encode_spikes(const Team& team, const SignalBuffer& signal, int n, int n_window) {
  SPIKELANE_ROLLED
  for (int t = 0; t < n_window; ++t)
    for (int l = team.worker(); l < kLanes; l += team.n_workers()) {
      int code = 0;
      SPIKELANE_ROLLED
      for (int i = 0; i < n; ++i) code |= ((signal.masks[t * n + i] >> l) & 1) << i;
      signal.codes[t * kLanes + l] = static_cast<uint8_t>(code);
    }
}

}  // namespace spikelane::SPIKELANE_ISA
