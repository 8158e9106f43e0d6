// Texts that are no config at all, overrides that lead nowhere, and damaged configs.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "tests/config/good_config.h"

using namespace spikelane;
using test::kGoodConfig;

namespace {

std::vector<Problem> problems_of(const std::string& text,
                                 const std::vector<std::string>& overrides = {}) {
  try {
    parse_config(text, "test.json", overrides);
  } catch (const UserError& error) {
    return error.problems();
  }
  return {};
}

Problem only_problem_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const std::vector<Problem> problems = problems_of(text, overrides);
  REQUIRE(problems.size() == 1);
  return problems[0];
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("empty texts and texts that hold no object") {
  for (const char* text : {"", " \n\t\r\n"}) {
    const Problem problem = only_problem_of(text);
    CHECK(problem.place == "test.json");
    CHECK(problem.value == "an empty text");
    CHECK(problem.allowed == "a JSON object");
  }
  for (const char* text : {"[]", "3", "null", "\"text\"", "true"}) {
    const Problem problem = only_problem_of(text);
    CHECK(problem.place == "test.json");
    CHECK(problem.value == text);
    CHECK(problem.allowed == "a JSON object");
  }
}

TEST_CASE("what is no JSON is placed by line and column") {
  struct Case {
    const char *text, *place, *value;
  };
  for (const Case& bad : {Case{"{\n  \"seed\": 1,\n  }", "test.json:3:3", "}"},
                          Case{"{\"seed\": 1} x", "test.json:1:13", "x"},
                          Case{"{\"seed\": 1}{}", "test.json:1:12", "{"},
                          Case{"{\"seed\": // one\n 1}", "test.json:1:10", "/"},
                          Case{"{\"seed\": /* one */ 1}", "test.json:1:10", "/"},
                          Case{"{\"seed\": 01}", "test.json:1:11", "1"},
                          Case{"{\"seed\": NaN}", "test.json:1:10", "N"},
                          Case{"{\"seed\": 1e999}", "test.json:1:", "1e999"},
                          Case{"{'seed': 1}", "test.json:1:2", "'"},
                          Case{"{\"seed\": 1", "test.json:1:11", "the end of the text"},
                          Case{"{\"a\": \"\xff\"}", "test.json:1:8", "\\xff"},
                          Case{"{\"a\": \"\xc0\xaf\"}", "test.json:1:8", "\\xc0"},
                          Case{"\xfe{}", "test.json:1:1", "\\xfe"}}) {
    CAPTURE(bad.text);
    const Problem problem = only_problem_of(bad.text);
    CAPTURE(to_text(problem));
    CHECK(problem.place.rfind(bad.place, 0) == 0);
    CHECK(contains(problem.value, bad.value));
    CHECK(contains(problem.allowed, "valid JSON"));
  }
}

TEST_CASE("100,000 levels are refused without recursion") {
  for (const std::string opening : {"[", "{\"a\":"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += opening;
    const Problem problem = only_problem_of(text);
    CHECK(problem.place == "test.json");
    CHECK(problem.value == "nesting deeper than 64 levels");
    CHECK(problem.allowed == "at most 64 levels");
    // as the value of an override it is a string, and so of the wrong type
    CHECK(only_problem_of(kGoodConfig, {"rule.sigma=" + text}).place == "rule.sigma");
  }
}

TEST_CASE("duplicate keys are named by their path, beside other problems") {
  std::string text = kGoodConfig;
  const std::string sigma = "\"sigma\": 0.05";
  text.replace(text.find(sigma), sigma.size(), "\"sigma\": 0.05, \"sigma\": -1");
  const std::string gain = "\"gain\": 0.03";
  text.replace(text.find(gain), gain.size(), "\"gain\": 0.03, \"gain\": 0.03");
  const std::vector<Problem> problems = problems_of(text);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].place == "network.populations.1.gain");
  CHECK(problems[1].place == "rule.sigma");
  for (int i : {0, 1}) {
    CHECK(problems[i].value == "a second key of this name");
    CHECK(problems[i].allowed == "each key at most once in an object");
  }
  CHECK(problems[2].place == "rule.sigma");
  CHECK(problems[2].value == "-1");
}

TEST_CASE("overrides change any key") {
  const RunConfig config = parse_config(
      kGoodConfig, "test.json",
      {"rule.sigma=0.25", "network.populations.0.beta.2=0.5", "network.populations.1.name=out-1",
       "network.projections.2.to=out-1", "rule.shaping=none", "data_dir=a=b", "rule.batch=all",
       "rule.sigma_of.input.hidden.weight=2e-1", "run={\"n_updates\": 2e1, \"report_every\": 4}"});
  CHECK(config.rule.es.sigma == 0.25);
  CHECK(config.network.populations[0].beta == std::vector<double>{0.9, 0.95, 0.5});
  CHECK(config.network.populations[1].name == "out-1");
  CHECK(config.rule.es.shaping == ShapingKind::kNone);
  CHECK(config.data_dir == "a=b");
  CHECK(config.rule.es.batch == 0);
  CHECK(config.rule.es.sigma_of ==
        std::map<std::string, double>{{"hidden.bias", 0.001}, {"input.hidden.weight", 0.2}});
  CHECK(config.run.n_updates == 20);
  CHECK(config.run.test_every == 0);
  // the last of several stands
  CHECK(parse_config(kGoodConfig, "t", {"seed=3", "seed=4"}).seed == 4);
}

TEST_CASE("overrides that lead nowhere") {
  struct Case {
    const char *text, *value, *allowed;
  };
  for (const Case& bad :
       {Case{"rule.sigma", "\"rule.sigma\"", "key.path=value"},
        Case{"=3", "\"=3\"", "key.path=value"}, Case{"rule..sigma=3", "an empty step", "one dot"},
        Case{"rule.=3", "an empty step", "one dot"},
        Case{"network.populations.2.n=3", "the index \"2\" in network.populations", "from 0 to 1"},
        Case{"network.populations.-1.n=3", "the index \"-1\"", "from 0 to 1"},
        Case{"network.populations.hidden.n=3", "the index \"hidden\"", "from 0 to 1"},
        Case{"network.populations.99999999999999999999.n=3", "the index", "from 0 to 1"},
        Case{"rule.sigma.x=3", "rule.sigma = 0.05", "no object and no array"},
        Case{"data_dir=\xff", "\\xff", "UTF-8"}}) {
    CAPTURE(bad.text);
    const Problem problem = only_problem_of(kGoodConfig, {bad.text});
    CAPTURE(to_text(problem));
    CHECK(problem.place.rfind("--set ", 0) == 0);
    CHECK(contains(problem.value, bad.value));
    CHECK(contains(problem.allowed, bad.allowed));
  }
}

TEST_CASE("files that are none, folders, and files without end") {
  const auto place_of = [](const std::string& path) {
    try {
      parse_config_file(path);
    } catch (const UserError& error) {
      return error.problems()[0].place + " " + error.problems()[0].value;
    }
    return std::string();
  };
  CHECK(place_of("/nowhere/config.json") == "/nowhere/config.json no readable file");
  CHECK(place_of("/tmp") == "/tmp a folder");
  if (std::filesystem::exists("/dev/zero")) {
    CHECK(place_of("/dev/zero") == "/dev/zero more than 67108864 bytes");
  }
}

TEST_CASE("a file is read with its path") {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() /
      ("spikelane_bad_text_test_" + std::to_string(getpid()) + ".json");
  std::ofstream(file) << kGoodConfig;
  const RunConfig config = parse_config_file(file.string(), {"seed=7"});
  std::filesystem::remove(file);
  CHECK(config.config_path == file.string());
  CHECK(config.seed == 7);
}

TEST_CASE("damaged configs give user errors or configs, nothing else") {
  const std::string good = kGoodConfig;
  int n_refused = 0;
  for (std::size_t n = 0; n < good.size(); ++n) {
    n_refused += problems_of(good.substr(0, n)).empty() ? 0 : 1;
  }
  CHECK(n_refused == static_cast<int>(good.size()));

  // flipped bytes, from a generator that is the same everywhere
  std::uint32_t state = 12345;
  const auto draw = [&] { return (state = state * 1664525u + 1013904223u) >> 8; };
  n_refused = 0;
  constexpr int kTrials = 4000;
  for (int i = 0; i < kTrials; ++i) {
    std::string text = good;
    const int n_flips = 1 + static_cast<int>(draw() % 4);
    for (int k = 0; k < n_flips; ++k) {
      char& byte = text[draw() % text.size()];
      // bytes that mean something in JSON find their way deeper
      byte = draw() % 2 ? static_cast<char>(draw() & 0xFF) : "{}[]\",:0123456789.-+eE"[draw() % 22];
    }
    const std::vector<Problem> problems = problems_of(text);
    n_refused += problems.empty() ? 0 : 1;
    for (const Problem& problem : problems) {
      if (problem.place.empty() || problem.value.empty() || problem.allowed.empty()) FAIL(text);
    }
  }
  // some flips are harmless (a digit for a digit), most are not
  CHECK(n_refused > kTrials / 2);
  CHECK(n_refused < kTrials);
}
