#include "engine/device/device_record.h"

#include <algorithm>
#include <cstring>

namespace spikelane {

static std::size_t entry_bytes(const RecordFieldView& field) {
  return static_cast<std::size_t>(field.n) * (field.spikes ? sizeof(std::uint8_t) : sizeof(float));
}

DeviceRecord::DeviceRecord(const CudaFunctions& cuda, std::span<const RecordFieldView> fields,
                           std::int64_t n_rows, int n_steps, std::size_t n_bytes)
    : cuda_(cuda), fields_(fields.begin(), fields.end()), n_rows_(n_rows), n_steps_(n_steps) {
  std::size_t n_step_bytes = 0;
  for (const RecordFieldView& field : fields_)
    n_step_bytes += static_cast<std::size_t>(n_rows) * entry_bytes(field);
  n_window_steps_ = static_cast<int>(
      std::clamp<std::size_t>(n_bytes / n_step_bytes, 1, static_cast<std::size_t>(n_steps)));
  std::size_t n_all = 0;
  for (const RecordFieldView& field : fields_) {
    begin_.push_back(n_all);
    n_all += static_cast<std::size_t>(n_rows * n_window_steps_) * entry_bytes(field);
    n_all = (n_all + 63) / 64 * 64;
  }
  memory_ = DeviceMemory(cuda, n_all);
  pinned_ = PinnedMemory(cuda, n_all);
}

const RecordView* DeviceRecord::begin(int t_begin) {
  t_begin_ = t_begin;
  std::vector<RecordFieldView> fields = fields_;
  for (std::size_t f = 0; f < fields.size(); ++f) {
    char* to = memory_.data() + begin_[f];
    if (fields[f].spikes)
      fields[f].spikes = reinterpret_cast<std::uint8_t*>(to);
    else
      fields[f].floats = reinterpret_cast<float*>(to);
  }
  DeviceImage image;
  const auto at_fields = image.put(fields.data(), static_cast<std::int64_t>(fields.size()));
  const RecordView view{nullptr, static_cast<int>(fields.size()), t_begin, n_window_steps_};
  const auto at_view = image.put(&view, 1);
  image.point(&image.at<RecordView>(at_view)->fields, at_fields);
  staged_.copy_in(view_memory_, image);
  return reinterpret_cast<const RecordView*>(view_memory_.data() + at_view);
}

void DeviceRecord::end() {
  check_cuda(cuda_.copy_out(pinned_.data(), memory_.data(), memory_.size()));
}

void DeviceRecord::read(int n_window_steps) {
  for (std::size_t f = 0; f < fields_.size(); ++f) {
    const RecordFieldView& field = fields_[f];
    const std::size_t n_entry = entry_bytes(field);
    auto* to = field.spikes ? reinterpret_cast<char*>(field.spikes)
                            : reinterpret_cast<char*>(field.floats);
    const auto at = [&](std::int64_t row, std::int64_t row_steps, int step) {
      return static_cast<std::size_t>(row * row_steps + step) * n_entry;
    };
    for (std::int64_t row = 0; row < n_rows_; ++row)
      std::memcpy(to + at(row, n_steps_, t_begin_),
                  pinned_.data() + begin_[f] + at(row, n_window_steps_, 0),
                  static_cast<std::size_t>(n_window_steps) * n_entry);
  }
}

}  // namespace spikelane
