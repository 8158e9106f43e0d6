// XXH64 over numbers as they lie in memory (little endian).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace spikelane {

class StateHash {
 public:
  StateHash();
  void add(std::span<const float> values);
  void add(std::span<const double> values);
  void add(std::span<const std::int32_t> values);
  void add(std::uint64_t value);
  void add(std::string_view text);
  std::uint64_t value() const;
  std::string text() const;  // 16 hex digits

 private:
  struct Free {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, Free> state_;
};

}  // namespace spikelane
