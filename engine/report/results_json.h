// RunResult as the text of results.json, whose contract is tools/results.schema.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/report/results.h"

namespace spikelane {

inline constexpr int kResultsSchemaVersion = 1;

/// The sizes of a network as they stand in results.json.
struct NetworkSizes {
  struct Population {
    std::string name;
    int n = 0;
  };
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;  // weight: (pre, post); bias: (post)
  };
  int n_inputs = 0;
  std::int64_t n_neurons = 0, n_parameters = 0;
  std::vector<Population> populations;
  std::vector<Tensor> tensors;  // in the order of the projections, a weight before its bias
};

/// Counts what a checked description describes.
NetworkSizes network_sizes(const NetworkDescription& network);

/// The document, indented by 2, with a newline at the end. Numbers are written so that reading them
/// gives the same bits; a number that is not finite is null. While result.state_hash is empty the
/// run is under way: `final` and `state_hash` are left out then, as is `interrupted` where empty.
std::string results_to_json(const RunConfig& config, const RunResult& result);

/// Reports as they stand in `reports`, for a checkpoint, and back: the same bits. Throws UserError
/// where the text is something else; `place` names it.
std::string reports_to_json(const std::vector<Report>& reports);
std::vector<Report> reports_from_json(const std::string& text, const std::string& place);

/// One report as it stands in `reports`, on one line: what a run prints while it goes on.
std::string report_to_json_line(const Report& report);

}  // namespace spikelane
