#include "engine/report/problems_json.h"

#include <nlohmann/json.hpp>

#include "engine/config/problems.h"

namespace spikelane {

using Json = nlohmann::ordered_json;

std::string problems_to_json(const std::vector<Problem>& problems) {
  Json list = Json::array();
  for (const Problem& problem : problems)
    list.push_back(
        {{"path", problem.place}, {"found", problem.value}, {"allowed", problem.allowed}});
  return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string run_to_json(int n_samples, const std::string& state_hash, const Report& report) {
  Json json{{"n_samples", n_samples}, {"state_hash", state_hash}};
  if (report.test_loss) json["loss"] = *report.test_loss;
  if (report.test_accuracy) json["accuracy"] = *report.test_accuracy;
  json["firing_rate"] = report.firing_rate;
  return json.dump();
}

}  // namespace spikelane
