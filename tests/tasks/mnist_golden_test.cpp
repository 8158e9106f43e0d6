// The coding `crossing` of the real MNIST files, event by event.
#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "engine/config/user_error.h"
#include "tasks/mnist/mnist_task.h"
#include "tests/golden.h"
#include "tests/skip.h"

namespace spikelane::test {
namespace {

// the data lie beside the golden sets, or where any other run finds them
std::optional<TaskData> load_real_files(const MnistConfig& config) {
  try {
    const auto beside = std::filesystem::absolute(golden_folder() / ".." / "data");
    return load_mnist(config, find_mnist_files(config, beside.string(), ""), 1);
  } catch (const UserError&) {
    note_skip("no MNIST files");
    return std::nullopt;
  }
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("mnist: events, channel counts and labels") {
    if (golden_is_missing()) return;
    const auto data = load_real_files({});
    if (!data) return;
    CHECK(data->train.n_samples == 60000);
    CHECK(data->test.n_samples == 10000);
    const auto folder = golden_folder() / "smnist";
    for (const bool is_test : {false, true}) {
      const Dataset& part = is_test ? data->test : data->train;
      const auto read = [&](const std::string& name) {
        return read_npy(folder / ((is_test ? "test_" : "train_") + name + ".npy"))
            .as<std::int32_t>();
      };
      const auto events = read("events"), offsets = read("offsets"), labels = read("labels");
      const auto counts = read("channel_counts");
      CHECK(part.n_steps == 840);
      CHECK(part.n_inputs == 80);
      REQUIRE(offsets.size() == 21);
      std::vector<InputEvent> found;
      for (std::size_t i = 0; i < 20; ++i) {
        CAPTURE(i);
        CHECK(part.labels[i] == labels[i]);
        part.source->write(static_cast<int>(i), 0, found);
        std::vector<std::int32_t> flat;
        for (const InputEvent& event : found) {
          flat.push_back(event.step);
          flat.push_back(event.unit);
        }
        const std::vector<std::int32_t> expected(events.begin() + 2 * offsets[i],
                                                 events.begin() + 2 * offsets[i + 1]);
        CHECK((flat == expected));
      }
      std::vector<std::int32_t> n_of_channel(80);
      for (int i = 0; i < 1000; ++i) {
        part.source->write(i, 0, found);
        for (const InputEvent& event : found) ++n_of_channel[static_cast<std::size_t>(event.unit)];
      }
      CHECK(n_of_channel == counts);
    }
  }

  TEST_CASE("mnist: rate trains of real images fire as often as their pixels say") {
    if (golden_is_missing()) return;
    MnistConfig config;
    config.coding = MnistCoding::kRate;
    config.n_train = 1000;
    const auto data = load_real_files(config);
    if (!data) return;
    // the mean pixel of the first 1000 training images, of smnist/params.json
    const double mean_events = 0.1282389605842337 * 784 * 80;
    std::vector<InputEvent> found;
    double n = 0;
    for (int i = 0; i < 1000; ++i) {
      data->train.source->write(i, 0, found);
      n += static_cast<double>(found.size()) - 56;
    }
    CHECK(n / 1000 == doctest::Approx(mean_events).epsilon(0.002));
  }
}

}  // namespace spikelane::test
