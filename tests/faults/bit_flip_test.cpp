// Single flipped bits in every file that is read: each is refused, or read as what it was, or,
// where a format has no checksum, read as another right file that the results show. Checkpoints:
// tests/report/checkpoint_test.cpp.
#include <doctest/doctest.h>

#include <numeric>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "engine/report/checksum.h"
#include "engine/report/weights.h"
#include "tasks/array/array_task.h"
#include "tasks/mnist/idx_file.h"
#include "tests/api/policies.h"
#include "tests/scratch_folder.h"
#include "tests/tasks/idx_text.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

struct Flips {
  std::size_t n = 0, n_refused = 0, n_same = 0, n_other = 0;
};

/// Reads `content` with each of its bits flipped, or each `stride`-th; `read` gives a text of all
/// that was read, or throws UserError.
template <class Read>
Flips flip_all(const std::string& content, Read read, std::size_t stride = 1) {
  const std::string right = read(content);
  Flips flips;
  for (std::size_t bit = 0; bit < 8 * content.size(); bit += stride, ++flips.n) {
    std::string flipped = content;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    try {
      ++(read(flipped) == right ? flips.n_same : flips.n_other);
    } catch (const UserError&) {
      ++flips.n_refused;
    }
  }
  MESSAGE(flips.n, " flips: ", flips.n_refused, " refused, ", flips.n_same, " read as before, ",
          flips.n_other, " another right file");
  CHECK(flips.n_refused > 0);
  return flips;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::string text_of(const TaskData& data) {
  std::string text;
  for (const Dataset* set : {&data.train, &data.test}) {
    text += bytes_of(set->events) + bytes_of(set->offsets) + bytes_of(set->values) +
            bytes_of(set->labels);
    for (const int n : {set->n_samples, set->n_steps, set->n_inputs})
      text += ' ' + std::to_string(n);
  }
  return text;
}

const std::vector<Tensor> kArrays{
    make_tensor<std::uint8_t>("inputs", {3, 2, 2},
                              std::vector<std::uint8_t>{1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0}),
    make_tensor<std::int32_t>("labels", {3}, std::vector<std::int32_t>{0, 1, 1})};

}  // namespace

TEST_CASE("bit flips: weights") {
  const ScratchFolder folder;
  const RunConfig config = parse_config(kTinyConfig, "tiny.json");
  const auto plan =
      compile_plan(config.network, config.loss, config.task.randman.n_steps, PlanOptions{});
  std::vector<float> parameters(static_cast<std::size_t>(plan->n_parameters()));
  std::iota(parameters.begin(), parameters.end(), 0.5f);
  const Flips flips =
      flip_all(weights_to_safetensors(*plan, parameters), [&](const std::string& content) {
        return bytes_of(read_weights(write_file(folder / "w.safetensors", content), *plan));
      });
  CHECK(flips.n_other == 0);
}

TEST_CASE("bit flips: policy files, as a C program loads them and from memory") {
  const ScratchFolder folder;
  const Policy policy = start_policy(kTinyConfig);
  const std::string right = policy_to_safetensors(policy.config, policy.parameters);
  // what has been loaded is saved again: config and weights
  for (const bool is_file : {false, true}) {
    const auto saved = (folder / "saved").string();
    const auto read = [&](const std::string& content) {
      spikelane_network network{};
      char error[512];
      const spikelane_status status =
          is_file ? spikelane_load(write_file(folder / "p.spikelane", content).c_str(), nullptr,
                                   &network, error, sizeof error)
                  : spikelane_load_memory(content.data(), content.size(), nullptr, &network, error,
                                          sizeof error);
      if (status == SPIKELANE_ERROR_INPUT) throw UserError("policy", "it", error);
      REQUIRE(status == SPIKELANE_OK);
      CHECK(spikelane_save(network, saved.c_str(), error, sizeof error) == SPIKELANE_OK);
      CHECK(spikelane_unload(network, nullptr, 0) == SPIKELANE_OK);
      return read_file(saved);
    };
    // a prime, so that each bit of a byte has its turn
    const std::size_t stride = is_file || SPIKELANE_IS_SANITIZED ? 7 : 1;
    CHECK(flip_all(right, read, stride).n_other == 0);
  }
}

TEST_CASE("bit flips: array files, with a checksum and without") {
  const ScratchFolder folder;
  const auto read = [&](const std::string& content) {
    return text_of(load_array({"", 1}, write_file(folder / "a.safetensors", content)));
  };
  CHECK(flip_all(to_checked_safetensors(kArrays, {}), read).n_other == 0);
  // inputs and labels are 24 bytes, and nothing that describes them may change
  CHECK(flip_all(to_safetensors(kArrays, {}), read).n_other <= 8 * 24);
}

TEST_CASE("bit flips: idx files, gzipped and not") {
  const ScratchFolder folder;
  const auto read = [&](const std::string& content) {
    const IdxData data = read_idx(write_file(folder / "idx", content), 3);
    return bytes_of(data.sizes) + bytes_of(data.values);
  };
  const std::string plain = idx_text({4, 2, 3}, some_pixels(4, 6));
  CHECK(flip_all(gzipped(plain), read).n_other == 0);
  // each bit of the 24 pixels makes another image; the sizes are held against the file's length
  CHECK(flip_all(plain, read).n_other == 8 * 24);
}

TEST_CASE("bit flips: a config is refused, the same, or seen to be another") {
  const Flips flips = flip_all(kTinyConfig, [](const std::string& content) {
    return config_to_json(parse_config(content, "config"));
  });
  CHECK(flips.n_refused > flips.n / 2);
  CHECK(flips.n_refused + flips.n_same + flips.n_other == flips.n);
}

}  // namespace spikelane::test
