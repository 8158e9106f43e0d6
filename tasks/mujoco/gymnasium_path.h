// Where an installed Gymnasium keeps its models.
#pragma once

#include <filesystem>
#include <string>

namespace spikelane {

/// The file that `model`, "gymnasium:hopper.xml", names. Looked for in $SPIKELANE_GYMNASIUM (the
/// folder of the package, or of its models), then in the site-packages of $VIRTUAL_ENV,
/// $CONDA_PREFIX, ~/.local, /usr/local and /usr, of the newest Python first. No Python is run.
/// Throws UserError at `place` with the folders where was looked.
std::filesystem::path find_gymnasium_model(const std::string& model, const std::string& place);

/// Whether `model` begins with "gymnasium:".
bool is_gymnasium_model(const std::string& model);

}  // namespace spikelane
