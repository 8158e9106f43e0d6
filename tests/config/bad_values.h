// What tests of wrong config values have in common: the good config, changed, gives exactly one
// problem.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "tests/config/good_config.h"

namespace spikelane::test {

struct BadValue {
  std::vector<std::string> changes;
  std::string place, value, allowed;  // value and allowed: a part of the text
};

inline std::vector<Problem> problems_of(const std::string& text,
                                        const std::vector<std::string>& changes) {
  try {
    parse_config(text, "test.json", changes);
  } catch (const UserError& error) {
    return error.problems();
  }
  return {};
}

inline void check_bad_values(const std::vector<BadValue>& cases) {
  for (const BadValue& bad : cases) {
    CAPTURE(bad.changes[0]);
    const std::vector<Problem> problems = problems_of(kGoodConfig, bad.changes);
    std::string message;
    for (const Problem& problem : problems) message += to_text(problem) + '\n';
    CAPTURE(message);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].place == bad.place);
    CHECK(problems[0].value.find(bad.value) != std::string::npos);
    CHECK(problems[0].allowed.find(bad.allowed) != std::string::npos);
  }
}

}  // namespace spikelane::test
