// From the config's task to its data: search path, sizes beforehand, errors.
#include "tasks/load_task.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/config/user_error.h"
#include "engine/report/safetensors.h"
#include "tasks/data_path.h"
#include "tests/scratch_folder.h"

namespace spikelane {
namespace {

namespace fs = std::filesystem;
using test::ScratchFolder;

// $SPIKELANE_DATA for the time of a test
class DataVariable {
 public:
  explicit DataVariable(const char* value) {
    if (const char* old = std::getenv("SPIKELANE_DATA")) old_ = old;
    set(value);
  }
  ~DataVariable() { set(old_ ? old_->c_str() : nullptr); }

 private:
  static void set(const char* value) {
    if (value != nullptr) {
      setenv("SPIKELANE_DATA", value, 1);
    } else {
      unsetenv("SPIKELANE_DATA");
    }
  }
  std::optional<std::string> old_;
};

// the working folder for the time of a test
class WorkingFolder {
 public:
  explicit WorkingFolder(const fs::path& path) : old_(fs::current_path()) {
    fs::current_path(path);
  }
  ~WorkingFolder() { fs::current_path(old_); }

 private:
  fs::path old_;
};

RunConfig array_config(const std::string& file, const std::string& config_path) {
  RunConfig config;
  config.config_path = config_path;
  config.task.kind = TaskKind::kArray;
  config.task.array.file = file;
  config.task.array.n_test = 1;
  return config;
}

std::string array_content() {
  return to_safetensors(
      {make_tensor<std::uint8_t>("inputs", {3, 4, 2}, std::vector<std::uint8_t>(24)),
       make_tensor<std::int32_t>("labels", {3}, std::vector<std::int32_t>{4, 1, 0})},
      {});
}

std::vector<Problem> problems_of(const RunConfig& config) {
  CHECK_THROWS_AS(load_task(config), UserError);
  try {
    describe_task(config);
  } catch (const UserError& error) {
    return error.problems();
  }
  FAIL("not refused");
  return {};
}

}  // namespace

TEST_CASE("data path: folders are searched in the order of the manual") {
  const ScratchFolder folder;
  fs::create_directories(folder / "work/data");
  fs::create_directories(folder / "shared/data");
  fs::create_directories(folder / "configs/mine");
  fs::create_directories(folder / "env");
  const DataVariable variable((folder / "env").c_str());
  const WorkingFolder here(folder / "work");
  const std::string config_path = (folder / "configs/c.json").string();

  CHECK(data_folders("", config_path).size() == 4);
  // from the last place to the first: each new file hides the ones before it
  const auto found = [&](const std::string& data_dir) {
    return fs::canonical(find_data_file("x", data_dir, config_path, "task.file", "make it"));
  };
  for (const char* place : {"shared/data/x", "work/data/x", "env/x", "configs/x"}) {
    test::write_file(folder / place, "");
    CHECK(found("") == fs::canonical(folder / place));
  }
  CHECK(found("mine") == fs::canonical(folder / "env/x"));
  test::write_file(folder / "configs/mine/x", "");
  CHECK(found("mine") == fs::canonical(folder / "configs/mine/x"));
  CHECK(found((folder / "shared/data").string()) == fs::canonical(folder / "shared/data/x"));
  CHECK(find_data_file((folder / "env/x").string(), "mine", "", "p", "") == folder / "env/x");
}

TEST_CASE("data path: an unset or empty $SPIKELANE_DATA is left out") {
  const DataVariable unset(nullptr);
  CHECK(data_folders("", "").size() == 3);
  const DataVariable empty("");
  CHECK(data_folders("", "").size() == 3);
}

TEST_CASE("data path: a missing file says what, where, and how to get it") {
  const ScratchFolder folder;
  const DataVariable variable((folder / "env").c_str());
  const WorkingFolder here(folder.path());
  const RunConfig config = array_config("spikes.safetensors", (folder / "configs/c.json").string());
  const auto problems = problems_of(config);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place == "task.file");
  const fs::path root = fs::canonical(folder.path());
  for (const fs::path& place :
       {folder / "configs/spikes.safetensors", folder / "env/spikes.safetensors",
        root / "data/spikes.safetensors", root.parent_path() / "shared/data/spikes.safetensors"}) {
    INFO(problems[0].value);
    CHECK(problems[0].value.find(place.string()) != std::string::npos);
  }
  CHECK(problems[0].allowed.find("$SPIKELANE_DATA") != std::string::npos);
  CHECK(problems[0].allowed.find("safetensors.numpy.save_file") != std::string::npos);

  CHECK(problems_of(array_config("", "c.json"))[0].place == "task.file");
  const auto absolute = problems_of(array_config("/nowhere/x", "c.json"));
  CHECK(absolute[0].value == "\"/nowhere/x\", not found as /nowhere/x");
}

TEST_CASE("task: an array's sizes come from its file, its data from load_task") {
  const ScratchFolder folder;
  test::write_file(folder / "a.safetensors", array_content());
  RunConfig config = array_config("a.safetensors", (folder / "c.json").string());
  const TaskShape shape = describe_task(config);
  CHECK(shape.n_inputs == 2);
  CHECK(shape.n_steps == 4);
  CHECK(shape.n_classes == 5);
  CHECK(shape.n_train == 2);
  CHECK(shape.n_test == 1);
  const TaskData data = load_task(config);
  CHECK(data.n_classes == 5);
  CHECK(data.train.n_samples == 2);
  CHECK(data.test.n_samples == 1);
  config.task.array.n_test = 0;
  CHECK(describe_task(config).n_test == 3);
  config.task.array.n_test = 3;
  CHECK(problems_of(config)[0].place == "task.n_test");
}

TEST_CASE("task: randman's sizes come from the config and fit its data") {
  RunConfig config;
  config.task.randman.n_classes = 3;
  config.task.randman.n_samples_per_class = 20;
  config.task.randman.n_units = 4;
  config.task.randman.n_spikes = 2;
  config.task.randman.n_steps = 30;
  for (const int n_test : {0, 1, 59}) {
    config.task.randman.n_test = n_test;
    const TaskShape shape = describe_task(config);
    const TaskData data = load_task(config);
    CHECK(shape.n_inputs == data.train.n_inputs);
    CHECK(shape.n_inputs == 4);
    CHECK(shape.n_steps == data.train.n_steps);
    CHECK(shape.n_steps == 30);
    CHECK(shape.n_classes == data.n_classes);
    CHECK(shape.n_train == data.train.n_samples);
    CHECK(shape.n_test == data.test.n_samples);
  }
}

TEST_CASE("task: randman's options are checked, all at once, before data is made") {
  const auto refused = [](auto change) {
    RunConfig config;
    change(config.task.randman);
    const auto problems = problems_of(config);
    REQUIRE(problems.size() == 1);
    return problems[0].place;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const int most = std::numeric_limits<int>::max();
  CHECK(refused([](auto& r) { r.n_test = 10000; }) == "task.n_test");
  CHECK(refused([](auto& r) { r.n_test = -1; }) == "task.n_test");
  CHECK(refused([](auto& r) { r.alpha = 0; }) == "task.alpha");
  CHECK(refused([&](auto& r) { r.alpha = nan; }) == "task.alpha");
  CHECK(refused([&](auto& r) { r.step_fraction = nan; }) == "task.step_fraction");
  CHECK(refused([](auto& r) { r.step_fraction = 1.5; }) == "task.step_fraction");
  CHECK(refused([](auto& r) { r.seed = 1ULL << 32; }) == "task.seed");
  CHECK(refused([](auto& r) { r.n_units = 0; }) == "task.n_units");
  CHECK(refused([&](auto& r) { r.n_units = r.n_classes = r.n_spikes = most; }) == "task");
  CHECK(refused([&](auto& r) { r.dim_manifold = most; }) == "task.dim_manifold");

  RunConfig config;
  config.task.randman.n_classes = config.task.randman.n_steps = -3;
  config.task.randman.alpha = -1.0;
  CHECK(problems_of(config).size() == 3);
}

}  // namespace spikelane
