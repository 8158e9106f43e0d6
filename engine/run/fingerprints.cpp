#include "engine/run/fingerprints.h"

#include "engine/state/hash.h"

namespace spikelane {

static void add_dataset(StateHash& hash, const Dataset& data) {
  for (const int size : {data.n_samples, data.n_steps, data.n_inputs})
    hash.add(static_cast<std::uint64_t>(size));
  hash.add(static_cast<std::uint64_t>(data.is_dense));
  if (data.source) hash.add(data.source->fingerprint());
  static_assert(sizeof(InputEvent) == 2 * sizeof(std::int32_t));
  hash.add(std::string_view(reinterpret_cast<const char*>(data.events.data()),
                            data.events.size() * sizeof(InputEvent)));
  for (const std::int64_t offset : data.offsets) hash.add(static_cast<std::uint64_t>(offset));
  hash.add(std::span<const float>(data.values));
  hash.add(std::span<const std::int32_t>(data.labels));
}

std::string data_fingerprint(const TaskData& data) {
  if (data.loop) return data.model_fingerprint;
  StateHash hash;
  hash.add(static_cast<std::uint64_t>(data.n_classes));
  add_dataset(hash, data.train);
  add_dataset(hash, data.test);
  return hash.text();
}

}  // namespace spikelane
