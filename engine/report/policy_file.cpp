#include "engine/report/policy_file.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/config/parse_config.h"
#include "engine/config/problems.h"
#include "engine/plan/plan.h"
#include "engine/report/checksum.h"
#include "engine/report/weights.h"

namespace spikelane {

static const char* const kFormatKey = "spikelane.format";
static const char* const kConfigKey = "spikelane.config";
static const char* const kFormat = "1";

// the tensors do not depend on how the network is run
static std::unique_ptr<const Plan> plan_of(const RunConfig& config) {
  return compile_plan(config.network, LossConfig{}, 1, PlanOptions{});
}

std::string policy_to_safetensors(const RunConfig& config, std::span<const float> parameters) {
  const auto plan = plan_of(config);
  const std::string weights = weights_to_safetensors(*plan, parameters);
  return to_checked_safetensors(parse_safetensors(weights, "weights"),
                                {{kFormatKey, kFormat}, {kConfigKey, config_to_json(config)}});
}

// inputs of the network, from the first tensor that reads them; 0 where none does
static int n_inputs_of(const RunConfig& config, const std::vector<Tensor>& tensors) {
  for (const ProjectionDescription& projection : config.network.projections) {
    if (projection.from != "input") continue;
    const Tensor* tensor = find_tensor(tensors, "input." + projection.to + ".weight");
    if (tensor && tensor->shape.size() == 2 && tensor->shape[0] > 0 && tensor->shape[0] <= 1 << 24)
      return static_cast<int>(tensor->shape[0]);
  }
  return 0;
}

Policy make_policy(RunConfig config, const std::vector<Tensor>& tensors, const std::string& place) {
  // what the task says, where the config alone says it, must hold: then the tensors are compared
  if (config.network.n_inputs == 0) config.network.n_inputs = n_inputs_of(config, tensors);
  if (config.network.n_inputs == 0)
    throw UserError(place, "no weights of the inputs",
                    "tensors of at least one projection from \"input\", (inputs, neurons)");
  const auto plan = plan_of(config);
  Policy policy{std::move(config), {}};
  policy.parameters = weights_of(tensors, place, *plan);
  return policy;
}

Policy parse_policy(const std::vector<Tensor>& tensors, const Metadata& metadata,
                    const std::string& place) {
  const auto format = metadata.find(kFormatKey), text = metadata.find(kConfigKey);
  if (format == metadata.end() || text == metadata.end())
    throw UserError(place, "a safetensors file without a config",
                    "a policy file, as `spikelane export DIR --policy FILE` writes it");
  if (format->second != kFormat)
    throw UserError(place, "a policy file of format " + in_quotes(format->second),
                    std::string("format ") + in_quotes(kFormat));
  return make_policy(parse_config(text->second, place), tensors, place);
}

Policy read_training(const std::filesystem::path& folder) {
  const std::string path = (folder / "results.json").string();
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw UserError(path, "no readable file", "the results.json of `spikelane train --out`");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto results = nlohmann::json::parse(text, nullptr, false);
  if (!results.is_object() || !results.contains("config"))
    throw UserError(path, "no config in it", "the results.json of `spikelane train --out`");
  const std::filesystem::path weights = folder / "weights.safetensors";
  Metadata metadata;
  const std::vector<Tensor> tensors = read_safetensors(weights, &metadata);
  RunConfig config = parse_config(results["config"].dump(), path);
  if (metadata.count("config") > 0) {
    const auto differences = origin_differences(metadata, config, weights.string());
    std::vector<Problem> problems;
    for (const std::string& difference : differences)
      problems.push_back({path, difference, "results.json and weights of one training"});
    if (!problems.empty()) throw UserError(std::move(problems));
  }
  return make_policy(std::move(config), tensors, weights.string());
}

}  // namespace spikelane
