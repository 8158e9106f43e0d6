// A curve to draw a run's own over: points from a CSV file.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace spikelane {

struct ReferenceCurve {
  std::string title;  // the head of the second column, or the file's name
  std::vector<std::pair<double, double>> points;
};

/// Reads lines `update,value`; the first may be a head. Throws UserError with the number and the
/// content of the first wrong line, and for a file without points or one that cannot be read.
ReferenceCurve read_reference_curve(const std::filesystem::path& file);

}  // namespace spikelane
