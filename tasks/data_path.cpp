#include "tasks/data_path.h"

#include <cstdlib>
#include <system_error>

#include "engine/config/user_error.h"

namespace spikelane {

std::vector<std::filesystem::path> data_folders(const std::string& data_dir,
                                                const std::string& config_path) {
  // an absolute data_dir replaces the config's folder: that is what operator/ does
  std::vector<std::filesystem::path> folders{std::filesystem::path(config_path).parent_path() /
                                             data_dir};
  const char* from_environment = std::getenv("SPIKELANE_DATA");
  if (from_environment != nullptr && *from_environment != '\0') {
    folders.emplace_back(from_environment);
  }
  folders.emplace_back("data");
  folders.emplace_back("../shared/data");
  return folders;
}

std::filesystem::path find_data_file(const std::string& file, const std::string& data_dir,
                                     const std::string& config_path, const std::string& place,
                                     const std::string& how_to_get) {
  return find_data_file(std::vector<std::string>{file}, data_dir, config_path, place, how_to_get);
}

std::filesystem::path find_data_file(const std::vector<std::string>& files,
                                     const std::string& data_dir, const std::string& config_path,
                                     const std::string& place, const std::string& how_to_get) {
  const std::string& file = files.front();
  if (file.empty()) throw UserError(place, "\"\"", "the name of a file; " + how_to_get);
  std::vector<std::filesystem::path> candidates;
  if (std::filesystem::path(file).is_absolute()) {
    candidates.assign(files.begin(), files.end());
  } else {
    for (const auto& folder : data_folders(data_dir, config_path)) {
      for (const std::string& name : files) candidates.push_back(folder / name);
    }
  }
  std::string places;
  for (const auto& candidate : candidates) {
    std::error_code error;
    if (std::filesystem::exists(candidate, error)) return candidate;
    places += (places.empty() ? "" : ", ") +
              std::filesystem::absolute(candidate, error).lexically_normal().string();
  }
  throw UserError(place, "\"" + file + "\", not found as " + places,
                  "a file in one of these places (or name its folder in data_dir or "
                  "$SPIKELANE_DATA); " +
                      how_to_get);
}

}  // namespace spikelane
