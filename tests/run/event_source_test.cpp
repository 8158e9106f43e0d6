// Events that are made on demand give the same as the same events stored, and each epoch its own.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/run/es_trainer.h"
#include "engine/run/kernl_trainer.h"
#include "engine/state/encoded_inputs.h"

namespace spikelane {
namespace {

constexpr int kSteps = 50, kInputs = 20, kSamples = 40;

// irregular, with steps and whole samples without events; others in each epoch
class SomeSource : public EventSource {
 public:
  void write(int sample, std::uint32_t epoch, std::vector<InputEvent>& events) const override {
    events.clear();
    if (sample == 3) return;
    for (int t = 0; t < kSteps; ++t)
      for (int unit = 0; unit < kInputs; ++unit)
        if ((t * 7 + unit * 13 + sample * 5 + static_cast<int>(epoch) * 11) % 17 < t % 4)
          events.push_back({t, unit});
  }
  std::uint64_t fingerprint() const override { return 17; }
};

Dataset made_data() {
  Dataset data;
  data.n_samples = kSamples;
  data.n_steps = kSteps;
  data.n_inputs = kInputs;
  for (int i = 0; i < kSamples; ++i) data.labels.push_back(i % 3);
  data.source = std::make_shared<const SomeSource>();
  return data;
}

Dataset stored_data(std::uint32_t epoch) {
  Dataset data = made_data();
  std::vector<InputEvent> events;
  data.offsets.push_back(0);
  for (int i = 0; i < kSamples; ++i) {
    data.source->write(i, epoch, events);
    data.events.insert(data.events.end(), events.begin(), events.end());
    data.offsets.push_back(static_cast<std::int64_t>(data.events.size()));
  }
  data.source = nullptr;
  return data;
}

RunConfig config_with(const std::string& rule) {
  RunConfig config = parse_config(R"({"task": {"kind": "array", "file": "none"},
    "network": {"populations": [
        {"name": "hidden", "model": "alif", "n": 17, "alpha": 0.9, "threshold": 0.2},
        {"name": "output", "model": "readout", "n": 3, "beta": 0.9}],
      "projections": [{"from": "input", "to": "hidden"}, {"from": "hidden", "to": "output"}]},
    "rule": )" + rule + "}",
                                  "test");
  config.network.n_inputs = kInputs;
  return config;
}

std::unique_ptr<const Plan> plan_in(const RunConfig& config, LayoutChoice layout) {
  PlanOptions options;
  options.layout = layout;
  return compile_plan(config.network, config.loss, kSteps, options);
}

// who fires in a tile's step: (unit, lanes)
std::vector<std::pair<int, int>> fired(const InputView& view, int t) {
  std::vector<std::pair<int, int>> list;
  for (int i = view.step_begin[t]; i < view.step_begin[t + 1]; ++i)
    if (view.entries != nullptr)
      list.emplace_back(view.entries[i].unit, view.entries[i].lanes);
    else
      list.emplace_back(view.units[i], 1);
  return list;
}

template <class Trainer>
std::string hash_after(const RunConfig& config, const Dataset& data, int n_updates) {
  ThreadPool pool(2);
  Trainer trainer(config, PlanOptions{}, *find_kernels(""), pool, data);
  for (int i = 0; i < n_updates; ++i) trainer.update();
  return trainer.state_hash();
}

}  // namespace

TEST_CASE("event source: encoded as the same events stored, in both layouts") {
  const RunConfig config = config_with(R"({"kind": "es"})");
  const std::vector<std::int32_t> indices{5,  3,  39, 0,  1,  2,  5,  30, 12,
                                          13, 14, 15, 16, 17, 18, 19, 20};
  for (const LayoutChoice layout : {LayoutChoice::kNeuronLanes, LayoutChoice::kSampleLanes}) {
    const auto plan = plan_in(config, layout);
    for (const std::uint32_t epoch : {0u, 6u}) {
      const Dataset stored = stored_data(epoch);
      const EncodedInputs made(*plan, made_data(), indices, epoch);
      const EncodedInputs expected(*plan, stored, indices);
      CHECK(made.labels() == expected.labels());
      REQUIRE(made.tiles().size() == expected.tiles().size());
      int n_fired = 0;
      for (std::size_t i = 0; i < made.tiles().size(); ++i)
        for (int t = 0; t < kSteps; ++t) {
          CHECK((fired(made.tiles()[i], t) == fired(expected.tiles()[i], t)));
          n_fired += static_cast<int>(fired(made.tiles()[i], t).size());
        }
      CHECK(n_fired > 500);
    }
  }
}

TEST_CASE("event source: a row's steps begin where its events say") {
  const RunConfig config = config_with(R"({"kind": "es"})");
  const auto plan = plan_in(config, LayoutChoice::kNeuronLanes);
  const std::vector<std::int32_t> indices{3, 7};
  const EncodedInputs inputs(*plan, made_data(), indices, 2);
  REQUIRE(inputs.tiles().size() == 2);
  std::vector<InputEvent> events;
  for (std::size_t row = 0; row < 2; ++row) {
    SomeSource().write(indices[row], 2, events);
    std::vector<InputEvent> found;
    const InputView& view = inputs.tiles()[row];
    CHECK(view.step_begin[0] == 0);
    for (int t = 0; t < kSteps; ++t)
      for (int i = view.step_begin[t]; i < view.step_begin[t + 1]; ++i)
        found.push_back({t, view.units[i]});
    CHECK(std::equal(found.begin(), found.end(), events.begin(), events.end(),
                     [](const InputEvent& a, const InputEvent& b) {
                       return a.step == b.step && a.unit == b.unit;
                     }));
  }
}

TEST_CASE("event source: trainers ask for the epoch they are in") {
  for (const bool is_es : {true, false}) {
    CAPTURE(is_es);
    const auto hash = is_es ? hash_after<EsTrainer> : hash_after<KernlTrainer>;
    for (const std::string batch : {"20", "\"all\""}) {
      CAPTURE(batch);
      const RunConfig config =
          config_with(is_es ? R"({"kind": "es", "n_members": 4, "batch": )" + batch + "}"
                            : R"({"kind": "kernl", "batch": )" + batch + "}");
      const int n_per_epoch = batch == "20" ? 2 : 1;
      CHECK(hash(config, made_data(), n_per_epoch) == hash(config, stored_data(0), n_per_epoch));
      CHECK(hash(config, made_data(), n_per_epoch + 1) !=
            hash(config, stored_data(0), n_per_epoch + 1));
    }
  }
}

}  // namespace spikelane
