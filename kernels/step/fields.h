// The table of fields: every buffer of the State that a kernel touches, once.
//
// A tile of the State holds, for each population in list order, the fields below that the plan asks
// for, then the traces, then the projections' own. Sample lanes: (n, 16), lane = sample. Neuron
// lanes: (n_padded), lane = neuron. Spikes are bits: sample lanes one uint16 a neuron, neuron lanes
// n_padded/32 uint32 words. From this table come FieldOffsets, the tile's layout, reset, the state
// hash and docs/fields.md.
#pragma once

#include <stdint.h>

namespace spikelane {

enum class FieldKind : int { kFloat, kBits };

/// Which populations keep a field.
enum class KeptBy : int {
  kAll,
  kSpiking,
  kAdaptive,
  kRefractory,
  kSynaptic,
  kCounted,
  kFirstSpike,
  kMax,
  kMean,
  kBiasedReadout,
  kBiasedMean
};

// clang-format off
//  name            kind    kept by         at reset   unit        meaning
#define SPIKELANE_POPULATION_FIELDS(X)                                                                     \
  X(v,              kFloat, kAll,           0.0f,      "threshold", "membrane potential after the step; readout: value at the window's end") \
  X(spikes,         kBits,  kSpiking,       0.0f,      "",          "who fired in the last step")            \
  X(b,              kFloat, kAdaptive,      0.0f,      "",          "adaptation, the threshold is b0 + beta*b") \
  X(refractory,     kFloat, kRefractory,    0.0f,      "steps",     "steps until it may fire again")         \
  X(synaptic_trace, kFloat, kSynaptic,      0.0f,      "spikes",    "filtered spikes that drive its targets, S = delta*S + s") \
  X(n_spikes,       kFloat, kCounted,       0.0f,      "spikes",    "spikes since the reset, exact to 2^24") \
  X(first_spike,    kFloat, kFirstSpike,    kNeverFired, "step",    "step of the first spike")               \
  X(v_max,          kFloat, kMax,           kLowest,   "threshold", "largest membrane potential since the reset") \
  X(v_sum,          kFloat, kMean,          0.0f,      "threshold", "sum of the membrane potential over the loss window") \
  X(bias_trace,     kFloat, kBiasedReadout, 0.0f,      "spikes",    "the bias's own unit filter, z_b = kappa*z_b + 1") \
  X(bias_trace_sum, kFloat, kBiasedMean,    0.0f,      "spikes",    "sum of bias_trace over the loss window")
//  per trace (a source's spikes filtered with one decay, what a readout reads)
#define SPIKELANE_TRACE_FIELDS(X)                                                                          \
  X(z,              kFloat, kAll,           0.0f,      "spikes",    "filtered spikes, z = kappa*z + s")      \
  X(z_sum,          kFloat, kMean,          0.0f,      "spikes",    "sum of z over the loss window")
//  per projection
#define SPIKELANE_PROJECTION_FIELDS(X)                                                                     \
  X(drive,          kFloat, kSynaptic,      0.0f,      "threshold", "current of a synaptic trace, J = delta*J + P(spikes)")
// clang-format on

constexpr float kNeverFired = 16777216.0f;  // 2^24: no trial is that long
constexpr float kLowest = -3.402823466e38f;

/// Where each field of one population lies in a tile, in bytes; -1 where it is not kept.
struct FieldOffsets {
#define SPIKELANE_MEMBER(name, kind, kept_by, at_reset, unit, meaning) int64_t name = -1;
  SPIKELANE_POPULATION_FIELDS(SPIKELANE_MEMBER)
};
struct TraceOffsets {
  SPIKELANE_TRACE_FIELDS(SPIKELANE_MEMBER)
};
struct ProjectionOffsets {
  SPIKELANE_PROJECTION_FIELDS(SPIKELANE_MEMBER)
#undef SPIKELANE_MEMBER
};

}  // namespace spikelane
