// Where data files are looked for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/config/run_config.h"

namespace spikelane {

/// The folders in which a relative file name is looked for, in this order: `data_dir` relative to
/// the folder of `config_path` (that folder itself where no data_dir is given), $SPIKELANE_DATA
/// where it is set, `data`, `../shared/data` (both relative to the working folder).
std::vector<std::filesystem::path> data_folders(const std::string& data_dir,
                                                const std::string& config_path);

/// The first of those folders' `file` that exists; an absolute `file` is taken as it is. Throws
/// UserError at `place` (the path in the config) naming the file, every place looked at, and
/// `how_to_get`, one sentence on where such a file comes from.
std::filesystem::path find_data_file(const std::string& file, const std::string& data_dir,
                                     const std::string& config_path, const std::string& place,
                                     const std::string& how_to_get);

/// The same for a file that may have any of the names `files` (at least one); a folder is left only
/// after all of them were looked for in it.
std::filesystem::path find_data_file(const std::vector<std::string>& files,
                                     const std::string& data_dir, const std::string& config_path,
                                     const std::string& place, const std::string& how_to_get);

}  // namespace spikelane
