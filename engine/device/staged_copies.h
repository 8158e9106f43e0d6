// Copies to a CUDA device that nobody waits for, and copies from it that are waited for together:
// what is copied goes through pinned memory of their own.
#pragma once

#include <deque>
#include <vector>

#include "engine/device/device_memory.h"

namespace spikelane {

/// A point in the order of a stream.
class DeviceEvent {
 public:
  explicit DeviceEvent(const CudaFunctions& cuda) : cuda_(cuda) {
    check_cuda(cuda.make_event(&event_));
  }
  ~DeviceEvent() { cuda_.release_event(event_); }
  DeviceEvent(const DeviceEvent&) = delete;
  DeviceEvent& operator=(const DeviceEvent&) = delete;

  /// It comes when all that was queued on the stream so far is over.
  void record(CudaStream stream) {
    check_cuda(cuda_.record_event(stream, event_));
    is_recorded_ = true;
  }
  /// Lets what is queued on the stream from now on wait for it; the host goes on.
  void hold_back(CudaStream stream) const {
    if (is_recorded_) check_cuda(cuda_.wait_event_on(stream, event_));
  }
  /// The host waits for it.
  void wait() const {
    if (is_recorded_) check_cuda(cuda_.wait_event(event_));
  }
  /// The same where nothing may be thrown.
  void wait_quietly() const {
    if (is_recorded_) cuda_.wait_event(event_);
  }

 private:
  const CudaFunctions& cuda_;
  void* event_ = nullptr;
  bool is_recorded_ = false;
};

/// A ring of pinned blocks: each copy takes the next one, and waits only where the copy that had it
/// before is not over.
class StagedCopies {
 public:
  StagedCopies(const CudaFunctions& cuda, int n_blocks, CudaStream stream = CudaStream::kWork)
      : cuda_(cuda), stream_(stream) {
    for (int i = 0; i < n_blocks; ++i) blocks_.emplace_back(cuda);
  }
  /// Waits for what is under way.
  ~StagedCopies() {
    for (const Block& block : blocks_) block.is_over.wait_quietly();
  }

  /// In order with the stream.
  void copy_in(void* to, const void* from, std::size_t n_bytes);
  /// The image, into memory that is made larger where it is too small: then the host waits for the
  /// work that may still read it.
  void copy_in(DeviceMemory& to, DeviceImage& image);

 private:
  struct Block {
    explicit Block(const CudaFunctions& cuda) : is_over(cuda) {}
    PinnedMemory memory;
    DeviceEvent is_over;
  };
  const CudaFunctions& cuda_;
  CudaStream stream_;
  std::deque<Block> blocks_;
  std::size_t next_ = 0;
};

/// What comes back from the device with one wait: copies to other memory than pinned one would each
/// wait by itself.
class ReturnedCopies {
 public:
  explicit ReturnedCopies(const CudaFunctions& cuda) : cuda_(cuda) {}

  /// `to` gets the n values that lie at `from` when all that is queued by the call of `wait` is
  /// over.
  template <class T>
  void ask(T* to, const T* from, std::int64_t n) {
    if (n > 0) copies_.push_back({to, from, static_cast<std::size_t>(n) * sizeof(T)});
  }
  /// Then all that was asked for is there.
  void wait();

 private:
  struct Copy {
    void* to;
    const void* from;
    std::size_t n_bytes;
  };
  const CudaFunctions& cuda_;
  std::vector<Copy> copies_;
  PinnedMemory memory_;
};

}  // namespace spikelane
