// Where "gymnasium:FILE" is looked for, and what is said where it is not found.
#include "tasks/mujoco/gymnasium_path.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "engine/config/user_error.h"
#include "tests/scratch_folder.h"

namespace spikelane::test {
namespace {

namespace fs = std::filesystem;

// environment variables of this process, put back at the end
class Variables {
 public:
  void set(const char* name, const std::string& value) {
    if (!kept_.contains(name)) {
      const char* old = std::getenv(name);
      kept_[name] = old == nullptr ? std::nullopt : std::optional<std::string>(old);
    }
    setenv(name, value.c_str(), 1);
  }
  ~Variables() {
    for (const auto& [name, value] : kept_)
      if (value)
        setenv(name.c_str(), value->c_str(), 1);
      else
        unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::optional<std::string>> kept_;
};

fs::path put_model(const fs::path& assets, const char* name) {
  fs::create_directories(assets);
  std::ofstream(assets / name) << "<mujoco/>";
  return assets / name;
}

std::string allowed_for(const std::string& model) {
  try {
    find_gymnasium_model(model, "task.model");
  } catch (const UserError& error) {
    REQUIRE(error.problems().size() == 1);
    CHECK(error.problems()[0].place == "task.model");
    return error.problems()[0].allowed;
  }
  return "";
}

}  // namespace

TEST_CASE("gymnasium: its models are found in a virtual environment, the newest Python first") {
  const ScratchFolder folder;
  Variables variables;
  variables.set("SPIKELANE_GYMNASIUM", "");
  variables.set("CONDA_PREFIX", "");
  variables.set("HOME", (folder.path() / "home").string());
  variables.set("VIRTUAL_ENV", (folder.path() / "env").string());
  const auto assets = [&](const char* python) {
    return folder.path() / "env/lib" / python / "site-packages/gymnasium/envs/mujoco/assets";
  };
  put_model(assets("python3.9"), "own_test_model.xml");
  const fs::path newer = put_model(assets("python3.11"), "own_test_model.xml");
  CHECK(find_gymnasium_model("gymnasium:own_test_model.xml", "task.model") == newer);
  CHECK(allowed_for("gymnasium:other_own_model.xml").find("the name of a file") == 0);
  CHECK(allowed_for("gymnasium:").find("the name of a file") == 0);

  // a folder that is named comes in the place of all others
  const fs::path own = put_model(folder.path() / "models", "own_test_model.xml");
  variables.set("SPIKELANE_GYMNASIUM", (folder.path() / "models").string());
  CHECK(find_gymnasium_model("gymnasium:own_test_model.xml", "task.model") == own);
  variables.set("SPIKELANE_GYMNASIUM", (folder.path() / "nothing").string());
  CHECK(allowed_for("gymnasium:own_test_model.xml").find("an installed Gymnasium") == 0);
  CHECK(is_gymnasium_model("gymnasium:hopper.xml"));
  CHECK_FALSE(is_gymnasium_model("hopper.xml"));
}

}  // namespace spikelane::test
