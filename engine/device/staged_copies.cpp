#include "engine/device/staged_copies.h"

#include <cstring>

namespace spikelane {

void StagedCopies::copy_in(void* to, const void* from, std::size_t n_bytes) {
  Block& block = blocks_[next_];
  next_ = (next_ + 1) % blocks_.size();
  block.is_over.wait();
  // a little more than asked for, so that growing is rare
  if (block.memory.size() < n_bytes) block.memory = PinnedMemory(cuda_, n_bytes + n_bytes / 4);
  std::memcpy(block.memory.data(), from, n_bytes);
  check_cuda(cuda_.copy_in_on(stream_, to, block.memory.data(), n_bytes));
  block.is_over.record(stream_);
}

void StagedCopies::copy_in(DeviceMemory& to, DeviceImage& image) {
  if (!image.fits(to)) {
    if (to.size() > 0) check_cuda(cuda_.wait());
    image.make_room_in(cuda_, to);
    // it is zeroed in order with the work, which another stream does not know of
    check_cuda(cuda_.wait());
  }
  copy_in(to.data(), image.bytes_for(to), static_cast<std::size_t>(image.size()));
}

void ReturnedCopies::wait() {
  std::size_t n_bytes = 0;
  for (const Copy& copy : copies_) n_bytes += copy.n_bytes;
  if (memory_.size() < n_bytes) memory_ = PinnedMemory(cuda_, n_bytes);
  const char* from = memory_.data();
  char* to = memory_.data();
  for (const Copy& copy : copies_) {
    check_cuda(cuda_.copy_out(to, copy.from, copy.n_bytes));
    to += copy.n_bytes;
  }
  check_cuda(cuda_.wait());
  for (const Copy& copy : copies_) {
    std::memcpy(copy.to, from, copy.n_bytes);
    from += copy.n_bytes;
  }
  copies_.clear();
}

}  // namespace spikelane
