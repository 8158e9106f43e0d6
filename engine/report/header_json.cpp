#include "engine/report/header_json.h"

namespace spikelane {

using nlohmann::ordered_json;

ordered_json to_json_object(const BuildInfo& build) {
  return {{"revision", build.revision}, {"compiler", build.compiler}, {"flags", build.flags}};
}

ordered_json to_json_object(const MachineInfo& machine) {
  ordered_json object{{"cpu", machine.cpu},         {"isa", machine.isa},
                      {"backend", machine.backend}, {"n_threads", machine.n_threads},
                      {"n_ranks", machine.n_ranks}, {"device", machine.device}};
  if (!machine.physics.empty()) object["physics"] = machine.physics;
  return object;
}

std::string to_file_text(const ordered_json& document) {
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace spikelane
