#include "engine/report/results_json.h"

#include <limits>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
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

// the keys of a report, once, for writing and reading
template <class Visitor, class AnyReport>
void visit_report(Visitor& v, AnyReport& report) {
  v.count("update", report.update);
  v.number("wall_s", report.wall_s);
  v.number_if_any("train_loss", report.train_loss);
  v.number_if_any("train_accuracy", report.train_accuracy);
  v.number_if_any("test_loss", report.test_loss);
  v.number_if_any("test_accuracy", report.test_accuracy);
  v.number_if_any("train_return", report.train_return);
  v.number_if_any("mean_return", report.mean_return);
  v.count_if_any("n_unstable", report.n_unstable);
  v.numbers_if_any("firing_rate", report.firing_rate);
  v.number_if_any("gradient_norm", report.gradient_norm);
  v.number_if_any("regression_loss", report.regression_loss);
}

// nlohmann writes numbers that are not finite as null
struct ReportWriter {
  ordered_json object = ordered_json::object();

  void count(const char* key, int value) { object[key] = value; }
  void number(const char* key, double value) { object[key] = value; }
  void number_if_any(const char* key, const std::optional<double>& value) {
    if (value) object[key] = *value;
  }
  void count_if_any(const char* key, const std::optional<int>& value) {
    if (value) object[key] = *value;
  }
  void numbers_if_any(const char* key, const std::map<std::string, double>& values) {
    if (!values.empty()) object[key] = values;
  }
};

class ReportReader {
 public:
  ReportReader(const ordered_json& object, std::string place)
      : object_(object), place_(std::move(place)) {
    if (!object.is_object()) throw UserError(place_, "something else", "an object");
  }

  void count(const char* key, int& value) {
    if (!object_.contains(key) || !object_[key].is_number_integer()) refuse(key, "an integer");
    value = object_[key].get<int>();
  }
  void number(const char* key, double& value) {
    if (!object_.contains(key)) refuse(key, "a number");
    value = read(key, object_[key]);
  }
  void number_if_any(const char* key, std::optional<double>& value) {
    if (object_.contains(key)) value = read(key, object_[key]);
  }
  void count_if_any(const char* key, std::optional<int>& value) {
    if (object_.contains(key)) count(key, value.emplace());
  }
  void numbers_if_any(const char* key, std::map<std::string, double>& values) {
    if (!object_.contains(key)) return;
    if (!object_[key].is_object()) refuse(key, "an object of numbers");
    for (const auto& [name, value] : object_[key].items()) values[name] = read(key, value);
  }

 private:
  double read(const char* key, const ordered_json& value) const {
    if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) refuse(key, "a number");
    return value.get<double>();
  }
  [[noreturn]] void refuse(const char* key, const char* allowed) const {
    throw UserError(place_ + "." + key, "nothing or something else", allowed);
  }

  const ordered_json& object_;
  std::string place_;
};

ordered_json report_to_json(const Report& report) {
  ReportWriter writer;
  visit_report(writer, report);
  return writer.object;
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

std::string reports_to_json(const std::vector<Report>& reports) {
  ordered_json array = ordered_json::array();
  for (const Report& report : reports) array.push_back(report_to_json(report));
  return array.dump();
}

std::vector<Report> reports_from_json(const std::string& text, const std::string& place) {
  const ordered_json array = ordered_json::parse(text, nullptr, false);
  if (!array.is_array()) throw UserError(place, "something else", "an array of reports");
  std::vector<Report> reports;
  for (const ordered_json& object : array) {
    ReportReader reader(object, place + "." + std::to_string(reports.size()));
    visit_report(reader, reports.emplace_back());
  }
  return reports;
}

std::string report_to_json_line(const Report& report) {
  return report_to_json(report).dump() + "\n";
}

std::string results_to_json(const RunConfig& config, const RunResult& result) {
  ordered_json document = ordered_json::object();
  document["schema_version"] = kResultsSchemaVersion;
  document["config"] = ordered_json::parse(config_to_json(config));
  document["config_digest"] = config_digest(config);
  if (!result.data_fingerprint.empty()) document["data_fingerprint"] = result.data_fingerprint;
  document["tested_on"] =
      result.tests_on_training_samples ? "training samples" : "held-out samples";
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
  if (timing.exchange_s) document["timing"]["exchange_s"] = *timing.exchange_s;
  if (timing.exchange_bytes) document["timing"]["exchange_bytes"] = *timing.exchange_bytes;
  if (!result.interrupted.empty()) document["interrupted"] = result.interrupted;
  if (!result.state_hash.empty()) document["state_hash"] = result.state_hash;
  return to_file_text(document);
}

}  // namespace spikelane
