// Schedules that do not fit the length of a run are named.
#include "engine/learning/schedule_notes.h"

#include <doctest/doctest.h>

namespace spikelane {

TEST_CASE("schedule notes: cosine, decays and phases against the length of the run") {
  RunConfig config;
  config.run.n_updates = 200;
  CHECK(schedule_notes(config, 0).empty());
  EsConfig& es = config.rule.es;
  es.optimiser.cosine_updates = 200;
  CHECK(schedule_notes(config, 0).empty());
  es.optimiser.cosine_updates = 10;
  REQUIRE(schedule_notes(config, 0).size() == 1);
  CHECK(schedule_notes(config, 0)[0] ==
        "rule.optimiser.cosine_updates: the learning rate is 0 from update 10 on; 190 of the 200 "
        "updates ahead change little or nothing");
  // a run that goes on from update 150 for longer
  config.run.n_updates = 300;
  CHECK(schedule_notes(config, 150)[0].find("150 of the 150 updates") != std::string::npos);
  es.optimiser.cosine_updates = 0;
  es.optimiser.lr_decay = 0.9;  // 0.9^132 is below 1e-6, 0.9^131 is not
  REQUIRE(schedule_notes(config, 0).size() == 1);
  CHECK(schedule_notes(config, 0)[0].find("from update 132 on") != std::string::npos);
  es.optimiser.lr_decay = 0.998;
  es.sigma_decay = 0.5;
  CHECK(schedule_notes(config, 0)[0].find("rule.sigma_decay: sigma") == 0);
  es.sigma_decay = 1.0;
  es.phases = {{0, {}}, {300, {"input.hidden.weight"}}};
  REQUIRE(schedule_notes(config, 0).size() == 1);
  CHECK(schedule_notes(config, 0)[0].find("rule.phases.1.from_update: update 300") == 0);
  config.rule.kind = RuleKind::kKernl;
  config.rule.kernl.optimiser.cosine_updates = 7;
  CHECK(schedule_notes(config, 0)[0].find("rule.optimiser.cosine_updates") == 0);
}

}  // namespace spikelane
