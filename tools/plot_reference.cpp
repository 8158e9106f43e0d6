#include "tools/plot_reference.h"

#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"

namespace spikelane {

namespace fs = std::filesystem;

namespace {

std::optional<double> to_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

}  // namespace

ReferenceCurve read_reference_curve(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored))
    throw UserError("--reference", "no file " + in_quotes(file.string()),
                    "a CSV file of lines update,value");
  std::ifstream in(file);
  ReferenceCurve curve;
  curve.title = file.stem().string();
  std::string line;
  for (int i_line = 1; std::getline(in, line); ++i_line) {
    if (line.empty() || line == "\r") continue;
    const auto comma = line.find(',');
    const std::string_view text(line);
    const auto update = to_number(text.substr(0, comma));
    const auto value =
        comma == std::string::npos ? std::nullopt : to_number(text.substr(comma + 1));
    if (update && value) {
      curve.points.emplace_back(*update, *value);
    } else if (i_line == 1 && comma != std::string::npos && !update && !value) {
      curve.title = line.substr(comma + 1);
      if (!curve.title.empty() && curve.title.back() == '\r') curve.title.pop_back();
    } else {
      throw UserError(file.string() + ": line " + std::to_string(i_line),
                      in_quotes(printable(line, 60)), "two numbers: update,value");
    }
  }
  if (in.bad()) throw UserError(file.string(), "cannot be read", "a readable file");
  if (curve.points.empty())
    throw UserError(file.string(), "no points", "at least one line update,value");
  return curve;
}

}  // namespace spikelane
