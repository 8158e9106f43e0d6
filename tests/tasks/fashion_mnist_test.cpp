// Fashion-MNIST as Debian's package dataset-fashion-mnist brings it is the same task.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "tasks/load_task.h"
#include "tests/skip.h"

namespace spikelane::test {

TEST_CASE("mnist: Fashion-MNIST from Debian's package") {
  namespace fs = std::filesystem;
  fs::path folder = "/usr/share/datasets/fashion-mnist";
  if (const char* data = std::getenv("SPIKELANE_DATA");
      data && fs::exists(fs::path(data) / "fashion-mnist"))
    folder = fs::path(data) / "fashion-mnist";
  if (!fs::exists(folder / "train-images-idx3-ubyte.gz")) {
    note_skip("no Fashion-MNIST (sudo apt-get install dataset-fashion-mnist)");
    return;
  }
  RunConfig config;
  config.task.kind = TaskKind::kMnist;
  config.task.mnist.folder = folder.string();
  const TaskShape shape = describe_task(config);
  CHECK(shape.n_train == 60'000);
  CHECK(shape.n_test == 10'000);
  CHECK(shape.n_steps == 840);
  CHECK(shape.n_inputs == 80);
  config.task.mnist.n_train = 100;
  const TaskData data = load_task(config);
  CHECK(data.train.n_samples == 100);
  std::vector<int> of_class(10, 0);
  for (const std::int32_t label : data.test.labels) ++of_class[static_cast<std::size_t>(label)];
  for (const int n : of_class) CHECK(n == 1000);
  std::vector<InputEvent> events;
  data.train.source->write(0, 0, events);
  CHECK(events.size() > 500);
}

}  // namespace spikelane::test
