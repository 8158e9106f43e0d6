// Cells: one spiking neuron model each, in the form both layouts' drivers step. A cell holds the
// state of one vector of neurons in registers; where its fields and constants lie is the layout's
// business (Place). A new model is a cell, its element functions in kernels/core and its fields.
//
//   load(team, tile, population, place)      state -> registers
//   step(team, population, place, current)   -> who fires
//   clear_tiny(), store(...)                 registers -> state
#pragma once

#include "kernels/core/alif.h"
#include "kernels/core/leaky.h"
#include "kernels/step/observe.h"
#include "kernels/step/tile.h"

namespace spikelane::SPIKELANE_ISA {

/// Sample lanes: neuron `i`, 16 samples of it side by side.
struct SamplePlace {
  int i;
  SPIKELANE_INLINE int at() const { return i * kLanes; }
  template <class Team>
  SPIKELANE_INLINE typename Team::F constant(const Team& team, const float* values) const {
    return team.broadcast(values[i]);
  }
};

/// Neuron lanes: neurons i .. i+15 of one row.
struct NeuronPlace {
  int i;
  SPIKELANE_INLINE int at() const { return i; }
  template <class Team>
  SPIKELANE_INLINE typename Team::F constant(const Team& team, const float* values) const {
    return team.load(values + i);
  }
};

template <class Team, class Place>
struct LeakyCell {
  using F = typename Team::F;
  using Mask = typename Team::Mask;
  static constexpr bool kHasHistory = false;
  F v;
  SPIKELANE_INLINE F membrane() const { return v; }

  SPIKELANE_INLINE void load(const Team& team, const Tile& tile, const PopulationView& population,
                             Place place) {
    v = team.load(tile.floats(population.at.v) + place.at());
  }
  SPIKELANE_INLINE Mask step(const Team& team, const PopulationView& population, Place place,
                             F current) {
    Mask s;
    step_leaky(population.reset, population.reset_delay, place.constant(team, population.beta),
               place.constant(team, population.threshold), current, v, s);
    return s;
  }
  SPIKELANE_INLINE void clear_tiny() { v = without_tiny(v); }
  SPIKELANE_INLINE void store(const Team& team, const Tile& tile, const PopulationView& population,
                              Place place) const {
    team.store(tile.floats(population.at.v) + place.at(), v);
  }
};

template <class Team, class Place>
struct AlifCell {
  using F = typename Team::F;
  using Mask = typename Team::Mask;
  static constexpr bool kHasHistory = true;
  AlifState<F> x;
  F synaptic_trace;
  SPIKELANE_INLINE F membrane() const { return x.v; }

  SPIKELANE_INLINE F load_field(const Team& team, const Tile& tile, int64_t field,
                                Place place) const {
    return field >= 0 ? team.load(tile.floats(field) + place.at()) : team.broadcast(0.0f);
  }
  SPIKELANE_INLINE void load(const Team& team, const Tile& tile, const PopulationView& population,
                             Place place) {
    x.v = load_field(team, tile, population.at.v, place);
    x.b = load_field(team, tile, population.at.b, place);
    x.refractory = load_field(team, tile, population.at.refractory, place);
    synaptic_trace = load_field(team, tile, population.at.synaptic_trace, place);
  }
  SPIKELANE_INLINE Mask step(const Team& team, const PopulationView& population, Place place,
                             F current) {
    const AlifView& alif = population.alif;
    const AlifConstants<F> constants{place.constant(team, population.beta),
                                     place.constant(team, alif.input_gain),
                                     place.constant(team, population.threshold),
                                     place.constant(team, alif.adaptation),
                                     place.constant(team, alif.rho),
                                     place.constant(team, alif.b_gain),
                                     place.constant(team, alif.v_reset),
                                     place.constant(team, alif.t_refractory)};
    const Mask s = step_alif(constants, alif.subtracts != 0, current, x);
    if (population.at.synaptic_trace >= 0)
      synaptic_trace =
          add_where(s, team.broadcast(population.delta) * synaptic_trace, team.broadcast(1.0f));
    return s;
  }
  SPIKELANE_INLINE void clear_tiny() {
    x.v = without_tiny(x.v);
    x.b = without_tiny(x.b);
    synaptic_trace = without_tiny(synaptic_trace);
  }
  SPIKELANE_INLINE void store_field(const Team& team, const Tile& tile, int64_t field, Place place,
                                    F value) const {
    if (field >= 0) team.store(tile.floats(field) + place.at(), value);
  }
  SPIKELANE_INLINE void store(const Team& team, const Tile& tile, const PopulationView& population,
                              Place place) const {
    store_field(team, tile, population.at.v, place, x.v);
    store_field(team, tile, population.at.b, place, x.b);
    store_field(team, tile, population.at.refractory, place, x.refractory);
    store_field(team, tile, population.at.synaptic_trace, place, synaptic_trace);
  }
  /// S of the step that gave the spikes `s`.
  SPIKELANE_INLINE F sent(const Team& team, const PopulationView& population, Mask s) const {
    return population.at.synaptic_trace >= 0
               ? synaptic_trace
               : select(s, team.broadcast(1.0f), team.broadcast(0.0f));
  }
  SPIKELANE_INLINE F pseudo_derivative_of(const HistoryView& history) const {
    return pseudo_derivative(history.surrogate, history.gamma, x.v_before_reset, x.threshold,
                             x.base_threshold, x.is_eligible);
  }
};

/// The current of one projection's vector at `at` in its field: P itself, or where the source has a
/// synaptic trace J = delta*J + P. So W times S is never formed.
template <class Team>
SPIKELANE_INLINE typename Team::F drive_with(const Team& team, const Tile& tile,
                                             const ProjectionView& projection, int at, int t,
                                             typename Team::F sum) {
  float* p = tile.floats(projection.at.drive) + at;
  const auto drive = team.broadcast(projection.delta) * team.load(p) + sum;
  team.store(p, is_flush_step(t) ? without_tiny(drive) : drive);
  return drive;
}

}  // namespace spikelane::SPIKELANE_ISA
