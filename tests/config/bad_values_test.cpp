// Wrong values, one at a time: each gives exactly one problem, with full path, the value found and
// what is allowed.
#include "tests/config/bad_values.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "tests/config/good_config.h"

using namespace spikelane;
using test::check_bad_values;
using test::kGoodConfig;
using test::problems_of;

namespace {

// a change to the list of populations or projections
std::string populations(const std::string& list) { return "network.populations=[" + list + "]"; }
std::string projections(const std::string& list) { return "network.projections=[" + list + "]"; }

const std::string kHidden = R"({"name":"hidden","model":"leaky","n":3,"beta":0.9})";
const std::string kOutput = R"({"name":"output","model":"readout","n":4,"beta":0.9})";
const std::string kInputToHidden = R"({"from":"input","to":"hidden","bias":true})";
const std::string kHiddenToOutput = R"({"from":"hidden","to":"output"})";

}  // namespace

TEST_CASE("the config that is made wrong is right") {
  CHECK(problems_of(kGoodConfig, {}).empty());
  CHECK(problems_of(kGoodConfig, {populations(kHidden + "," + kOutput),
                                  projections(kInputToHidden + "," + kHiddenToOutput)})
            .empty());
}

TEST_CASE("unknown keys and names are told with the nearest known one") {
  check_bad_values({
      {{"rule.sigm=1"}, "rule.sigm", "an unknown key", "nearest: \"sigma\""},
      {{"sed=1"}, "sed", "an unknown key", "nearest: \"seed\""},
      {{"rum.n_updates=3"}, "rum", "an unknown key", "nearest: \"run\""},
      {{"network.populations.0.bet=1"}, "network.populations.0.bet", "unknown", "\"beta\""},
      {{"network.projections.0.init.hihg=1"}, "network.projections.0.init.hihg", "unknown", "high"},
      {{"rule.noise.kind=low_rnk"}, "rule.noise.kind", "\"low_rnk\"", "nearest: \"low_rank\""},
      {{"rule.noise.rank=2"}, "rule.noise.rank", "2", "this key only where kind = low_rank"},
      {{R"(rule.noise={"kind":"sign","rank":2})"},
       "rule.noise.rank",
       "2",
       "this key only where kind = low_rank"},
      {{R"(rule.noise={"kind":"low_rank","factors":"bits"})"},
       "rule.noise.factors",
       "\"bits\"",
       "\"gaussian\", \"sign\""},
      {{"rule.shaping=centered_ranks"},
       "rule.shaping",
       "\"centered_ranks\"",
       R"(one of "none", "z_score", "centred_ranks" (nearest: "centred_ranks"))"},
      {{"task.kind=randmn"}, "task.kind", "\"randmn\"", "nearest: \"randman\""},
      {{"rule.optimiser.kind=adamm"}, "rule.optimiser.kind", "\"adamm\"", "nearest: \"adam\""},
      {{"network.populations.0.model=lif"}, "network.populations.0.model", "\"lif\"", "\"leaky\""},
      {{"loss.logits=3"}, "loss.logits", "3", "one of \"counts\""},
      {{"network.projections.2.from=hiden"},
       "network.projections.2.from",
       "\"hiden\"",
       R"(one of "input", "hidden", "output" (nearest: "hidden"))"},
      {{"network.projections.2.to=outptu"},
       "network.projections.2.to",
       "\"outptu\"",
       R"(one of "hidden", "output" (nearest: "output"))"},
      {{"network.projections.1.to=input"}, "network.projections.1.to", "\"input\"", "\"hidden\""},
      {{"rule.sigma_of.input.hiden.weight=0.1"},
       "rule.sigma_of.input.hiden.weight",
       "\"input.hiden.weight\"",
       "nearest: \"input.hidden.weight\""},
      {{"rule.sigma_of.output.bias=0.1"},
       "rule.sigma_of.output.bias",
       "\"output.bias\"",
       "\"hidden.bias\""},
      {{"rule.phases.0.searched.1=hidden.bas"},
       "rule.phases.0.searched.1",
       "\"hidden.bas\"",
       "nearest: \"hidden.bias\""},
  });
}

TEST_CASE("a key of another kind is told from an unknown one") {
  check_bad_values({
      {{"network.populations.1.threshold=2"},
       "network.populations.1.threshold",
       "2",
       "only where model = leaky"},
      {{"rule.optimiser.beta1=0.5"},
       "rule.optimiser.beta1",
       "0.5",
       "only where kind = adam or kind = adamw"},
      {{"task.file=a.safetensors"}, "task.file", "\"a.safetensors\"", "only where kind = array"},
      {{"network.projections.2.init.low=1"}, "network.projections.2.init.low", "1", "uniform"},
  });
}

TEST_CASE("wrong values of task mnist") {
  const auto task = [](const std::string& keys) { return "task={\"kind\":\"mnist\"" + keys + "}"; };
  CHECK(problems_of(kGoodConfig, {task("")}).empty());
  check_bad_values({
      {{task(",\"coding\":\"crosing\"")}, "task.coding", "\"crosing\"", "nearest: \"crossing\""},
      {{task(",\"n_rate_units\":9")}, "task.n_rate_units", "9", "only where coding = rate"},
      {{task(",\"coding\":\"rate\",\"n_rate_units\":0")}, "task.n_rate_units", "0", "1 to 10000"},
      {{task(",\"n_cue_steps\":-1")}, "task.n_cue_steps", "-1", "from 0 to 100000"},
      {{task(",\"n_train\":16777216")}, "task.n_train", "16777216", "from 0 to 16777215"},
      {{task(",\"n_test\":1.5")}, "task.n_test", "1.5", "an integer from 0"},
      {{task(",\"folder\":3")}, "task.folder", "3", "a text"},
      {{task(",\"n_units\":3")}, "task.n_units", "3", "only where kind = randman"},
  });
}

TEST_CASE("wrong types and numbers that are no integers") {
  check_bad_values({
      {{"rule.sigma=\"x\""}, "rule.sigma", "\"x\"", "a number > 0"},
      {{"rule.sigma=nan"}, "rule.sigma", "\"nan\"", "a number > 0"},
      {{"rule.sigma=1e999"}, "rule.sigma", "\"1e999\"", "a number > 0"},
      {{"rule.sigma=null"}, "rule.sigma", "null", "a number > 0"},
      {{"rule.sigma=[1]"}, "rule.sigma", "[1]", "a number > 0"},
      {{"rule.n_members=1e30"}, "rule.n_members", "1e+30", "an integer from 2 to 16777215"},
      {{"rule.n_members=2.5"}, "rule.n_members", "2.5", "an integer from 2 to 16777215"},
      {{"rule.n_members=-2"}, "rule.n_members", "-2", "an integer from 2"},
      {{"rule.n_members=\"8\""}, "rule.n_members", "\"8\"", "an integer"},
      {{"rule.n_members=true"}, "rule.n_members", "true", "an integer"},
      {{"seed=18446744073709551616"},
       "seed",
       "1.844674407370955",
       "from 0 to 18446744073709551615"},
      {{"seed=-1"}, "seed", "-1", "an integer from 0"},
      {{"rule.antithetic=1"}, "rule.antithetic", "1", "true or false"},
      {{"rule.antithetic=yes"}, "rule.antithetic", "\"yes\"", "true or false"},
      {{"data_dir=3"}, "data_dir", "3", "a text"},
      {{"network.populations.0.name="}, "network.populations.0.name", "\"\"", "not empty"},
      {{"run=5"}, "run", "5", "an object"},
      {{"rule=[]"}, "rule", "[]", "an object"},
      {{"rule.sigma_of=1"}, "rule.sigma_of", "1", "an object of numbers"},
      {{"rule.batch=half"}, "rule.batch", "\"half\"", "or \"all\""},
      {{"rule.batch=0"}, "rule.batch", "0", "or \"all\""},
      {{"rule.phases.0.searched=[]"}, "rule.phases.0.searched", "[]", "\"all\", or an array"},
      {{"rule.phases.0.searched=[1]"}, "rule.phases.0.searched.0", "1", "a tensor name"},
      {{"rule.phases=[]"}, "rule.phases", "[]", "an array of 1 to"},
      {{"network.projections.0.bias=1"}, "network.projections.0.bias", "1", "true, false or an"},
      {{"network.populations.0=3"}, "network.populations.0", "3", "an object"},
      {{"network.populations=[]"}, "network.populations", "[]", "an array of 1 to 1000 objects"},
  });
}

TEST_CASE("numbers out of range") {
  check_bad_values({
      {{"rule.sigma=0"}, "rule.sigma", "0", "a number > 0"},
      {{R"(rule.noise={"kind":"low_rank","rank":17})"}, "rule.noise.rank", "17", "from 1 to 16"},
      {{R"(rule.noise={"kind":"low_rank"})", "rule.unsearched=redraw"},
       "rule.unsearched",
       "\"redraw\"",
       "\"keep\" where rule.noise.kind is \"low_rank\""},
      {{"rule.sigma=-0.5"}, "rule.sigma", "-0.5", "a number > 0"},
      {{"rule.sigma=1e-300"}, "rule.sigma", "1e-300", "1e-20 to 1e+30"},
      {{"rule.sigma_of.hidden.bias=0"}, "rule.sigma_of.hidden.bias", "0", "a number > 0"},
      {{"rule.top_fraction=0"}, "rule.top_fraction", "0", "a number > 0 and <= 1"},
      {{"rule.sigma_decay=1.5"}, "rule.sigma_decay", "1.5", "a number > 0 and <= 1"},
      {{"rule.optimiser.lr=0"}, "rule.optimiser.lr", "0", "a number > 0"},
      {{"rule.optimiser.momentum=1"}, "rule.optimiser.momentum", "1", "a number >= 0 and < 1"},
      {{"rule.n_members=16777216"}, "rule.n_members", "16777216", "to 16777215"},
      {{"rule.n_members=1"}, "rule.n_members", "1", "an integer from 2"},
      {{"dt_ms=0"}, "dt_ms", "0", "a number > 0"},
      {{"network.populations.1.n=0"}, "network.populations.1.n", "0", "from 1 to 1000000"},
      {{"network.populations.1.n=1000001"}, "network.populations.1.n", "1000001", "to 1000000"},
      {{"network.populations.1.beta=1.01"}, "network.populations.1.beta", "1.01", ">= 0 and <= 1"},
      {{"network.populations.0.beta.1=-0.1"}, "network.populations.0.beta.1", "-0.1", ">= 0"},
      {{"network.populations.0.threshold=0"}, "network.populations.0.threshold", "0", "> 0"},
      {{"task.seed=4294967296"}, "task.seed", "4294967296", "to 4294967295"},
      {{"task.step_fraction=1.1"}, "task.step_fraction", "1.1", "<= 1"},
      {{"run.n_updates=0"}, "run.n_updates", "0", "an integer from 1"},
      {{"loss.scale=1e31"}, "loss.scale", "1e+31", "magnitude at most 1e+30"},
  });
}

TEST_CASE("keys that are missing") {
  const std::string text = kGoodConfig;
  const auto problems_without = [&](const std::string& part) {
    std::string cut = text;
    const std::size_t at = cut.find(part);
    REQUIRE(at != std::string::npos);
    return problems_of(cut.erase(at, part.size()), {});
  };
  const std::vector<std::array<std::string, 3>> cases = {
      {"\"kind\": \"randman\", ", "task.kind", "one of \"randman\", \"array\""},
      {"\"name\": \"hidden\", ", "network.populations.0.name", "a text"},
      {", \"beta\": 0.97", "network.populations.1.beta", "tau_ms in its place"},
      {"\"from\": \"input\", ", "network.projections.0.from", "a text"},
      {"\"from_update\": 0, ", "rule.phases.0.from_update", "an integer"},
  };
  for (const auto& [part, place, allowed] : cases) {
    CAPTURE(place);
    const std::vector<Problem> problems = problems_without(part);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].place == place);
    CHECK(problems[0].value == "nothing");
    CHECK(problems[0].allowed.find(allowed) != std::string::npos);
  }
  const std::vector<Problem> nothing = problems_of("{}", {});
  REQUIRE(nothing.size() == 3);
  CHECK(nothing[0].place == "task");
  CHECK(nothing[1].place == "network");
  CHECK(nothing[2].place == "rule");
}

TEST_CASE("what must hold between keys") {
  const std::string input2 = R"({"name":"input","model":"leaky","n":3,"beta":0.9})";
  check_bad_values({
      {{"rule.n_members=7"}, "rule.n_members", "7", "an even number where antithetic is true"},
      {{"rule.batch=161"}, "rule.batch", "161", "<= 160, the number of training samples"},
      {{"run.n_test_report=41", "run.test_every=0"}, "run.n_test_report", "41", "<= 40"},
      {{"run.test_every=12"}, "run.test_every", "12", "a multiple of report_every = 5"},
      {{"task.n_test=200", "run.n_test_report=0"}, "task.n_test", "200", "< 200"},
      {{"loss.window=31"}, "loss.window", "31", "<= 30, the steps of a trial"},
      {{"network.populations.0.beta=[0.1, 0.2]"},
       "network.populations.0.beta",
       "an array of 2",
       "n = 3 numbers"},
      {{"network.populations.1.tau_ms=20"},
       "network.populations.1.tau_ms",
       "it beside beta",
       "one of the two"},
      {{"network.populations.1.n=5"}, "network.populations.1.n", "5", "4, one for each class"},
      {{"network.populations.1.name=hidden", projections(kInputToHidden)},
       "network.populations.1.name",
       "\"hidden\", a second time",
       "a name of its own"},
      {{populations(kHidden + "," + input2 + "," + kOutput)},
       "network.populations.1.name",
       "\"input\"",
       "another name"},
      {{populations(kHidden + "," + kOutput), projections(kInputToHidden)},
       "network.populations.1",
       "\"output\" without a projection to it",
       "at least one projection"},
      {{"network.projections.1.from=input"},
       "network.projections.1",
       "a second projection from \"input\" to \"hidden\"",
       "at most one"},
      {{"network.projections.1.bias=true"},
       "network.projections.1.bias",
       "a second bias of \"hidden\"",
       "at most one projection with a bias"},
      {{"network.projections.1.from=output"},
       "network.projections.1.from",
       "\"output\", a readout",
       "readouts send no projections"},
      {{"network.projections.0.init.high=-2"},
       "network.projections.0.init.high",
       "-2",
       ">= low = -1.5"},
      {{"loss.logits=final"}, "loss.window", "10", "only where logits = mean"},
      {{"rule.phases.0.from_update=1"}, "rule.phases.0.from_update", "1", "0: the first phase"},
      {{"rule.phases.1.from_update=0"}, "rule.phases.1.from_update", "0", "an integer > 0"},
      {{"rule.searched=all"}, "rule.phases", "it beside searched", "one of the two"},
      {{"rule.phases.0.searched.0=hidden.bias"},
       "rule.phases.0.searched.1",
       "\"hidden.bias\", a second time",
       "each tensor once"},
      {{"rule.optimiser.momentum=0"}, "rule.optimiser.nesterov", "true", "momentum is 0"},
      {{"task.n_units=1000000", "task.n_spikes=10000"},
       "task.n_units",
       "1000000",
       "at most 1000000000 spikes"},
  });
}

TEST_CASE("logits that need spikes need an output population that spikes") {
  for (const char* logits : {"counts", "first_spike"}) {
    std::string text = kGoodConfig;
    const std::string mean = "\"mean\", \"window\": 10";
    text.replace(text.find(mean), mean.size(), '"' + std::string(logits) + '"');
    const std::vector<Problem> problems = problems_of(text, {});
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].place == "loss.logits");
    CHECK(problems[0].value == '"' + std::string(logits) + '"');
    CHECK(problems[0].allowed.find("\"final\", \"max\" or \"mean\"") != std::string::npos);
  }
}

TEST_CASE("all problems come at once, each on a line of the message") {
  const std::vector<std::string> changes = {"rule.sigma=-1",
                                            "rule.n_members=7",
                                            "network.populations.0.beta=[0.5]",
                                            "sed=3",
                                            "loss.kind=hinge",
                                            "rule.batch=1e9",
                                            "network.projections.2.from=hiddne",
                                            "run.report_every=0",
                                            "dt_ms=fast"};
  std::string message;
  try {
    parse_config(kGoodConfig, "test.json", changes);
  } catch (const UserError& error) {
    message = error.what();
    // loss.margin is judged only when the loss is known
    CHECK(error.problems().size() == changes.size());
  }
  for (const char* place :
       {"rule.sigma: ", "rule.n_members: ", "network.populations.0.beta: ", "sed: ", "loss.kind: ",
        "rule.batch: ", "network.projections.2.from: ", "run.report_every: ", "dt_ms: "}) {
    CAPTURE(place);
    CHECK(('\n' + message).find('\n' + std::string(place)) != std::string::npos);
  }
}

TEST_CASE("thousands of mistakes are cut after the first hundred") {
  std::string zeros = "-1";
  for (int i = 1; i < 5000; ++i) zeros += ",-1";
  const std::vector<Problem> problems = problems_of(
      kGoodConfig, {"network.populations.0.n=5000", "network.populations.0.beta=[" + zeros + "]"});
  REQUIRE(problems.size() == 101);
  CHECK(problems.back().value == "4900 more problems");
}

TEST_CASE("the array task is checked when its sizes are known") {
  const RunConfig config =
      parse_config(kGoodConfig, "test.json", {R"(task={"kind":"array","file":"a.safetensors"})"});
  CHECK_NOTHROW(check_against_task(config, 6, 30, 4, 160, 40));
  const auto places = [&](int n_inputs, int n_steps, int n_classes, int n_train, int n_test) {
    std::string text;
    try {
      check_against_task(config, n_inputs, n_steps, n_classes, n_train, n_test);
    } catch (const UserError& error) {
      for (const Problem& problem : error.problems()) text += problem.place + ' ';
    }
    return text;
  };
  CHECK(places(6, 9, 3, 15, 19) ==
        "rule.batch loss.window run.n_test_report network.populations.1.n ");
  CHECK(places(6, 30, 0, 160, 40) == "task ");
  RunConfig filled = config;
  filled.network.n_inputs = 6;
  CHECK_NOTHROW(check_against_task(filled, 6, 30, 4, 160, 40));
  CHECK_THROWS_AS(check_against_task(filled, 7, 30, 4, 160, 40), UserError);
}
