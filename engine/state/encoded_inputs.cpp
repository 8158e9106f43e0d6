#include "engine/state/encoded_inputs.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <tuple>

namespace spikelane {

EncodedInputs::EncodedInputs(const Plan& plan, const Dataset& data,
                             std::span<const std::int32_t> indices, std::uint32_t epoch)
    : n_samples_(static_cast<int>(indices.size())), n_steps_(data.n_steps) {
  static std::atomic<std::uint64_t> n_made{0};
  number_ = ++n_made;
  if (!data.labels.empty())
    for (std::int32_t sample : indices)
      labels_.push_back(data.labels[static_cast<std::size_t>(sample)]);
  const int n_lanes = plan.lanes_per_tile();
  const int n_tiles = (n_samples_ + n_lanes - 1) / n_lanes;
  views_.resize(static_cast<std::size_t>(n_tiles));
  for (int i = 0; i < n_tiles; ++i)
    views_[static_cast<std::size_t>(i)].n_lanes = std::min(n_lanes, n_samples_ - i * n_lanes);
  if (data.is_dense)
    encode_dense(data, indices, n_lanes);
  else if (n_lanes == 1)
    encode_rows(data, indices, epoch);
  else
    encode_tiles(data, indices, epoch, plan.wants_input_codes());
}

void EncodedInputs::encode_dense(const Dataset& data, std::span<const std::int32_t> indices,
                                 int n_lanes) {
  const std::int64_t n_frame = std::int64_t{n_steps_} * data.n_inputs;
  dense_.resize(views_.size() * static_cast<std::size_t>(n_frame * n_lanes) + kLanes);
  // vector loads want the first value on a 64-byte boundary
  const auto misaligned = reinterpret_cast<std::uintptr_t>(dense_.data()) % 64;
  float* aligned = dense_.data() + (misaligned ? (64 - misaligned) / sizeof(float) : 0);
  for (int sample = 0; sample < n_samples_; ++sample) {
    float* tile = aligned + sample / n_lanes * n_frame * n_lanes;
    const float* from = data.values.data() + indices[static_cast<std::size_t>(sample)] * n_frame;
    for (std::int64_t i = 0; i < n_frame; ++i) tile[i * n_lanes + sample % n_lanes] = from[i];
  }
  for (std::size_t i = 0; i < views_.size(); ++i)
    views_[i].dense = aligned + static_cast<std::int64_t>(i) * n_frame * n_lanes;
}

// a sample's events: those that are stored, or else made in `room`
static std::span<const InputEvent> events_of(const Dataset& data, std::int32_t sample,
                                             std::uint32_t epoch, std::vector<InputEvent>& room) {
  if (data.source) {
    data.source->write(sample, epoch, room);
    return room;
  }
  const auto at = static_cast<std::size_t>(sample);
  return std::span(data.events)
      .subspan(static_cast<std::size_t>(data.offsets[at]),
               static_cast<std::size_t>(data.offsets[at + 1] - data.offsets[at]));
}

void EncodedInputs::encode_rows(const Dataset& data, std::span<const std::int32_t> indices,
                                std::uint32_t epoch) {
  std::vector<std::size_t> begins;
  std::vector<InputEvent> room;
  step_begin_.assign(indices.size() * static_cast<std::size_t>(n_steps_ + 1), 0);
  std::int32_t* step_begin = step_begin_.data();
  for (std::int32_t sample : indices) {
    const auto events = events_of(data, sample, epoch, room);
    // samples are of about one size: room is made once, not again and again
    if (begins.empty()) units_.reserve(indices.size() * (events.size() + events.size() / 4));
    begins.push_back(units_.size());
    units_.resize(units_.size() + events.size());
    std::int32_t* units = units_.data() + begins.back();
    // the last event of a step says where the next one begins, steps without events follow suit:
    // no branch that hangs on the events
    for (std::size_t i = 0; i < events.size(); ++i) {
      assert(events[i].step >= 0 && events[i].step < n_steps_);
      step_begin[events[i].step + 1] = static_cast<std::int32_t>(i) + 1;
      units[i] = events[i].unit;
    }
    for (int t = 0; t < n_steps_; ++t)
      step_begin[t + 1] = std::max(step_begin[t + 1], step_begin[t]);
    step_begin += n_steps_ + 1;
  }
  for (std::size_t row = 0; row < views_.size(); ++row) {
    views_[row].step_begin = step_begin_.data() + row * static_cast<std::size_t>(n_steps_ + 1);
    views_[row].units = units_.data() + begins[row];
  }
}

namespace {

// The sets of units that fire together in a tile, numbered: 0 is the empty one.
struct CodeBook {
  std::vector<std::uint32_t> sets{0};
  // index of `set`, or -1 when the table is full
  int find(std::uint32_t set) {
    const auto at = std::find(sets.begin(), sets.end(), set);
    if (at != sets.end()) return static_cast<int>(at - sets.begin());
    if (sets.size() == kMaxCodes) return -1;
    sets.push_back(set);
    return static_cast<int>(sets.size()) - 1;
  }
};

}  // namespace

void EncodedInputs::encode_tiles(const Dataset& data, std::span<const std::int32_t> indices,
                                 std::uint32_t epoch, bool wants_codes) {
  std::vector<InputEvent> room;
  std::vector<std::size_t> begins;
  std::vector<std::size_t> code_begins;
  std::vector<int> n_codes;
  struct LaneEvent {
    std::int32_t step, unit, lane;
  };
  std::vector<LaneEvent> events;
  std::vector<std::uint32_t> sets;  // (T, 16)
  const std::size_t n_frame = static_cast<std::size_t>(n_steps_) * kLanes;
  for (std::size_t i_tile = 0; i_tile < views_.size(); ++i_tile) {
    events.clear();
    for (int lane = 0; lane < views_[i_tile].n_lanes; ++lane)
      for (const InputEvent& event : events_of(data, indices[i_tile * kLanes + lane], epoch, room))
        events.push_back({event.step, event.unit, lane});
    std::sort(events.begin(), events.end(), [](const LaneEvent& a, const LaneEvent& b) {
      return std::tie(a.step, a.unit, a.lane) < std::tie(b.step, b.unit, b.lane);
    });
    begins.push_back(entries_.size());
    std::size_t i = 0;
    for (int t = 0; t <= n_steps_; ++t) {
      step_begin_.push_back(static_cast<std::int32_t>(entries_.size() - begins.back()));
      for (bool is_first = true; t < n_steps_ && i < events.size() && events[i].step == t; ++i) {
        const auto unit = static_cast<std::uint16_t>(events[i].unit);
        if (is_first || entries_.back().unit != unit) entries_.push_back({unit, 0});
        entries_.back().lanes |= static_cast<std::uint16_t>(1u << events[i].lane);
        is_first = false;
      }
    }
    if (!wants_codes) continue;
    sets.assign(n_frame, 0);
    for (const LaneEvent& event : events)
      sets[static_cast<std::size_t>(event.step) * kLanes + static_cast<std::size_t>(event.lane)] |=
          1u << event.unit;
    CodeBook book;
    const std::size_t code_begin = codes_.size();
    bool fits = true;
    for (std::size_t k = 0; k < n_frame && fits; ++k) {
      const int code = sets[k] == 0 ? 0 : book.find(sets[k]);
      fits = code >= 0;
      codes_.push_back(static_cast<std::uint8_t>(code));
    }
    if (!fits) codes_.resize(code_begin);
    code_begins.push_back(code_begin);
    n_codes.push_back(fits ? static_cast<int>(book.sets.size()) : 0);
    book.sets.resize(kMaxCodes, 0);
    code_units_.insert(code_units_.end(), book.sets.begin(), book.sets.end());
  }
  for (std::size_t i = 0; i < views_.size(); ++i) {
    views_[i].step_begin = step_begin_.data() + i * static_cast<std::size_t>(n_steps_ + 1);
    views_[i].entries = entries_.data() + begins[i];
    if (!wants_codes || n_codes[i] == 0) continue;
    views_[i].codes = codes_.data() + code_begins[i];
    views_[i].code_units = code_units_.data() + i * kMaxCodes;
    views_[i].n_codes = n_codes[i];
  }
}

}  // namespace spikelane
