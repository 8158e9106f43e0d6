// run.checkpoint_every in both forms, and what two configs say differently.
#include <doctest/doctest.h>

#include "engine/config/config_differences.h"
#include "engine/config/parse_config.h"
#include "tests/config/bad_values.h"
#include "tests/config/good_config.h"

namespace spikelane::test {
namespace {

RunConfig good_with(const std::vector<std::string>& changes) {
  return parse_config(kGoodConfig, "test.json", changes);
}

void check_interval(const std::string& value, int updates, double seconds) {
  CAPTURE(value);
  const RunConfig read = good_with({"run.checkpoint_every=" + value});
  CHECK(read.run.checkpoint_updates == updates);
  CHECK(read.run.checkpoint_s == seconds);
  const RunConfig again = parse_config(config_to_json(read), "again");
  CHECK(again.run.checkpoint_updates == updates);
  CHECK(again.run.checkpoint_s == seconds);
}

}  // namespace

TEST_CASE("checkpoint_every: updates, seconds or neither") {
  CHECK(good_with({}).run.checkpoint_updates == 0);
  CHECK(good_with({}).run.checkpoint_s == 60.0);
  check_interval("7", 7, 0.0);
  check_interval("0", 0, 0.0);
  check_interval(R"({"seconds":0.25})", 0, 0.25);
  const char* const allowed = "an integer from 0 to 1000000000, or {\"seconds\": a number";
  check_bad_values({
      {{"run.checkpoint_every=-1"}, "run.checkpoint_every", "-1", allowed},
      {{"run.checkpoint_every=1.5"}, "run.checkpoint_every", "1.5", allowed},
      {{"run.checkpoint_every=true"}, "run.checkpoint_every", "true", allowed},
      {{R"(run.checkpoint_every={"seconds":0})"},
       "run.checkpoint_every",
       "{\"seconds\":0}",
       allowed},
      {{R"(run.checkpoint_every={"minutes":1})"},
       "run.checkpoint_every",
       "{\"minutes\":1}",
       allowed},
      {{R"(run.checkpoint_every={"seconds":1,"updates":1})"},
       "run.checkpoint_every",
       "{\"seconds\":1,\"updates\":1}",
       allowed},
  });
}

TEST_CASE("differences of two configs: the smallest keys, but for `run`") {
  const RunConfig before = good_with({});
  CHECK(config_differences(before, good_with({"run.n_updates=99"})).empty());
  CHECK(config_differences(before, good_with({"seed=12"})).empty());
  const auto differences =
      config_differences(before, good_with({"seed=13", "network.populations.0.beta=[0.9,0.8,0.99]",
                                            "rule.optimiser={\"kind\":\"adam\"}"}));
  std::string text;
  for (const ConfigDifference& d : differences)
    text += d.key + ": " + d.before + " -> " + d.now + "\n";
  CAPTURE(text);
  const auto has = [&](const std::string& line) { return text.find(line) != std::string::npos; };
  CHECK(has("seed: 12 -> 13\n"));
  CHECK(has("network.populations.0.beta.1: 0.95 -> 0.8\n"));
  CHECK(has("rule.optimiser.kind: \"sgd\" -> \"adam\"\n"));
  CHECK(has("rule.optimiser.nesterov: true -> nothing\n"));
  CHECK(has("rule.optimiser.beta1: nothing -> 0.9\n"));
  CHECK(!has("run."));
}

}  // namespace spikelane::test
