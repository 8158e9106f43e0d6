#include "engine/report/results_json.h"

#include "engine/config/parse_config.h"
#include "engine/report/build_info.h"
#include "engine/report/header_json.h"

namespace spikelane {
namespace {

using nlohmann::ordered_json;

int size_of(const NetworkDescription& network, const std::string& name) {
  for (const PopulationDescription& population : network.populations) {
    if (population.name == name) return population.n;
  }
  return network.n_inputs;
}

ordered_json network_to_json(const RunConfig& config) {
  const NetworkSizes sizes = network_sizes(config.network);
  ordered_json populations = ordered_json::array(), tensors = ordered_json::array();
  for (const auto& population : sizes.populations) {
    populations.push_back({{"name", population.name}, {"n", population.n}});
  }
  for (const auto& tensor : sizes.tensors) {
    tensors.push_back({{"name", tensor.name}, {"shape", tensor.shape}});
  }
  return {{"n_inputs", sizes.n_inputs},
          {"n_neurons", sizes.n_neurons},
          {"n_parameters", sizes.n_parameters},
          {"populations", populations},
          {"tensors", tensors},
          {"digest", network_digest(config)}};
}

void put_if_any(ordered_json& object, const char* key, const std::optional<double>& value) {
  // nlohmann writes numbers that are not finite as null
  if (value) object[key] = *value;
}

ordered_json report_to_json(const Report& report) {
  ordered_json object = {{"update", report.update}, {"wall_s", report.wall_s}};
  put_if_any(object, "train_loss", report.train_loss);
  put_if_any(object, "train_accuracy", report.train_accuracy);
  put_if_any(object, "test_loss", report.test_loss);
  put_if_any(object, "test_accuracy", report.test_accuracy);
  put_if_any(object, "train_return", report.train_return);
  put_if_any(object, "mean_return", report.mean_return);
  if (report.n_unstable) object["n_unstable"] = *report.n_unstable;
  if (!report.firing_rate.empty()) object["firing_rate"] = report.firing_rate;
  put_if_any(object, "gradient_norm", report.gradient_norm);
  put_if_any(object, "regression_loss", report.regression_loss);
  return object;
}

}  // namespace

NetworkSizes network_sizes(const NetworkDescription& network) {
  NetworkSizes sizes;
  sizes.n_inputs = network.n_inputs;
  for (const PopulationDescription& population : network.populations) {
    sizes.populations.push_back({population.name, population.n});
    sizes.n_neurons += population.n;
  }
  for (const ProjectionDescription& projection : network.projections) {
    const std::int64_t n_pre = size_of(network, projection.from);
    const std::int64_t n_post = size_of(network, projection.to);
    sizes.tensors.push_back({projection.from + '.' + projection.to + ".weight", {n_pre, n_post}});
    sizes.n_parameters += n_pre * n_post;
    if (projection.has_bias) {
      sizes.tensors.push_back({projection.to + ".bias", {n_post}});
      sizes.n_parameters += n_post;
    }
  }
  return sizes;
}

std::string report_to_json_line(const Report& report) {
  return report_to_json(report).dump() + "\n";
}

std::string results_to_json(const RunConfig& config, const RunResult& result) {
  ordered_json document = ordered_json::object();
  document["schema_version"] = kResultsSchemaVersion;
  document["config"] = ordered_json::parse(config_to_json(config));
  document["config_digest"] = config_digest(config);
  document["network"] = network_to_json(config);
  document["build"] = to_json_object(build_info());
  document["machine"] = to_json_object(result.machine);
  document["seed"] = result.seed;
  document["reports"] = ordered_json::array();
  for (const Report& report : result.reports) {
    document["reports"].push_back(report_to_json(report));
  }
  if (!result.state_hash.empty()) document["final"] = report_to_json(result.final_report);
  const Timing& timing = result.timing;
  document["timing"] = {
      {"total_s", timing.total_s}, {"data_s", timing.data_s},
      {"trial_s", timing.trial_s}, {"update_s", timing.update_s},
      {"test_s", timing.test_s},   {"sample_steps_per_s", timing.sample_steps_per_s}};
  if (!result.interrupted.empty()) document["interrupted"] = result.interrupted;
  if (!result.state_hash.empty()) document["state_hash"] = result.state_hash;
  return to_file_text(document);
}

std::string with_reports_of(const std::string& old_results, const std::string& results) {
  ordered_json document = ordered_json::parse(results);
  const ordered_json old = ordered_json::parse(old_results, nullptr, false);
  const auto has = [&](const char* key) { return old.is_object() && old.contains(key); };
  const bool is_same_run = has("config_digest") && has("reports") &&
                           old["config_digest"] == document["config_digest"] &&
                           old["reports"].is_array() && !old["reports"].empty();
  if (!is_same_run) return results;
  document["reports"] = old["reports"];
  return to_file_text(document);
}

}  // namespace spikelane
