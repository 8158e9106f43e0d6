#include "engine/state/state.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "engine/state/hash.h"

namespace spikelane {

State::State(const Plan& plan, int n_members, int n_samples)
    : plan_(plan),
      n_members_(n_members),
      n_samples_(n_samples),
      tiles_per_member_((n_samples + plan.lanes_per_tile() - 1) / plan.lanes_per_tile()),
      tile_bytes_(plan.view().tile_bytes),
      memory_(static_cast<std::size_t>(std::int64_t{n_members} * tiles_per_member_ * tile_bytes_)) {
}

template <class Visit>
void State::for_each_row(Visit visit) const {
  const int n_lanes = plan_.lanes_per_tile();
  for (int member = 0; member < n_members_; ++member)
    for (int sample = 0; sample < n_samples_; ++sample)
      visit(tiles(member) + sample / n_lanes * tile_bytes_, sample % n_lanes);
}

void State::copy_floats(std::int64_t at, int n, float* values) const {
  assert(at >= 0);
  const int n_lanes = plan_.lanes_per_tile();
  for_each_row([&](const char* tile, int lane) {
    const auto* field = reinterpret_cast<const float*>(tile + at);
    for (int i = 0; i < n; ++i) *values++ = field[i * n_lanes + lane];
  });
}

void State::copy_spikes(std::int64_t at, int n, float* values) const {
  assert(at >= 0);
  const bool is_sample_lanes = plan_.layout() == Layout::kSampleLanes;
  for_each_row([&](const char* tile, int lane) {
    const auto* masks = reinterpret_cast<const std::uint16_t*>(tile + at);
    const auto* words = reinterpret_cast<const std::uint32_t*>(tile + at);
    for (int i = 0; i < n; ++i) {
      const unsigned bit = is_sample_lanes ? masks[i] >> lane : words[i / 32] >> (i % 32);
      *values++ = static_cast<float>(bit & 1u);
    }
  });
}

std::vector<float> State::gather_floats(std::int64_t at, int n) const {
  std::vector<float> values(static_cast<std::size_t>(n_rows()) * static_cast<std::size_t>(n));
  copy_floats(at, n, values.data());
  return values;
}

std::vector<float> State::gather_spikes(std::int64_t at, int n) const {
  std::vector<float> values(static_cast<std::size_t>(n_rows()) * static_cast<std::size_t>(n));
  copy_spikes(at, n, values.data());
  return values;
}

void State::reset_row(int row) {
  const PlanView& view = plan_.view();
  const bool is_sample_lanes = plan_.layout() == Layout::kSampleLanes;
  const int n_lanes = plan_.lanes_per_tile(), sample = row % n_samples_, lane = sample % n_lanes;
  char* tile = tiles(row / n_samples_) + sample / n_lanes * tile_bytes_;
  const auto fill = [&](std::int64_t at, int n, float value) {
    for (int i = 0; at >= 0 && i < n; ++i)
      reinterpret_cast<float*>(tile + at)[i * n_lanes + lane] = value;
  };
  const auto clear = [&](std::int64_t at, int n) {
    for (int i = 0; at >= 0 && i < (is_sample_lanes ? n : n / 32); ++i)
      if (is_sample_lanes)
        reinterpret_cast<std::uint16_t*>(tile + at)[i] &= static_cast<std::uint16_t>(~(1u << lane));
      else
        reinterpret_cast<std::uint32_t*>(tile + at)[i] = 0;
  };
  for (int p = 0; p < view.n_populations; ++p) {
    const PopulationView& population = plan_.population(p);
#define SPIKELANE_RESET(name, kind, kept_by, at_reset, unit, meaning) \
  if (FieldKind::kind == FieldKind::kFloat)                           \
    fill(population.at.name, population.n_padded, at_reset);          \
  else                                                                \
    clear(population.at.name, population.n_padded);
    SPIKELANE_POPULATION_FIELDS(SPIKELANE_RESET)
#undef SPIKELANE_RESET
    for (int q = 0; q < population.n_projections; ++q)
      fill(population.projections[q].at.drive, population.projections[q].n_post_padded, 0.0f);
    // rings are kept in neuron lanes alone, where a tile is one row
    std::fill_n(tile + population.kept.at, population.kept.n_slots * population.kept.stride, '\0');
  }
  std::fill_n(tile + view.kept_input.at, view.kept_input.n_slots * view.kept_input.stride, '\0');
  for (int k = 0; k < view.n_traces; ++k) {
    fill(view.traces[k].at.z, view.traces[k].n_padded, 0.0f);
    fill(view.traces[k].at.z_sum, view.traces[k].n_padded, 0.0f);
  }
}

void State::poison_padding() {
  const float poison = std::numeric_limits<float>::quiet_NaN();
  const bool is_sample_lanes = plan_.layout() == Layout::kSampleLanes;
  const PlanView& view = plan_.view();
  const int n_lanes = plan_.lanes_per_tile();
  auto poison_field = [&](std::int64_t at, int n, int n_padded) {
    if (at < 0) return;
    for (int member = 0; member < n_members_; ++member)
      for (int i_tile = 0; i_tile < tiles_per_member_; ++i_tile) {
        auto* field = reinterpret_cast<float*>(tiles(member) + i_tile * tile_bytes_ + at);
        const int n_real = is_sample_lanes ? std::min(n_samples_ - i_tile * n_lanes, n_lanes) : 1;
        for (int i = 0; i < n_padded; ++i)
          for (int lane = 0; lane < n_lanes; ++lane)
            if (i >= n || lane >= n_real) field[i * n_lanes + lane] = poison;
      }
  };
  for (int p = 0; p < view.n_populations; ++p) {
    const PopulationView& population = plan_.population(p);
#define SPIKELANE_POISON(name, kind, kept_by, at_reset, unit, meaning) \
  if (FieldKind::kind == FieldKind::kFloat)                            \
    poison_field(population.at.name, population.n, population.n_padded);
    SPIKELANE_POPULATION_FIELDS(SPIKELANE_POISON)
#undef SPIKELANE_POISON
  }
  for (int k = 0; k < view.n_traces; ++k) {
    poison_field(view.traces[k].at.z, view.traces[k].n, view.traces[k].n_padded);
    poison_field(view.traces[k].at.z_sum, view.traces[k].n, view.traces[k].n_padded);
  }
  for (int p = 0; p < view.n_populations; ++p)
    for (int q = 0; q < plan_.population(p).n_projections; ++q) {
      const ProjectionView& projection = plan_.population(p).projections[q];
      poison_field(projection.at.drive, projection.n_post, projection.n_post_padded);
    }
}

void FinalState::append(const FinalState& other) {
  auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(v, other.v);
  add(s, other.s);
  add(b, other.b);
  add(refractory, other.refractory);
  add(n_spikes, other.n_spikes);
  add(kept, other.kept);
}

void FinalState::add_to(StateHash& hash) const {
  hash.add(std::span<const float>(v));
  if (!is_spiking) return;
  hash.add(std::span<const float>(s));
  if (!b.empty()) hash.add(std::span<const float>(b));
  if (!refractory.empty()) hash.add(std::span<const float>(refractory));
  hash.add(std::span<const std::int32_t>(n_spikes));
  if (!kept.empty()) hash.add(std::span<const float>(kept));
}

FinalState gather_final_state(const Plan& plan, const State& state, int p) {
  const PopulationView& population = plan.population(p);
  FinalState final;
  final.is_spiking = is_spiking(population.model);
  final.v = state.gather_floats(population.at.v, population.n);
  if (!final.is_spiking) return final;
  final.s = population.at.synaptic_trace >= 0
                ? state.gather_floats(population.at.synaptic_trace, population.n)
                : state.gather_spikes(population.at.spikes, population.n);
  if (population.at.b >= 0) final.b = state.gather_floats(population.at.b, population.n);
  if (population.at.refractory >= 0)
    final.refractory = state.gather_floats(population.at.refractory, population.n);
  for (float n : state.gather_floats(population.at.n_spikes, population.n))
    final.n_spikes.push_back(static_cast<std::int32_t>(n));
  // spikes of the last max_delay steps, the oldest first
  const KeptSpikes& kept = population.kept;
  const std::int64_t n = population.n, n_rows = state.n_rows();
  final.kept.resize(static_cast<std::size_t>(n_rows * kept.max_delay * n));
  for (int k = 0; k < kept.max_delay; ++k) {
    const int t = plan.view().n_steps - kept.max_delay + k;
    const std::vector<float> spikes =
        state.gather_spikes(kept.at + (t & (kept.n_slots - 1)) * kept.stride, population.n);
    for (std::int64_t row = 0; row < n_rows; ++row)
      std::copy_n(spikes.begin() + row * n, n, final.kept.begin() + (row * kept.max_delay + k) * n);
  }
  return final;
}

std::string hash_state(const Plan& plan, const State& state) {
  StateHash hash;
  for (int p = 0; p < plan.view().n_populations; ++p)
    gather_final_state(plan, state, p).add_to(hash);
  return hash.text();
}

}  // namespace spikelane
