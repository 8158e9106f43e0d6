// The parts that results.json and the benchmark's JSON have in common.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/report/results.h"

namespace spikelane {

nlohmann::ordered_json to_json_object(const BuildInfo& build);
nlohmann::ordered_json to_json_object(const MachineInfo& machine);

/// Indented by 2, with a newline at the end. Bytes that are not UTF-8 (a strange processor name)
/// are replaced, not thrown at.
std::string to_file_text(const nlohmann::ordered_json& document);

}  // namespace spikelane
