// State: everything that changes while a network runs, for R rows (member, sample). One allocation,
// a list of tiles (kernels/step/fields.h has the fields and their shapes).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/plan/plan.h"
#include "engine/state/aligned_memory.h"
#include "engine/state/hash.h"

namespace spikelane {

class State {
 public:
  /// For `n_samples` rows of each of `n_members` members; the tiles of a member follow one another.
  State(const Plan& plan, int n_members, int n_samples);

  int n_rows() const { return n_members_ * n_samples_; }
  int tiles_per_member() const { return tiles_per_member_; }
  char* tiles(int member) const {
    return memory_.data() + std::int64_t{member} * tiles_per_member_ * tile_bytes_;
  }
  std::int64_t tile_bytes() const { return tile_bytes_; }
  std::size_t n_bytes() const { return memory_.size(); }

  /// The field at byte offset `at` of a population of `n` neurons for all rows, (R, n), rows
  /// ascending and without padding; spikes come as 0 and 1.
  std::vector<float> gather_floats(std::int64_t at, int n) const;
  /// The same without allocating, into `values` (R, n).
  void copy_floats(std::int64_t at, int n, float* values) const;
  void copy_spikes(std::int64_t at, int n, float* values) const;
  std::vector<float> gather_spikes(std::int64_t at, int n) const;

  /// One row, (member, sample), as it is before its first step.
  void reset_row(int row);

  /// Overwrites everything that is no neuron's and no sample's (padding) with NaN. For tests: it
  /// must change nothing.
  void poison_padding();

 private:
  template <class Visit>
  void for_each_row(Visit visit) const;

  const Plan& plan_;
  int n_members_, n_samples_, tiles_per_member_;
  std::int64_t tile_bytes_;
  AlignedMemory memory_;
};

/// What the state hash takes of one population, (R, n) each, rows ascending.
struct FinalState {
  bool is_spiking = false;
  std::vector<float> v;
  std::vector<float> s;              // spikes, or the synaptic trace where there is one
  std::vector<float> b, refractory;  // where they are kept
  std::vector<std::int32_t> n_spikes;
  std::vector<float> kept;  // (rows, max_delay, n) spikes kept for delays, the oldest first
  void append(const FinalState& other);
  void add_to(StateHash& hash) const;
};

/// The plan must keep counts.
FinalState gather_final_state(const Plan& plan, const State& state, int p);

/// XXH64 over the final state of each population in turn: 16 hex digits. The plan must keep counts.
std::string hash_state(const Plan& plan, const State& state);

}  // namespace spikelane
