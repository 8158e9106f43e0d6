// The frozen hashes of tasks/scenes. A change here is a numerics change: it stands in CHANGELOG.md.
#pragma once

namespace spikelane::test {

struct FrozenHashes {
  const char *scene, *state, *scores;
};

// clang-format off
inline constexpr FrozenHashes kFrozenHashes[] = {
    {"", "", ""},
};
// clang-format on

}  // namespace spikelane::test
