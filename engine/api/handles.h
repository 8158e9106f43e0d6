// Handles: numbers that stand for the API's objects. A handle is a place and a generation; closing
// an object moves its place to the next generation, so that every older handle is known to be
// stale.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace spikelane {

/// Objects that one thread at a time may use, without a lock: a place's word holds its generation
/// and whether it is in use. Places are never freed, so that looking at one is always safe.
template <class Object>
class ExclusiveHandles {
  struct Place {
    std::atomic<std::uint64_t> word{2};  // generation * 2 + whether it is in use; from 1 on
    std::unique_ptr<Object> object;
    std::uint32_t index = 0;
  };

 public:
  enum class Found { kYes, kStale, kBusy };

  /// The object while it is in use. Ends the use when it goes.
  class Use {
   public:
    Use(ExclusiveHandles& handles, std::uint64_t id) : handles_(handles) {
      place_ = handles.find(id);
      const std::uint64_t generation = id >> 32;
      std::uint64_t word = generation << 1;
      if (place_ == nullptr) {
        found_ = Found::kStale;
      } else if (place_->word.compare_exchange_strong(word, word | 1, std::memory_order_acquire)) {
        found_ = place_->object ? Found::kYes : Found::kStale;
        if (found_ == Found::kStale) place_->word.store(generation << 1);
      } else {
        found_ = word >> 1 == generation ? Found::kBusy : Found::kStale;
      }
    }
    ~Use() {
      if (found_ == Found::kYes)
        place_->word.store(place_->word.load(std::memory_order_relaxed) & ~std::uint64_t{1},
                           std::memory_order_release);
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    Found found() const { return found_; }
    Object& object() const { return *place_->object; }

    /// Destroys the object; its handle is stale from now on.
    void close() {
      place_->object.reset();
      const std::uint64_t next = ((place_->word.load() >> 1) + 1) & 0xffffffffu;
      place_->word.store(next << 1, std::memory_order_release);
      found_ = Found::kStale;
      handles_.give_back(place_);
    }

   private:
    friend class ExclusiveHandles;
    ExclusiveHandles& handles_;
    Place* place_ = nullptr;
    Found found_ = Found::kStale;
  };

  /// 0 when there are too many.
  std::uint64_t add(std::unique_ptr<Object> object) {
    const std::lock_guard lock(mutex_);
    if (free_.empty() && !grow()) return 0;
    Place* place = free_.back();
    free_.pop_back();
    place->object = std::move(object);
    return ((place->word.load() >> 1) << 32) | (place->index + 1);
  }

 private:
  static constexpr std::uint32_t kChunk = 256, kChunks = 256;
  Place* find(std::uint64_t id) const {
    const std::uint32_t at = static_cast<std::uint32_t>(id) - 1;
    if (at >= kChunk * kChunks) return nullptr;
    Place* chunk = chunks_[at / kChunk].load(std::memory_order_acquire);
    return chunk ? chunk + at % kChunk : nullptr;
  }
  bool grow() {
    if (n_chunks_ == kChunks) return false;
    auto* chunk = new Place[kChunk];
    for (std::uint32_t i = kChunk; i-- > 0;) {
      chunk[i].index = n_chunks_ * kChunk + i;
      free_.push_back(chunk + i);
    }
    chunks_[n_chunks_++].store(chunk, std::memory_order_release);
    return true;
  }
  void give_back(Place* place) {
    const std::lock_guard lock(mutex_);
    free_.push_back(place);
  }

  std::mutex mutex_;
  std::vector<Place*> free_;
  std::uint32_t n_chunks_ = 0;
  std::array<std::atomic<Place*>, kChunks> chunks_{};
};

/// Objects that never change and are shared by whoever has found them.
template <class Object>
class SharedHandles {
 public:
  std::uint64_t add(std::shared_ptr<const Object> object) {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(places_.size()));
      places_.push_back({1, nullptr});
    }
    const std::uint32_t at = free_.back();
    free_.pop_back();
    places_[at].object = std::move(object);
    return std::uint64_t{places_[at].generation} << 32 | (at + 1);
  }
  /// Null for a stale handle.
  std::shared_ptr<const Object> find(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const Place* place = place_of(id);
    return place ? place->object : nullptr;
  }
  bool close(std::uint64_t id) {
    std::shared_ptr<const Object> last;  // destroyed after the lock
    const std::lock_guard lock(mutex_);
    Place* place = place_of(id);
    if (place == nullptr || !place->object) return false;
    last = std::move(place->object);
    ++place->generation;
    free_.push_back(static_cast<std::uint32_t>(place - places_.data()));
    return true;
  }

 private:
  struct Place {
    std::uint32_t generation;
    std::shared_ptr<const Object> object;
  };
  Place* place_of(std::uint64_t id) {
    const std::uint32_t at = static_cast<std::uint32_t>(id) - 1;
    if (at >= places_.size() || places_[at].generation != id >> 32) return nullptr;
    return &places_[at];
  }

  std::mutex mutex_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
};

}  // namespace spikelane
