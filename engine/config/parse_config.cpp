#include "engine/config/parse_config.h"

#include <filesystem>
#include <fstream>

#include "engine/config/config_checks.h"
#include "engine/config/config_keys.h"
#include "engine/config/config_reader.h"
#include "engine/config/json_text.h"

namespace spikelane {
namespace {

// reads at most one byte more than allowed, so that /dev/zero comes to an end too
std::string read_text(const std::string& path) {
  constexpr std::size_t kChunk = std::size_t{1} << 16;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw UserError(printable(path, 200), "a folder", "a JSON file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UserError(printable(path, 200), "no readable file", "a JSON file");
  std::string text;
  std::string chunk(kChunk, '\0');
  while (file && text.size() <= kMaxConfigBytes) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    text.append(chunk, 0, static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) throw UserError(printable(path, 200), "a read error", "a JSON file");
  return text;
}

}  // namespace

RunConfig parse_config(std::string_view text, const std::string& name,
                       const std::vector<std::string>& overrides) {
  const std::string shown_name = printable(name, 200);
  if (text.size() > kMaxConfigBytes) {
    throw UserError(shown_name, "more than " + std::to_string(kMaxConfigBytes) + " bytes",
                    "at most so many");
  }
  Problems problems;
  nlohmann::json document = parse_json(text, shown_name, problems);
  if (document.is_discarded()) problems.throw_if_any();
  if (!document.is_object()) throw UserError(shown_name, value_text(document), "a JSON object");
  apply_overrides(document, overrides, problems);

  RunConfig config;
  ConfigReader reader(document, problems);
  visit_config(reader, config);
  reader.finish();
  if (config.task.kind == TaskKind::kRandman) {
    config.network.n_inputs = config.task.randman.n_units;
  }
  const auto rule = document.find("rule");
  const bool is_phase_list =
      rule != document.end() && rule->is_object() && rule->contains("phases");
  check_config(config, is_phase_list, problems);
  problems.throw_if_any();
  return config;
}

RunConfig parse_config_file(const std::string& path, const std::vector<std::string>& overrides) {
  RunConfig config = parse_config(read_text(path), path, overrides);
  config.config_path = path;
  return config;
}

void check_against_task(const RunConfig& config, int n_inputs, int n_steps, int n_classes,
                        int n_train, int n_test) {
  Problems problems;
  check_task_sizes(config, {n_inputs, n_steps, n_classes, n_train, n_test}, problems);
  problems.throw_if_any();
}

}  // namespace spikelane
