#include "engine/state/hash.h"

#include <xxhash.h>

#include <cstdio>

namespace spikelane {

static XXH64_state_t* of(void* state) { return static_cast<XXH64_state_t*>(state); }

void StateHash::Free::operator()(void* state) const { XXH64_freeState(of(state)); }

StateHash::StateHash() : state_(XXH64_createState()) { XXH64_reset(of(state_.get()), 0); }

void StateHash::add(std::span<const float> values) {
  XXH64_update(of(state_.get()), values.data(), values.size_bytes());
}
void StateHash::add(std::span<const double> values) {
  XXH64_update(of(state_.get()), values.data(), values.size_bytes());
}
void StateHash::add(std::span<const std::int32_t> values) {
  XXH64_update(of(state_.get()), values.data(), values.size_bytes());
}
void StateHash::add(std::uint64_t value) { XXH64_update(of(state_.get()), &value, sizeof value); }
void StateHash::add(std::string_view text) {
  XXH64_update(of(state_.get()), text.data(), text.size());
}

std::uint64_t StateHash::value() const { return XXH64_digest(of(state_.get())); }

std::string StateHash::text() const {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value()));
  return digits;
}

}  // namespace spikelane
