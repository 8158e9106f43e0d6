#include "tasks/mujoco/gymnasium_path.h"

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "engine/config/problems.h"

namespace spikelane {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "gymnasium:";

int minor_version(const fs::path& folder) {
  const std::string name = folder.filename().string();  // python3.11
  return std::atoi(name.substr(std::min<std::size_t>(name.size(), 8)).c_str());
}

// prefix/lib/python3.N/{site,dist}-packages/gymnasium, the newest Python first
void add_packages(const fs::path& prefix, std::vector<fs::path>& folders) {
  std::error_code error;
  std::vector<fs::path> pythons;
  for (fs::directory_iterator at(prefix / "lib", error), end; !error && at != end;
       at.increment(error))
    if (at->path().filename().string().compare(0, 8, "python3.") == 0)
      pythons.push_back(at->path());
  std::sort(pythons.begin(), pythons.end(), [](const fs::path& a, const fs::path& b) {
    return minor_version(a) > minor_version(b);
  });
  pythons.push_back(prefix / "lib" / "python3");
  for (const fs::path& python : pythons)
    for (const char* packages : {"site-packages", "dist-packages"})
      folders.push_back(python / packages / "gymnasium");
}

}  // namespace

bool is_gymnasium_model(const std::string& model) { return model.compare(0, 10, kPrefix) == 0; }

fs::path find_gymnasium_model(const std::string& model, const std::string& place) {
  const std::string file = model.substr(10);
  const char* own = std::getenv("SPIKELANE_GYMNASIUM");
  std::vector<fs::path> folders;
  if (own != nullptr && *own != '\0') {
    folders.emplace_back(own);
  } else {
    for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
      if (const char* prefix = std::getenv(name); prefix != nullptr && *prefix != '\0')
        add_packages(prefix, folders);
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
      add_packages(fs::path(home) / ".local", folders);
    add_packages("/usr/local", folders);
    add_packages("/usr", folders);
  }
  std::error_code error;
  bool has_package = false;
  std::string places;
  for (const fs::path& folder : folders) {
    const fs::path assets = folder / "envs" / "mujoco" / "assets";
    for (const fs::path& candidate : {assets / file, folder / file})
      if (!file.empty() && fs::is_regular_file(candidate, error)) return candidate;
    has_package = has_package || fs::is_directory(assets, error);
    if (fs::is_directory(folder.parent_path(), error) || folders.size() == 1)
      places += (places.empty() ? "" : ", ") + folder.string();
  }
  throw UserError(place, in_quotes(model) + ", not found in " + (places.empty() ? "/usr" : places),
                  has_package ? "the name of a file in Gymnasium's folder envs/mujoco/assets, as "
                                "\"gymnasium:hopper.xml\""
                              : "an installed Gymnasium (pip install gymnasium==1.4.0; its folder "
                                "may be named in $SPIKELANE_GYMNASIUM), or the path of an MJCF "
                                "file");
}

}  // namespace spikelane
