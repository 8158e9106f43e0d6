// Weight files: what is written is read back to the bit, by name and not by place.
#include "engine/report/weights.h"

#include <doctest/doctest.h>

#include <numeric>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "engine/report/safetensors.h"
#include "tests/scratch_folder.h"
#include "tests/tools/tiny_config.h"

namespace spikelane {
namespace {

std::unique_ptr<const Plan> tiny_plan(LayoutChoice layout) {
  const RunConfig config = parse_config(test::kTinyConfig, "tiny.json");
  PlanOptions options;
  options.layout = layout;
  return compile_plan(config.network, config.loss, config.task.randman.n_steps, options);
}

// 0.5, 1.5, 2.5, ...
std::vector<float> counted(const Plan& plan) {
  std::vector<float> parameters(static_cast<std::size_t>(plan.n_parameters()));
  std::iota(parameters.begin(), parameters.end(), 0.5f);
  return parameters;
}

}  // namespace

TEST_CASE("weights: what is written is read back, whatever the layout") {
  const test::ScratchFolder folder;
  const auto plan = tiny_plan(LayoutChoice::kNeuronLanes);
  const std::vector<float> parameters = counted(*plan);
  const std::string content = weights_to_safetensors(*plan, parameters);
  const auto path = test::write_file(folder / "w.safetensors", content);
  CHECK(read_weights(path, *plan) == parameters);
  const auto other = tiny_plan(LayoutChoice::kSampleLanes);
  CHECK(read_weights(path, *other) == parameters);
  CHECK((weights_to_safetensors(*other, parameters) == content));
}

TEST_CASE("weights: arrays hold (pre, post), post fastest") {
  const auto plan = tiny_plan(LayoutChoice::kAuto);
  const auto tensors = parse_safetensors(weights_to_safetensors(*plan, counted(*plan)), "memory");
  REQUIRE(tensors.size() == 3);
  const Tensor* input = find_tensor(tensors, "input.hidden.weight");
  const Tensor* output = find_tensor(tensors, "hidden.output.weight");
  const Tensor* bias = find_tensor(tensors, "hidden.bias");
  REQUIRE(input != nullptr);
  REQUIRE(output != nullptr);
  REQUIRE(bias != nullptr);
  CHECK(input->shape == std::vector<std::int64_t>{4, 9});
  CHECK(output->shape == std::vector<std::int64_t>{9, 3});
  CHECK(bias->shape == std::vector<std::int64_t>{9});
  // projections in their order, then biases
  CHECK(values_of<float>(*input)[9] == 9.5f);
  CHECK(values_of<float>(*output)[0] == 36.5f);
  CHECK(values_of<float>(*bias)[8] == 71.5f);
}

TEST_CASE("weights: every mismatch is said at once") {
  const test::ScratchFolder folder;
  const auto plan = tiny_plan(LayoutChoice::kAuto);
  auto tensors = parse_safetensors(weights_to_safetensors(*plan, counted(*plan)), "memory");
  for (Tensor& tensor : tensors) {
    if (tensor.name == "hidden.bias") tensor = make_tensor("bias", {9}, std::vector<float>(9));
    if (tensor.name == "input.hidden.weight")
      tensor = make_tensor(tensor.name, {36}, std::vector<double>(36));
    // a NaN in element (2, 1)
    if (tensor.name == "hidden.output.weight")
      for (std::size_t k = 0; k < 4; ++k) tensor.bytes[7 * 4 + k] = std::byte{0xff};
  }
  const auto path = test::write_file(folder / "w.safetensors", to_safetensors(tensors, {}));
  std::vector<std::string> places;
  try {
    read_weights(path, *plan);
  } catch (const UserError& error) {
    for (const Problem& problem : error.problems())
      places.push_back(problem.place.substr(path.string().size() + 2) + " " + problem.value);
  }
  CHECK(places == std::vector<std::string>{"tensor \"input.hidden.weight\" shape (36)",
                                           "tensor \"input.hidden.weight\" dtype F64",
                                           "hidden.output.weight[2, 1] NaN",
                                           "tensor \"hidden.bias\" missing",
                                           "tensor \"bias\" not a tensor of this network"});
}

}  // namespace spikelane
