#include "engine/config/config_differences.h"

#include <nlohmann/json.hpp>
#include <set>

#include "engine/config/json_text.h"
#include "engine/config/parse_config.h"

namespace spikelane {
namespace {

using nlohmann::json;

void compare(const json& before, const json& now, const std::string& path,
             std::vector<ConfigDifference>& differences) {
  const auto key = [&](const std::string& name) { return path.empty() ? name : path + '.' + name; };
  if (before.is_object() && now.is_object()) {
    std::set<std::string> names;
    for (const json* side : {&before, &now})
      for (const auto& item : side->items()) names.insert(item.key());
    for (const std::string& name : names) {
      if (!now.contains(name))
        differences.push_back({key(name), value_text(before[name]), "nothing"});
      else if (!before.contains(name))
        differences.push_back({key(name), "nothing", value_text(now[name])});
      else
        compare(before[name], now[name], key(name), differences);
    }
  } else if (before.is_array() && now.is_array() && before.size() == now.size()) {
    for (std::size_t i = 0; i < now.size(); ++i)
      compare(before[i], now[i], key(std::to_string(i)), differences);
  } else if (before != now) {
    differences.push_back({path, value_text(before), value_text(now)});
  }
}

json without_run(const RunConfig& config) {
  json document = json::parse(config_to_json(config));
  document.erase("run");
  return document;
}

}  // namespace

std::vector<ConfigDifference> config_differences(const RunConfig& before, const RunConfig& now) {
  std::vector<ConfigDifference> differences;
  compare(without_run(before), without_run(now), "", differences);
  return differences;
}

}  // namespace spikelane
