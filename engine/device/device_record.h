// DeviceRecord: the record of windows of steps on a CUDA device. The kernel writes it as it steps;
// each window's comes back as one piece.
#pragma once

#include <span>
#include <vector>

#include "engine/device/staged_copies.h"

namespace spikelane {

class DeviceRecord {
 public:
  /// `fields` with arrays (n_rows, n_steps, n) on the host for whole trials; windows are as long as
  /// n_bytes hold, at most n_steps and at least one step. Throws RunError where there is too little
  /// memory.
  DeviceRecord(const CudaFunctions& cuda, std::span<const RecordFieldView> fields,
               std::int64_t n_rows, int n_steps, std::size_t n_bytes);

  /// Steps of the longest window.
  int n_window_steps() const { return n_window_steps_; }

  /// Queues what the kernel must know for a window from step t_begin on; returns where it is on the
  /// device.
  const RecordView* begin(int t_begin);
  /// Queues the copy back, behind the launch.
  void end();
  /// Writes the window's steps into the host's arrays, after a wait.
  void read(int n_window_steps);

 private:
  const CudaFunctions& cuda_;
  std::vector<RecordFieldView> fields_;
  std::int64_t n_rows_;
  int n_steps_, n_window_steps_, t_begin_ = 0;
  DeviceMemory memory_, view_memory_;
  PinnedMemory pinned_;
  StagedCopies staged_{cuda_, 2};
  std::vector<std::size_t> begin_;  // of each field's array in memory_: (n_rows, window, n)
};

}  // namespace spikelane
